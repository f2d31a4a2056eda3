#include "server/grpc_api/job_watch_reactor.h"

#include <atomic>

#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/grpc_api/api_convert.h"

namespace muster::server {
namespace {

constexpr char kWatch[] = "muster.v1.JobService/WatchJob";

class JobWatchReactor final : public grpc::ServerWriteReactor<v1::WatchJobResponse>,
                              public JobWatchSink {
 public:
  JobWatchReactor(const Gate& gate, JobWatches& watches, grpc::CallbackServerContext* context)
      : gate_(gate), watches_(watches), context_(context) {}

  // After success the reactor may be gone at any moment.
  absl::Status Start(const v1::WatchJobRequest& request) {
    ASSIGN_OR_RETURN(const ApiCall call, gate_.OpenAtOnce(*context_, kWatch, request));
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request.name(), "jobs"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    return watches_.Start(scope, JobId{name.id}, this).status();
  }

  void End(const absl::Status& status) override { Finish(gate_.Close(*context_, kWatch, status)); }

  void Begun(uint64_t watch) override {
    watch_ = watch;
    if (cancelled_) watches_.Cancel(watch);
  }

  void Send(const OrganizationScope& scope, const JobWatchMessage& message) override {
    response_.Clear();
    for (const TargetRow& row : message.targets) {
      *response_.add_targets() = ToMessage(row.target, row.device_title, scope.slug());
    }
    *response_.mutable_job() = ToMessage(message.job, scope.slug());
    response_.set_synced(message.synced);
    StartWrite(&response_);
  }

  void Abort() override { context_->TryCancel(); }

  void OnWriteDone(bool ok) override { watches_.Taken(watch_, ok); }

  void OnCancel() override {
    cancelled_ = true;
    if (watch_ != 0) watches_.Cancel(watch_);
  }

  void OnDone() override { delete this; }

 private:
  const Gate& gate_;
  JobWatches& watches_;
  grpc::CallbackServerContext* const context_;
  v1::WatchJobResponse response_;
  std::atomic<uint64_t> watch_ = 0;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchJobResponse>* StartJobWatch(const Gate& gate, JobWatches& watches,
                                                              grpc::CallbackServerContext* context,
                                                              const v1::WatchJobRequest& request) {
  auto* reactor = new JobWatchReactor(gate, watches, context);
  const absl::Status started = reactor->Start(request);
  if (!started.ok()) reactor->End(started);
  return reactor;
}

}  // namespace muster::server
