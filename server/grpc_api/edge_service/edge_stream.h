// One Connect call: a gRPC stream as the sink and the source of an EdgeSession. No rule lives here.
//
// Raw bytes are read and written: edge_convert parses item by item, see there.
//
// Threads:  gRPC's; the sink's calls come from the hub's and the log's threads.
// Owns:     itself; deletes itself when gRPC is done with it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/edges/edge_hub.h"
#include "server/edges/edge_session.h"
#include "server/grpc_api/edge_convert/edge_convert.h"

namespace muster::server {

using RawStream = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

class EdgeStream final : public RawStream, public EdgeSink {
 public:
  // `peer` is what the client certificate says, until when it lasts; a status that is not ok ends
  // the stream at once.
  EdgeStream(EdgeHub& hub, const absl::StatusOr<std::string>& peer, absl::Time certificate_end);

  // gRPC's reactions. None comes before Connect has returned this object, so the constructor is
  // through by then; only OnCancel and OnDone come for a stream that was refused, which has no
  // session.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // What the session asks for; see EdgeSink. Each is one gRPC operation, and gRPC wants at most one
  // read and one write under way: the session's promise, not checked here.
  void Write(const DownMessage& message) override;
  void ResumeReading() override;
  void Finish(const absl::Status& status) override;

 private:
  EdgeHub& hub_;
  // Null where the stream was refused.
  std::shared_ptr<EdgeSession> session_;
  // Used by one read at a time.
  UpDecoder decoder_;
  // Must stay until their operation is done, hence members.
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
};

}  // namespace muster::server
