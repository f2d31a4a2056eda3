#include "server/command_log/etcd/grpc_watch.h"

#include <atomic>
#include <utility>

#include "server/command_log/etcd/etcd_members.h"
#include "server/command_log/etcd/etcd_replies.h"

namespace muster::server {
namespace {

namespace pb = etcdserverpb;

class GrpcWatch : public EtcdWatch {
 public:
  GrpcWatch(pb::Watch::Stub& stub, std::unique_ptr<grpc::ClientContext> context,
            absl::string_view key, int64_t from_revision,
            std::function<void(const absl::Status&)> ended)
      : key_(key), context_(std::move(context)), ended_(std::move(ended)) {
    // The member ends the stream when it loses its leader, instead of falling silent.
    context_->AddMetadata("hasleader", "true");
    stream_ = stub.Watch(context_.get());
    pb::WatchRequest request;
    pb::WatchCreateRequest& create = *request.mutable_create_request();
    create.set_key(key_);
    create.set_start_revision(from_revision);
    create.set_fragment(true);
    stream_->Write(request);
  }

  ~GrpcWatch() override {
    if (finished_) return;
    context_->TryCancel();
    stream_->Finish();
  }

  absl::StatusOr<std::vector<EtcdEvent>> Next() override {
    pb::WatchResponse response;
    while (!finished_ && stream_->Read(&response)) {
      if (absl::Status end = WatchEnd(response); !end.ok()) return End(std::move(end));
      // A revision has one event of this key, so parts need not be put together.
      absl::StatusOr<std::vector<EtcdEvent>> events = EventsIn(std::move(response), key_);
      if (!events.ok()) return End(events.status());
      if (!events->empty()) return events;
    }
    return End(absl::OkStatus());
  }

  void Cancel() override { context_->TryCancel(); }

 private:
  // `why` ok: the stream's own status.
  absl::Status End(absl::Status why) {
    if (finished_) return absl::CancelledError("the watch has ended");
    if (!why.ok()) context_->TryCancel();
    const absl::Status status = ToAbsl(stream_->Finish());
    finished_ = true;
    if (why.ok()) why = status.ok() ? absl::UnavailableError("etcd ended the watch") : status;
    if (!absl::IsCancelled(why)) ended_(why);
    return why;
  }

  const std::string key_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::function<void(const absl::Status&)> ended_;
  std::unique_ptr<grpc::ClientReaderWriter<pb::WatchRequest, pb::WatchResponse>> stream_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<EtcdWatch> OpenGrpcWatch(pb::Watch::Stub& stub,
                                         std::unique_ptr<grpc::ClientContext> context,
                                         absl::string_view key, int64_t from_revision,
                                         std::function<void(const absl::Status&)> ended) {
  return std::make_unique<GrpcWatch>(stub, std::move(context), key, from_revision,
                                     std::move(ended));
}

}  // namespace muster::server
