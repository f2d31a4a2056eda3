// Jobs at the border to gRPC. What a job may be, and for whom, JobBoard decides; here names become
// ids, messages become values, and pages are cut.
#include "server/grpc_api/job_service.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/job_watch_reactor.h"
#include "server/grpc_api/ordered_list.h"
#include "server/grpc_api/paging.h"
#include "server/grpc_api/request_convert.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.JobService/CreateJob";
constexpr char kGet[] = "muster.v1.JobService/GetJob";
constexpr char kList[] = "muster.v1.JobService/ListJobs";
constexpr char kListTargets[] = "muster.v1.JobService/ListJobTargets";
constexpr char kCancel[] = "muster.v1.JobService/CancelJob";
constexpr char kRerun[] = "muster.v1.JobService/RerunJob";
constexpr char kRelease[] = "muster.v1.JobService/ReleaseJobs";
constexpr char kCancelOnDevice[] = "muster.v1.JobService/CancelDeviceJobs";

// What narrows the list, so that a page token of another list is refused.
std::string OrderOf(const State::JobQuery& query) {
  // The parts can't run together: all but the first and the last are single digits.
  return absl::StrCat(query.device.value, "|", query.only_open, query.only_failed, query.only_held,
                      "|", query.created_after_us);
}

}  // namespace

grpc::Status JobGrpcService::CreateJob(grpc::ServerContext* context,
                                       const v1::CreateJobRequest* request,
                                       v1::CreateJobResponse* response) {
  return gate_.Run(*context, kCreate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    // Devices and scripts of another organization end here already, as if they were not there.
    ASSIGN_OR_RETURN(const NewJob terms, ReadNewJob(scope, *request));
    ASSIGN_OR_RETURN(const Job job,
                     board_.Create(scope, call.audited(), terms, request->validate_only()));
    *response->mutable_job() = ToMessage(job, scope.slug());
    return absl::OkStatus();
  });
}

grpc::Status JobGrpcService::GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                                    v1::GetJobResponse* response) {
  return gate_.Run(*context, kGet, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "jobs"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    // Viewers get it without script text: the board looks at the scope's caller.
    ASSIGN_OR_RETURN(const Job job, board_.Get(scope, JobId{name.id}));
    *response->mutable_job() = ToMessage(job, scope.slug());
    return absl::OkStatus();
  });
}

absl::Status JobGrpcService::ListOrdered(const OrganizationScope& scope,
                                         const State::JobQuery& query, const Order& order,
                                         const Page& page, const PageBinding& binding,
                                         v1::ListJobsResponse* response) const {
  std::string next;
  const auto rows = OrderedPage<Job>(
      order, page,
      [&](const Job* last, size_t limit) {
        // From the newest to the oldest, whatever order was asked for: how rows are read does not
        // matter, since each gets a key of its own.
        return board_.List(scope, query, last == nullptr ? JobId{} : last->id, limit);
      },
      [](const Job& row, const Order::Part& part, SortKey& key) {
        if (part.field == "name") key.AddText(FormatId(row.id), part.descending);
        if (part.field == "create_time") key.AddNumber(row.create_time_us, part.descending);
        // What has not ended sorts as if it ended last, so that the latest stand together.
        if (part.field == "end_time") key.AddNumber(EndOrNever(row.end_time_us), part.descending);
        if (part.field == "target_count") key.AddNumber(row.target_count, part.descending);
      },
      [](const Job& row) { return row.id.value; }, &next);
  for (const Job& row : rows) *response->add_jobs() = ToMessage(row, scope.slug());
  if (!next.empty()) response->set_next_page_token(tokens_.Seal(binding, next));
  return absl::OkStatus();
}

grpc::Status JobGrpcService::ListJobs(grpc::ServerContext* context,
                                      const v1::ListJobsRequest* request,
                                      v1::ListJobsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    ASSIGN_OR_RETURN(const State::JobQuery query, ReadJobQuery(scope, *request));
    ASSIGN_OR_RETURN(
        const Order order,
        ReadOrder(request->order_by(), {"name", "create_time", "end_time", "target_count"}));
    // A token must not go on in a list that is narrowed otherwise: it would skip or repeat rows.
    const std::string query_text = absl::StrCat(OrderOf(query), "|", request->order_by());
    const PageBinding binding{kList, scope.id().value, query_text};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    if (!order.empty()) return ListOrdered(scope, query, order, page, binding, response);
    ASSIGN_OR_RETURN(const uint64_t after, IdOfCursor(page.cursor));
    std::vector<Job> rows = board_.List(scope, query, JobId{after}, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const Job& row : rows) *response->add_jobs() = ToMessage(row, scope.slug());
    if (more) response->set_next_page_token(tokens_.Seal(binding, IdCursor(rows.back().id.value)));
    return absl::OkStatus();
  });
}

grpc::Status JobGrpcService::ListJobTargets(grpc::ServerContext* context,
                                            const v1::ListJobTargetsRequest* request,
                                            v1::ListJobTargetsResponse* response) {
  return gate_.Run(*context, kListTargets, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("parent", request->parent(), "jobs"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    // The parent names the job: a token of another job's targets is refused.
    const PageBinding binding{kListTargets, scope.id().value, request->parent()};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    ASSIGN_OR_RETURN(const uint64_t after, IdOfCursor(page.cursor));
    // One row more than the page tells whether there is a next one, without counting all.
    ASSIGN_OR_RETURN(std::vector<JobTargetRow> rows,
                     board_.ListTargets(scope, JobId{name.id}, DeviceId{after}, page.size + 1));
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const JobTargetRow& row : rows) {
      *response->add_targets() = ToMessage(row, scope.slug());
    }
    if (more) {
      const uint64_t last = rows.back().target.device.value;
      response->set_next_page_token(tokens_.Seal(binding, IdCursor(last)));
    }
    return absl::OkStatus();
  });
}

grpc::Status JobGrpcService::CancelJob(grpc::ServerContext* context,
                                       const v1::CancelJobRequest* request,
                                       v1::CancelJobResponse* response) {
  return gate_.Run(*context, kCancel, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "jobs"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    ASSIGN_OR_RETURN(const CancelledJob cancelled,
                     board_.Cancel(scope, call.audited(), JobId{name.id}, request->stop_running()));
    *response->mutable_job() = ToMessage(cancelled.job, scope.slug());
    // Both counts, since a script that was sent may be running: an operator must hear what can't be
    // had back.
    response->set_cancelled_count(static_cast<int32_t>(cancelled.cancelled));
    response->set_refused_count(static_cast<int32_t>(cancelled.refused));
    response->set_stopping_count(static_cast<int32_t>(cancelled.stopping));
    return absl::OkStatus();
  });
}

grpc::Status JobGrpcService::RerunJob(grpc::ServerContext* context,
                                      const v1::RerunJobRequest* request,
                                      v1::RerunJobResponse* response) {
  return gate_.Run(*context, kRerun, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "jobs"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    // The script comes from the job that is run again; the request only chooses devices and pace.
    ASSIGN_OR_RETURN(const Rerun rerun, ReadRerun(scope, *request));
    ASSIGN_OR_RETURN(const Job job,
                     board_.Repeat(scope, call.audited(), rerun, request->validate_only()));
    *response->mutable_job() = ToMessage(job, scope.slug());
    return absl::OkStatus();
  });
}

grpc::Status JobGrpcService::ReleaseJobs(grpc::ServerContext* context,
                                         const v1::ReleaseJobsRequest* request,
                                         v1::ReleaseJobsResponse* response) {
  return gate_.Run(*context, kRelease, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    ASSIGN_OR_RETURN(const uint64_t device,
                     ReadOptionalId(scope, "device", request->device(), "devices"));
    ASSIGN_OR_RETURN(const uint64_t job, ReadOptionalId(scope, "job", request->job(), "jobs"));
    // A hold is the device's: its other held jobs go on too, which the counts in the answer show.
    ASSIGN_OR_RETURN(const ReleasedJobs released,
                     board_.Release(scope, call.audited(), DeviceId{device}, JobId{job}));
    response->set_device_count(static_cast<int32_t>(released.devices));
    response->set_target_count(static_cast<int32_t>(released.targets));
    return absl::OkStatus();
  });
}

grpc::Status JobGrpcService::CancelDeviceJobs(grpc::ServerContext* context,
                                              const v1::CancelDeviceJobsRequest* request,
                                              v1::CancelDeviceJobsResponse* response) {
  return gate_.Run(*context, kCancelOnDevice, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("device", request->device(), "devices"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    ASSIGN_OR_RETURN(const uint64_t job, ReadOptionalId(scope, "job", request->job(), "jobs"));
    ASSIGN_OR_RETURN(const CancelledJob cancelled,
                     board_.CancelOnDevice(scope, call.audited(), DeviceId{name.id}, JobId{job},
                                           request->only_held(), request->stop_running()));
    response->set_cancelled_count(static_cast<int32_t>(cancelled.cancelled));
    response->set_refused_count(static_cast<int32_t>(cancelled.refused));
    response->set_stopping_count(static_cast<int32_t>(cancelled.stopping));
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobGrpcService::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  return StartJobWatch(gate_, watch_tokens_, watches_, context, *request);
}

}  // namespace muster::server
