// Carries a watch to a gRPC stream: at most one message under way, errors as every other call.
//
// `Watches` has Start, Taken(id, ok) and Cancel(id); `Sink` is what it calls: Begun, Send, Abort
// and End. A subclass adds Send and a Start that ends in Watches::Start.
//
// gRPC wants exactly one Finish and one write at a time. The watches keep to both: End is their
// last call, and after Send they wait for Taken. OnDone comes after everything else.
//
// Threads:  called by gRPC and by the watches' thread.
// Owns:     itself; deletes itself in OnDone.
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

  // The caller may go while Start runs, when there is no name yet to cancel. Each side writes its
  // own flag before it reads the other's, so at least one of the two sees both and cancels;
  // cancelling twice is harmless.
  void Begun(uint64_t watch) override {
    watch_ = watch;
    if (cancelled_) watches_.Cancel(watch);
  }

  // Makes gRPC drop the write under way; OnWriteDone follows.
  void Abort() override { context_->TryCancel(); }

  // The same way out as any call's: trailer, count, rich status. This object may be gone on return.
  void End(const absl::Status& status) override {
    this->Finish(gate_.Close(*context_, method_, status));
  }

  // False where the reader has gone: nothing more is sent then.
  void OnWriteDone(bool ok) override { watches_.Taken(watch_, ok); }

  void OnCancel() override {
    cancelled_ = true;
    if (watch_ != 0) watches_.Cancel(watch_);
  }

  void OnDone() override { delete this; }

  // Ok where the caller's key and role are good.
  absl::Status Admit(const google::protobuf::Message& request) const {
    return Open(request).status();
  }
  // Whether another node may know the key that this one does not.
  bool MayBeKnownElsewhere(const absl::Status& refusal) const {
    return Gate::MayBeKnownElsewhere(*context_, refusal);
  }

 protected:
  // The caller of the stream, or why there is none.
  absl::StatusOr<ApiCall> Open(const google::protobuf::Message& request) const {
    return gate_.OpenAtOnce(*context_, method_, request);
  }
  Watches& watches() { return watches_; }
  // Filled by Send, then given to gRPC by Write; not to be touched before Taken.
  Response& response() { return response_; }
  void Write() { this->StartWrite(&response_); }

 private:
  const Gate& gate_;
  Watches& watches_;
  grpc::CallbackServerContext* const context_;
  const char* const method_;
  Response response_;
  // 0 until Begun.
  std::atomic<uint64_t> watch_ = 0;
  std::atomic<bool> cancelled_ = false;
};

// Starts the watch of a new reactor, or ends its stream with why not. Not on gRPC's thread, and
// only when this node shows what others had told: a watch that goes on here after its node died
// must not be told older states first. That also finds a key that was made at another node a moment
// ago.
template <typename Reactor, typename Request>
Reactor* StartWatch(const Gate& gate, Reactor* reactor, const Request& request) {
  const absl::Status admitted = reactor->Admit(request);
  // Strangers and wrong roles cost no look. gRPC keeps what a reactor begins before it was returned
  // and does it then, so a stream can be finished here.
  if (!admitted.ok() && !reactor->MayBeKnownElsewhere(admitted)) {
    reactor->End(admitted);
    return reactor;
  }
  // It lives until End, also where its caller goes. Without an answer of the log (no quorum) what
  // this node has is better than nothing.
  gate.look().Ask([reactor, copy = request](bool) {
    const absl::Status started = reactor->Start(copy);
    if (!started.ok()) reactor->End(started);
  });
  return reactor;
}

}  // namespace muster::server
