#include "cli/commands/device_beat.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/commands/device_choice.h"
#include "cli/commands/each_device.h"
#include "cli/commands/named_devices.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::DeviceService;

constexpr absl::Duration kFor = absl::Seconds(60);

// Asks for one device, and says when it begins.
absl::StatusOr<muster::v1::RequestFastBeatsResponse> AskOne(Session& session,
                                                            const std::string& name,
                                                            const std::string& request_id,
                                                            absl::Duration duration) {
  muster::v1::RequestFastBeatsRequest request;
  request.set_name(name);
  request.set_request_id(request_id);
  *request.mutable_duration() = ToDurationMessage(duration);
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  muster::v1::RequestFastBeatsResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->RequestFastBeats(context, request, &response);
  }));
  const absl::Duration wait =
      std::max(ToTime(response.expected_beat_time()) - session.now(), absl::ZeroDuration());
  session.Note(absl::StrCat("device ", ShortName(name), " beats every 2 s for ",
                            absl::FormatDuration(duration), " from its next beat on, in about ",
                            absl::FormatDuration(absl::Trunc(wait, absl::Seconds(1))),
                            "; its jobs start at once from then on"));
  return response;
}

Outcome BeatNamed(Session& session, absl::Duration duration) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ReadDeviceNames(session, kFromStdin));
  const auto count = static_cast<int64_t>(names.size());
  RETURN_IF_ERROR(
      session.Confirm(count, absl::StrCat("This will let ", count, " devices beat every 2 s.")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  size_t failed = 0;
  for (const std::string& name : names) {
    const std::string id = absl::StrCat(connection->request_id(), "-", ShortName(name));
    const auto response = AskOne(session, name, id, duration);
    if (response.ok()) continue;
    ++failed;
    session.Note(absl::StrCat(ShortName(name), ": ", std::string(response.status().message())));
  }
  if (failed == 0) return ExitCode::kDone;
  return failed == names.size() ? ExitCode::kFailed : ExitCode::kPartlyFailed;
}

Outcome Beat(Session& session) {
  ASSIGN_OR_RETURN(const auto given, session.Duration("for"));
  const absl::Duration duration = given.value_or(kFor);
  if (duration < absl::Seconds(2) || duration > absl::Seconds(300)) {
    return absl::InvalidArgumentError("--for: wants 2s to 5m");
  }
  if (session.Text("DEVICE") == kFromStdin) return BeatNamed(session, duration);
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  ASSIGN_OR_RETURN(const auto response, AskOne(session, name, connection->request_id(), duration));
  if (session.format() == Format::kTable || session.format() == Format::kWide) {
    return ExitCode::kDone;
  }
  Report report;
  report.names = {name};
  report.messages = {&response};
  return session.Show(report);
}

}  // namespace

Command DeviceBeatCommand() {
  Command beat;
  beat.noun = "device";
  beat.verb = "beat";
  beat.summary = "Let a router beat every 2 s for a while, so that its jobs start at once";
  beat.positionals = {{"DEVICE", kDeviceHelp}};
  beat.flags = {{"for", "TIME", "how long, from its next beat on, at most 5m [60s]"},
                {"yes", "", "don't ask where more than one device is touched"}};
  beat.examples =
      "  muster device beat riga-core\n"
      "  muster device beat riga-core --for 5m";
  beat.writes = true;
  beat.run = Beat;
  return beat;
}

}  // namespace muster::cli
