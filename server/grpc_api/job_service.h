// muster.v1.JobService. WatchJob is asynchronous, the other methods are not.
//
// Handlers convert and ask JobBoard, which has the rules. The watch is a reactor, since it lasts as
// long as the job does, days perhaps, and a handler thread each would take all of the server's.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied; a job over a filter looks at each device.
// Errors:   as JobBoard; what the gate refuses (gate.h).
// Example:  tests/api/job_service_test.cc, job_control_test.cc, job_watch_test.cc.
#pragma once

#include "muster/v1/job_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/filter/order.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/paging.h"
#include "server/grpc_api/watch_tokens.h"
#include "server/jobs/job_board.h"
#include "server/jobs/job_watch.h"

namespace muster::server {

class JobGrpcService final
    : public v1::JobService::WithCallbackMethod_WatchJob<v1::JobService::Service> {
 public:
  JobGrpcService(const Gate& gate, const PageTokens& tokens, const WatchTokens& watch_tokens,
                 JobBoard& board, JobWatches& watches)
      : gate_(gate),
        tokens_(tokens),
        watch_tokens_(watch_tokens),
        board_(board),
        watches_(watches) {}

  // Makes a job for the devices that match now. The answer says that it is in the log, not that a
  // router has it. A repetition under the same request id answers the same job, whatever matches by
  // then.
  grpc::Status CreateJob(grpc::ServerContext* context, const v1::CreateJobRequest* request,
                         v1::CreateJobResponse* response) override;
  // Answers a job, for viewers without its script.
  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                      v1::GetJobResponse* response) override;
  // Lists jobs without their scripts, newest first unless asked else.
  grpc::Status ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override;
  // Lists what the job did on each device, by device: the one order that stays as the targets
  // change.
  grpc::Status ListJobTargets(grpc::ServerContext* context,
                              const v1::ListJobTargetsRequest* request,
                              v1::ListJobTargetsResponse* response) override;
  // Cancels what no router has been sent, and counts what can't be stopped any more.
  grpc::Status CancelJob(grpc::ServerContext* context, const v1::CancelJobRequest* request,
                         v1::CancelJobResponse* response) override;
  // Makes a new job with the script and terms of an earlier one, on devices of that one.
  grpc::Status RerunJob(grpc::ServerContext* context, const v1::RerunJobRequest* request,
                        v1::RerunJobResponse* response) override;
  // Lets held jobs go on, of one device or of those on which one job is held.
  grpc::Status ReleaseJobs(grpc::ServerContext* context, const v1::ReleaseJobsRequest* request,
                           v1::ReleaseJobsResponse* response) override;
  // Cancels on one device only, of one job or of all.
  grpc::Status CancelDeviceJobs(grpc::ServerContext* context,
                                const v1::CancelDeviceJobsRequest* request,
                                v1::CancelDeviceJobsResponse* response) override;
  // Sends every target, then each change, and ends with Ok when all have ended (job_watch.h).
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(
      grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) override;

 private:
  // The list in the order that the request asks for; reads all jobs for each page (ordered_list.h).
  absl::Status ListOrdered(const OrganizationScope& scope, const State::JobQuery& query,
                           const Order& order, const Page& page, const PageBinding& binding,
                           v1::ListJobsResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const WatchTokens& watch_tokens_;
  JobBoard& board_;
  JobWatches& watches_;
};

}  // namespace muster::server
