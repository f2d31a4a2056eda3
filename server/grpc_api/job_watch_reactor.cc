// WatchJob at the border to gRPC: reads the request, and makes messages of changes. When something
// is sent, and when the watch is over, JobWatches decides.
#include "server/grpc_api/job_watch_reactor.h"

#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/watch_reactor.h"

namespace muster::server {
namespace {

constexpr char kWatch[] = "muster.v1.JobService/WatchJob";

class JobWatchReactor final : public WatchReactor<v1::WatchJobResponse, JobWatchSink, JobWatches> {
 public:
  JobWatchReactor(const Gate& gate, const WatchTokens& tokens, JobWatches& watches,
                  grpc::CallbackServerContext* context)
      : WatchReactor(gate, watches, context, kWatch), tokens_(tokens) {}

  // After success the reactor may be gone at any moment.
  absl::Status Start(const v1::WatchJobRequest& request) {
    ASSIGN_OR_RETURN(const ApiCall call, Open(request));
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request.name(), "jobs"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    job_ = request.name();
    ASSIGN_OR_RETURN(const ChangePlace after, tokens_.Open(Binding(scope), request.resume_token()));
    return watches().Start(scope, JobId{name.id}, after, this).status();
  }

  void Send(const OrganizationScope& scope, const JobWatchMessage& message) override {
    response().Clear();
    for (const JobTargetRow& row : message.targets) {
      *response().add_targets() = ToMessage(row, scope.slug());
    }
    // In every message, so that counts and targets are of one moment. JobWatches has taken the
    // script's text out: a watch is open to viewers.
    *response().mutable_job() = ToMessage(message.job, scope.slug());
    response().set_synced(message.synced);
    response().set_resume_token(tokens_.Seal(Binding(scope), message.place));
    Write();
  }

 private:
  PageBinding Binding(const OrganizationScope& scope) const {
    return {kWatch, scope.id().value, job_};
  }

  const WatchTokens& tokens_;
  // As in the request.
  std::string job_;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchJobResponse>* StartJobWatch(const Gate& gate,
                                                              const WatchTokens& tokens,
                                                              JobWatches& watches,
                                                              grpc::CallbackServerContext* context,
                                                              const v1::WatchJobRequest& request) {
  return StartWatch(gate, new JobWatchReactor(gate, tokens, watches, context), request);
}

}  // namespace muster::server
