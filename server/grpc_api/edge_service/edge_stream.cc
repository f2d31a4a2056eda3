// Two languages meet here: gRPC's operations and reactions on one side, the session's messages on
// the other. One read and one write are under way at most; both buffers are members, as gRPC uses
// them until the reaction comes.
#include "server/grpc_api/edge_service/edge_stream.h"

#include <utility>

#include "server/grpc_api/edge_service/edge_status.h"

namespace muster::server {
namespace {

// The bytes of a message, without a copy where they lie in one piece.
grpc::Slice WholeSlice(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok() && !buffer.DumpToSingleSlice(&slice).ok()) return {};
  return slice;
}

absl::string_view View(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

}  // namespace

EdgeStream::EdgeStream(EdgeHub& hub, const absl::StatusOr<std::string>& peer,
                       absl::Time certificate_end)
    : hub_(hub) {
  // Finishing in the constructor is allowed: gRPC does it when the stream has been returned to it.
  if (!peer.ok()) {
    RawStream::Finish(ToEdgeStatus(peer.status()));
    return;
  }
  absl::StatusOr<std::shared_ptr<EdgeSession>> session = hub_.Open(*peer, certificate_end, *this);
  if (!session.ok()) {
    RawStream::Finish(ToEdgeStatus(session.status()));
    return;
  }
  session_ = *std::move(session);
  // Last: from here on a reaction may come as soon as this object was returned.
  StartRead(&incoming_);
}

void EdgeStream::OnReadDone(bool ok) {
  // False also where the stream broke: then OnCancel comes too.
  if (!ok) return session_->OnEndOfReading();
  const grpc::Slice bytes = WholeSlice(incoming_);
  absl::StatusOr<UpMessage> message = decoder_.Decode(View(bytes));
  if (!message.ok()) return session_->Finish(message.status());
  // False holds back the next message until ResumeReading: so a slow log slows the edge down by
  // gRPC's flow control, and nothing queues up here.
  if (session_->OnMessage(*std::move(message))) StartRead(&incoming_);
}

void EdgeStream::OnWriteDone(bool ok) {
  // Not ok: the stream is ending, and OnDone says so.
  if (ok) session_->OnWritten();
}

void EdgeStream::OnCancel() {
  if (session_ != nullptr) session_->Finish(absl::CancelledError("the edge went away"));
}

void EdgeStream::OnDone() {
  // In this order: the session stops calling its sink, the hub lets go of it, and only then may
  // this object go.
  if (session_ != nullptr) {
    session_->OnClosed();
    hub_.Close(session_);
  }
  delete this;
}

void EdgeStream::Write(const DownMessage& message) {
  const grpc::Slice slice(EncodeDown(message));
  outgoing_ = grpc::ByteBuffer(&slice, 1);
  StartWrite(&outgoing_);
}

void EdgeStream::ResumeReading() { StartRead(&incoming_); }

void EdgeStream::Finish(const absl::Status& status) { RawStream::Finish(ToEdgeStatus(status)); }

}  // namespace muster::server
