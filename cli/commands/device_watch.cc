// Follows the fleet for as long as somebody wants to look. After a lost connection that node or the
// next goes on where the one before ended, by the resume token of the last message. Where there is
// none (figures of check-ins are in no order; the control plane was restored) it lists everything
// again, and this file makes a few lines of changes of that: nothing that was told is told again.
// What is listed is never older than what was told, because a node hears of all that others had
// answered before it begins a watch.
#include "cli/commands/device_watch.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/device_report.h"
#include "cli/commands/names.h"
#include "cli/connection/stream_patience.h"
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

// What was told so far, so that a listing after a lost connection tells only what is new.
// Remembers what was printed of each device: a line of about 100 bytes, two megabytes for 20,000,
// or for JSON some 400 bytes.
class Teller {
 public:
  Teller(Session& session, bool as_json, bool with_status)
      : session_(session), as_json_(as_json), with_status_(with_status) {}

  // A listing begins that says all again; it may go on over several connections.
  void BeginListing() {
    listing_ = true;
    listed_.clear();
  }

  void Take(const WatchDevicesResponse& message) {
    for (const DeviceChange& change : message.changes()) Tell(change);
    if (message.synced() && listing_) EndListing();
  }

 private:
  void Tell(const DeviceChange& change) {
    const std::string& name = change.device().name();
    if (listing_) listed_.insert(name);
    if (change.kind() == muster::v1::DEVICE_CHANGE_KIND_REMOVED) {
      const auto gone = known_.find(name);
      // A server that goes on doesn't know whether it was told: it was not.
      if (gone == known_.end()) return;
      Print(change, gone->second);
      known_.erase(gone);
      return;
    }
    const std::string line = Shown(change.device());
    const auto found = known_.find(name);
    DeviceChange told = change;
    // Said before a connection was lost, and the same still.
    if (found != known_.end() && found->second == line) return;
    // The server says ADDED in a listing, and CHANGED where it goes on: it doesn't know who has
    // been told what.
    told.set_kind(found != known_.end() ? muster::v1::DEVICE_CHANGE_KIND_CHANGED
                                        : muster::v1::DEVICE_CHANGE_KIND_ADDED);
    known_[name] = line;
    Print(told, line);
  }

  // What was known and isn't listed any more was deleted or stopped matching while nobody heard.
  void EndListing() {
    listing_ = false;
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

  // What of a device is told: it has changed where this has.
  std::string Shown(const Device& device) const {
    if (!as_json_) return DeviceLine(device);
    Device shown = device;
    if (!with_status_) {
      // The rest of the status is as of the last check-in, which is no change.
      shown.clear_status();
      shown.mutable_status()->set_online(device.status().online());
    }
    std::string bytes;
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    // Labels are a map, which has no order by itself.
    coded.SetSerializationDeterministic(true);
    shown.SerializeToCodedStream(&coded);
    coded.Trim();
    return bytes;
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
  const bool with_status_;
  // What was told last, by device name.
  std::map<std::string, std::string> known_;
  std::set<std::string> listed_;
  bool listing_ = false;
};

Outcome Watch(Session& session) {
  const bool as_json = session.format() == Format::kJson;
  // YAML and CSV have no form for something that goes on for ever; JSON lines have.
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
  Teller teller(session, as_json, request.include_status());
  StreamPatience patience(connection->retry_for(), absl::Now());
  while (true) {
    // No deadline: quiet is normal, and keepalive (connection.cc) notices a dead connection.
    const auto context = connection->NewContext();
    const auto reader = stub->WatchDevices(context.get(), request);
    patience.Begin(absl::Now());
    if (request.resume_token().empty()) teller.BeginListing();
    WatchDevicesResponse message;
    while (reader->Read(&message)) {
      teller.Take(message);
      patience.Hear(absl::Now());
      request.set_resume_token(message.resume_token());
    }
    grpc::Status status = reader->Finish();
    if (RefusesResumeToken(status) && !request.resume_token().empty()) {
      request.clear_resume_token();
      continue;
    }
    // A watch has no good end but Ctrl-C: a server that ends it in an orderly way is lost too.
    if (status.ok()) status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server ended it");
    if (!patience.TryAgain(status, absl::Now())) {
      return connection->Explain(status, CallKind::kRead);
    }
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
