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
  StartRead(&incoming_);
}

void EdgeStream::OnReadDone(bool ok) {
  if (!ok) return session_->OnEndOfReading();
  const grpc::Slice bytes = WholeSlice(incoming_);
  absl::StatusOr<UpMessage> message = decoder_.Decode(View(bytes));
  if (!message.ok()) return session_->Finish(message.status());
  if (session_->OnMessage(*std::move(message))) StartRead(&incoming_);
}

void EdgeStream::OnWriteDone(bool ok) {
  if (ok) session_->OnWritten();
}

void EdgeStream::OnCancel() {
  if (session_ != nullptr) session_->Finish(absl::CancelledError("the edge went away"));
}

void EdgeStream::OnDone() {
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
