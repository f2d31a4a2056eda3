// Carries a watch to a gRPC stream: at most one message under way, errors as every other call.
//
// `Watches` has Start, Taken(id, ok) and Cancel(id); `Sink` is what it calls: Begun, Send, Abort
// and End. A subclass adds Send and a Start that ends in Watches::Start.
//
// Threads:  called by gRPC and by the watches' thread; deletes itself when the stream is done.
// Example:  job_watch_reactor.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>

#include "server/grpc_api/gate.h"

namespace muster::server {

template <typename Response, typename Sink, typename Watches>
class WatchReactor : public grpc::ServerWriteReactor<Response>, public Sink {
 public:
  WatchReactor(const Gate& gate, Watches& watches, grpc::CallbackServerContext* context,
               const char* method)
      : gate_(gate), watches_(watches), context_(context), method_(method) {}

  void Begun(uint64_t watch) override {
    watch_ = watch;
    if (cancelled_) watches_.Cancel(watch);
  }

  void Abort() override { context_->TryCancel(); }

  void End(const absl::Status& status) override {
    this->Finish(gate_.Close(*context_, method_, status));
  }

  void OnWriteDone(bool ok) override { watches_.Taken(watch_, ok); }

  void OnCancel() override {
    cancelled_ = true;
    if (watch_ != 0) watches_.Cancel(watch_);
  }

  void OnDone() override { delete this; }

 protected:
  // The caller of the stream, or why there is none.
  absl::StatusOr<ApiCall> Open(const google::protobuf::Message& request) const {
    return gate_.OpenAtOnce(*context_, method_, request);
  }
  Watches& watches() { return watches_; }
  Response& response() { return response_; }
  void Write() { this->StartWrite(&response_); }

 private:
  const Gate& gate_;
  Watches& watches_;
  grpc::CallbackServerContext* const context_;
  const char* const method_;
  Response response_;
  std::atomic<uint64_t> watch_ = 0;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace muster::server
