#include "cli/commands/device_watch.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/device_report.h"
#include "cli/commands/names.h"
#include "cli/connection/rpc_status.h"
#include "cli/output/structured.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using muster::v1::DeviceChange;
using muster::v1::DeviceService;
using muster::v1::WatchDevicesResponse;

constexpr absl::Duration kPause = absl::Milliseconds(300);
// A watch that was heard once outlives a restart of the control plane.
constexpr absl::Duration kPatience = absl::Minutes(1);

// What was told so far, so that a listing after a lost connection tells only what is new.
class Teller {
 public:
  Teller(Session& session, bool as_json) : session_(session), as_json_(as_json) {}

  // A connection begins: its listing says all again.
  void Begin() { listed_.clear(); }

  void Take(const WatchDevicesResponse& message) {
    for (const DeviceChange& change : message.changes()) Tell(change);
    if (message.synced()) EndListing();
  }

 private:
  void Tell(const DeviceChange& change) {
    const std::string& name = change.device().name();
    listed_.insert(name);
    if (change.kind() == muster::v1::DEVICE_CHANGE_KIND_REMOVED) {
      Print(change, known_.contains(name) ? known_[name] : ShortName(name));
      known_.erase(name);
      return;
    }
    const std::string line = DeviceLine(change.device());
    const auto found = known_.find(name);
    DeviceChange told = change;
    // Said before a connection was lost, and the same still.
    if (found != known_.end() && found->second == line && !as_json_) return;
    if (found != known_.end()) told.set_kind(muster::v1::DEVICE_CHANGE_KIND_CHANGED);
    known_[name] = line;
    Print(told, line);
  }

  void EndListing() {
    for (auto it = known_.begin(); it != known_.end();) {
      if (listed_.contains(it->first)) {
        ++it;
        continue;
      }
      DeviceChange gone;
      gone.set_kind(muster::v1::DEVICE_CHANGE_KIND_REMOVED);
      gone.mutable_device()->set_name(it->first);
      Print(gone, it->second);
      it = known_.erase(it);
    }
    session_.Note(absl::StrCat(known_.size(), known_.size() == 1 ? " device" : " devices",
                               "; changes follow as they come"));
  }

  void Print(const DeviceChange& change, const std::string& line) {
    std::ostream& out = *session_.console().out;
    if (as_json_) {
      out << JsonLine(change).value_or("{}") << std::endl;
      return;
    }
    const std::string word =
        EnumWord(muster::v1::DeviceChangeKind_Name(change.kind()), "DEVICE_CHANGE_KIND_");
    out << CleanText(
               absl::StrCat(word, std::string(9 - std::min<size_t>(8, word.size()), ' '), line))
        << std::endl;
  }

  Session& session_;
  const bool as_json_;
  // Lines by device name.
  std::map<std::string, std::string> known_;
  std::set<std::string> listed_;
};

Outcome Watch(Session& session) {
  const bool as_json = session.format() == Format::kJson;
  if (session.format_given() && !as_json && session.format() != Format::kTable &&
      session.format() != Format::kWide) {
    return absl::InvalidArgumentError(
        "--output: device watch writes lines of text, or of JSON with -o json");
  }
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  muster::v1::WatchDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(session.Text("where"));
  request.set_include_status(session.Switch("status"));
  Teller teller(session, as_json);
  absl::Time last_news = absl::Now();
  absl::Duration patience = connection->retry_for();
  while (true) {
    const auto context = connection->NewContext();
    const auto reader = stub->WatchDevices(context.get(), request);
    teller.Begin();
    WatchDevicesResponse message;
    while (reader->Read(&message)) {
      patience = std::max(patience, kPatience);
      teller.Take(message);
      last_news = absl::Now();
    }
    const grpc::Status status = reader->Finish();
    // The end of a stream that was quiet is news too.
    if (patience == kPatience && !NeverReached(status)) last_news = absl::Now();
    // A control plane that stops may cut the stream before its farewell is sent.
    const bool lost = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                      status.error_code() == grpc::StatusCode::CANCELLED;
    const bool again = lost && !IsTlsFailure(status) && absl::Now() - last_news < patience;
    if (!again) return connection->Explain(status, CallKind::kRead);
    connection->Pause(kPause);
  }
}

}  // namespace

Command DeviceWatchCommand() {
  Command watch;
  watch.noun = "device";
  watch.verb = "watch";
  watch.summary = "Show devices and then a line for each change, until interrupted";
  watch.flags = {{"where", "FILTER", "only those that match; docs/filter.md has the language"},
                 {"status", "", "each check-in is a change (for -o json: with its figures)"}};
  watch.examples =
      "  muster device watch\n"
      "  muster device watch --where 'site = riga AND online = false'\n"
      "  muster device watch --status -o json | jq .device.status.cpuLoadPercent";
  watch.run = Watch;
  return watch;
}

}  // namespace muster::cli
