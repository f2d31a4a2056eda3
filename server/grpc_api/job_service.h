// muster.v1.JobService. WatchJob is asynchronous, the other methods are not.
#pragma once

#include "muster/v1/job_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/filter/order.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/paging.h"
#include "server/jobs/job_board.h"
#include "server/jobs/job_watch.h"

namespace muster::server {

class JobGrpcService final
    : public v1::JobService::WithCallbackMethod_WatchJob<v1::JobService::Service> {
 public:
  JobGrpcService(const Gate& gate, const PageTokens& tokens, JobBoard& board, JobWatches& watches)
      : gate_(gate), tokens_(tokens), board_(board), watches_(watches) {}

  grpc::Status CreateJob(grpc::ServerContext* context, const v1::CreateJobRequest* request,
                         v1::CreateJobResponse* response) override;
  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                      v1::GetJobResponse* response) override;
  grpc::Status ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override;
  grpc::Status ListJobTargets(grpc::ServerContext* context,
                              const v1::ListJobTargetsRequest* request,
                              v1::ListJobTargetsResponse* response) override;
  grpc::Status CancelJob(grpc::ServerContext* context, const v1::CancelJobRequest* request,
                         v1::CancelJobResponse* response) override;
  grpc::Status RerunJob(grpc::ServerContext* context, const v1::RerunJobRequest* request,
                        v1::RerunJobResponse* response) override;
  grpc::Status ReleaseJobs(grpc::ServerContext* context, const v1::ReleaseJobsRequest* request,
                           v1::ReleaseJobsResponse* response) override;
  grpc::Status CancelDeviceJobs(grpc::ServerContext* context,
                                const v1::CancelDeviceJobsRequest* request,
                                v1::CancelDeviceJobsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(
      grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) override;

 private:
  absl::Status ListOrdered(const OrganizationScope& scope, const State::JobQuery& query,
                           const Order& order, const Page& page, const PageBinding& binding,
                           v1::ListJobsResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  JobBoard& board_;
  JobWatches& watches_;
};

}  // namespace muster::server
