// Reading routers, and the few things of them that an operator may change. A handler turns names
// into ids and messages into values; DeviceDirectory decides.
#include "server/grpc_api/device_service.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/device_watch_reactor.h"
#include "server/grpc_api/diagnosis_convert.h"
#include "server/grpc_api/ordered_list.h"
#include "server/grpc_api/paging.h"
#include "server/grpc_api/request_convert.h"

namespace muster::server {
namespace {

constexpr char kGet[] = "muster.v1.DeviceService/GetDevice";
constexpr char kList[] = "muster.v1.DeviceService/ListDevices";
constexpr char kUpdate[] = "muster.v1.DeviceService/UpdateDevice";
constexpr char kDelete[] = "muster.v1.DeviceService/DeleteDevice";
constexpr char kListEvents[] = "muster.v1.DeviceService/ListDeviceEvents";
constexpr char kFastBeats[] = "muster.v1.DeviceService/RequestFastBeats";
constexpr absl::Duration kFastFor = absl::Seconds(60);
constexpr char kDiagnose[] = "muster.v1.DeviceService/DiagnoseDevice";
// As many as the state keeps beyond a day; see server/state/apply/retention.h.
constexpr size_t kRecentEvents = 20;

}  // namespace

grpc::Status DeviceGrpcService::GetDevice(grpc::ServerContext* context,
                                          const v1::GetDeviceRequest* request,
                                          v1::GetDeviceResponse* response) {
  return gate_.Run(*context, kGet, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    // Tombstones are shown too: what a deleted device was is asked most after it was deleted.
    ASSIGN_OR_RETURN(const Device device, devices_.Get(scope, DeviceId{name.id}));
    *response->mutable_device() = ToMessage(device, scope.slug());
    for (const DeviceEvent& event : devices_.RecentEvents(scope, device, kRecentEvents)) {
      *response->mutable_device()->add_recent_events() = ToMessage(event);
    }
    return absl::OkStatus();
  });
}

grpc::Status DeviceGrpcService::ListDevices(grpc::ServerContext* context,
                                            const v1::ListDevicesRequest* request,
                                            v1::ListDevicesResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    absl::StatusOr<Filter> filter = Filter::Parse(request->filter());
    if (!filter.ok()) return BadField("filter", filter.status());
    ASSIGN_OR_RETURN(const Order order, ReadOrder(request->order_by(), DeviceOrderFields()));
    // Length before the text, so that no order and filter can be put together to the same binding
    // in two ways ("a/b" with "c", "a" with "b/c").
    const std::string query = absl::StrCat(request->show_deleted(), "/", request->order_by().size(),
                                           "/", request->order_by(), "/", request->filter());
    const PageBinding binding{kList, scope.id().value, query};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    DeviceQuery wanted{*std::move(filter), request->show_deleted(), {}, page.size, order, ""};
    // Two kinds of cursor, as two ways lead through the devices: an id in plain order, which goes
    // on where the last page ended, and a sort key in any other. The token's binding keeps them
    // apart.
    if (order.empty()) {
      ASSIGN_OR_RETURN(wanted.after.value, IdOfCursor(page.cursor));
    } else {
      wanted.after_key = page.cursor;
    }
    ASSIGN_OR_RETURN(const DevicePage found, devices_.List(scope, wanted));
    for (const Device& device : found.devices) {
      *response->add_devices() = ToMessage(device, scope.slug());
    }
    // Counted with the page: the directory sees every match anyway.
    response->set_total_size(static_cast<int32_t>(found.total));
    const std::string next = found.next ? IdCursor(found.next.value) : found.next_key;
    if (!next.empty()) response->set_next_page_token(tokens_.Seal(binding, next));
    return absl::OkStatus();
  });
}

grpc::Status DeviceGrpcService::UpdateDevice(grpc::ServerContext* context,
                                             const v1::UpdateDeviceRequest* request,
                                             v1::UpdateDeviceResponse* response) {
  return gate_.Run(*context, kUpdate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name,
                     ParseChildName("device.name", request->device().name(), "devices"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    // The etag comes along in the edit: the rule compares it with the device that it is about to
    // change.
    ASSIGN_OR_RETURN(const DeviceEdit edit, ReadDeviceEdit(*request));
    ASSIGN_OR_RETURN(const Device device,
                     devices_.Update(scope, call.audited(), DeviceId{name.id}, edit));
    *response->mutable_device() = ToMessage(device, scope.slug());
    return absl::OkStatus();
  });
}

grpc::Status DeviceGrpcService::DeleteDevice(grpc::ServerContext* context,
                                             const v1::DeleteDeviceRequest* request,
                                             v1::DeleteDeviceResponse* response) {
  return gate_.Run(*context, kDelete, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    ASSIGN_OR_RETURN(const Device device,
                     devices_.Delete(scope, call.audited(), DeviceId{name.id}, request->etag()));
    *response->mutable_device() = ToMessage(device, scope.slug());
    return absl::OkStatus();
  });
}

void DeviceGrpcService::FillOpenJobs(const OrganizationScope& scope, const DiagnosisFacts& facts,
                                     v1::DiagnoseDeviceResponse* response) const {
  for (const JobTarget& target : facts.open_targets) {
    v1::OpenJob* job = response->add_open_jobs();
    job->set_job(FormatChildName(scope.slug(), "jobs", target.job.value));
    job->set_description(devices_.DescriptionOf(target.job));
    // Without the title: it is the device's own, which the answer has already.
    *job->mutable_target() = ToMessage(
        JobTargetRow{.target = target, .device_title = "", .wait_reason = ""}, scope.slug());
  }
}

grpc::Status DeviceGrpcService::DiagnoseDevice(grpc::ServerContext* context,
                                               const v1::DiagnoseDeviceRequest* request,
                                               v1::DiagnoseDeviceResponse* response) {
  return gate_.Run(*context, kDiagnose, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    ASSIGN_OR_RETURN(const DiagnosisFacts facts,
                     devices_.Examine(scope, DeviceId{name.id}, ask_contacts_));
    *response = ToDiagnosis(facts, scope.slug());
    FillOpenJobs(scope, facts, response);
    return absl::OkStatus();
  });
}

grpc::Status DeviceGrpcService::ListDeviceEvents(grpc::ServerContext* context,
                                                 const v1::ListDeviceEventsRequest* request,
                                                 v1::ListDeviceEventsResponse* response) {
  return gate_.Run(*context, kListEvents, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    ASSIGN_OR_RETURN(const State::EventQuery query, ReadEventQuery(scope, *request));
    const std::string query_text =
        absl::StrCat(query.device.value, "|", query.since_us, "|", absl::StrJoin(query.kinds, ","));
    const PageBinding binding{kListEvents, scope.id().value, query_text};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    ASSIGN_OR_RETURN(const uint64_t before, IdOfCursor(page.cursor));
    std::vector<DeviceEvent> rows = devices_.ListEvents(scope, query, before, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    std::map<DeviceId, std::string> titles;
    for (const DeviceEvent& row : rows) {
      std::string& title = titles[row.device];
      if (title.empty()) title = devices_.TitleOf(row.device);
      v1::DeviceEvent& event = *response->add_events();
      event = ToMessage(row);
      event.set_device(FormatChildName(scope.slug(), "devices", row.device.value));
      event.set_device_title(CleanText(title));
    }
    if (more) response->set_next_page_token(tokens_.Seal(binding, IdCursor(rows.back().place())));
    return absl::OkStatus();
  });
}

grpc::Status DeviceGrpcService::RequestFastBeats(grpc::ServerContext* context,
                                                 const v1::RequestFastBeatsRequest* request,
                                                 v1::RequestFastBeatsResponse* response) {
  return gate_.Run(*context, kFastBeats, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    absl::Duration duration = kFastFor;
    if (request->has_duration()) {
      duration = absl::Seconds(request->duration().seconds()) +
                 absl::Nanoseconds(request->duration().nanos());
    }
    ASSIGN_OR_RETURN(const int64_t beat_us,
                     devices_.RequestFastBeats(scope, call.audited(), DeviceId{name.id}, duration));
    *response->mutable_expected_beat_time() = ToTimestamp(beat_us);
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<v1::WatchDevicesResponse>* DeviceGrpcService::WatchDevices(
    grpc::CallbackServerContext* context, const v1::WatchDevicesRequest* request) {
  return StartDeviceWatch(gate_, watch_tokens_, watches_, context, *request);
}

}  // namespace muster::server
