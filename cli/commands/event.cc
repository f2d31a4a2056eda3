// What happened to devices lately, over all of them.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::DeviceEvent;
using muster::v1::DeviceService;

constexpr int64_t kDefaultLimit = 100;

Report EventReport(const std::vector<DeviceEvent>& events, absl::Time now) {
  Report report;
  report.is_list = true;
  Table table = {
      "",
      {{"TIME"}, {"DEVICE", false, true}, {"ID", true}, {"EVENT"}, {"MESSAGE", false, true}},
      {}};
  for (const DeviceEvent& event : events) {
    table.rows.push_back({TimeCell(event.has_time(), event.time(), now), event.device_title(),
                          ShortName(event.device()), event.kind(), event.message()});
    report.names.push_back(event.device());
    report.messages.push_back(&event);
  }
  report.tables.push_back(std::move(table));
  return report;
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const auto given_limit, session.Number("limit", 0, 100'000'000));
  const auto limit = static_cast<size_t>(given_limit.value_or(kDefaultLimit));
  muster::v1::ListDeviceEventsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  if (session.Has("device")) {
    ASSIGN_OR_RETURN(*request.mutable_device(), FindDevice(session, session.Text("device")));
  }
  for (const std::string& kind : session.List("kind")) request.add_kinds(kind);
  ASSIGN_OR_RETURN(const auto since, session.Past("since"));
  if (since.has_value()) *request.mutable_since() = ToTimestamp(*since);
  request.set_page_size(static_cast<int32_t>(limit == 0 ? 1000 : std::min<size_t>(limit, 1000)));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  std::vector<DeviceEvent> events;
  do {
    muster::v1::ListDeviceEventsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListDeviceEvents(context, request, &response);
    }));
    events.insert(events.end(), response.events().begin(), response.events().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && (limit == 0 || events.size() < limit));
  if (limit > 0 && events.size() > limit) events.resize(limit);
  if (!request.page_token().empty()) {
    session.Note(absl::StrCat("the newest ", events.size(), " events; --limit 0 shows all"));
  }
  return session.Show(EventReport(events, session.now()));
}

}  // namespace

std::vector<Command> EventCommands() {
  Command list;
  list.noun = "event";
  list.verb = "list";
  list.summary = "List what happened to devices, newest first";
  list.flags = {
      {"device", "DEVICE", "only of this device"},
      {"kind", "EVENT", "only of this kind, like clone or released; may be repeated", false, true},
      {"since", "TIME", "only since then: how long ago, like 2h, or 2026-11-22T10:00:00Z"},
      {"limit", "N", "show at most so many, 0: all [100]"}};
  list.examples =
      "  muster event list --since 2h\n"
      "  muster event list --kind router-state-went-back --kind clone\n"
      "  muster event list --device riga-core -o csv";
  list.run = List;
  return {list};
}

}  // namespace muster::cli
