// An edge as the control plane sees it, for tests and benchmarks: joins by a join file and speaks
// EdgeService over real mutual TLS.
//
// Threads:  an EdgeClient is safe from any thread; a stream has one writer, its reader is a thread
//           of its own.
// Errors:   statuses of the calls, as absl::Status.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "common/x509/x509.h"
#include "muster/edge/v1/edge_service.grpc.pb.h"

namespace muster::testing {

// What a client shows and whom it trusts.
struct EdgeIdentity {
  std::string cluster_root_pem;
  std::string chain_pem;
  Secret key_pem;
};

class EdgeClientStream {
 public:
  explicit EdgeClientStream(edge::v1::EdgeService::Stub& stub);
  ~EdgeClientStream();

  bool Send(const edge::v1::ConnectRequest& request);
  // Sends hello and waits for the welcome.
  absl::StatusOr<edge::v1::Welcome> Hello(const std::string& edge_id, const std::string& spool_id);

  // The first message not yet taken that `fits`; earlier ones that don't are dropped. The stream's
  // end or DeadlineExceeded where none comes.
  absl::StatusOr<edge::v1::ConnectResponse> WaitFor(
      const std::function<bool(const edge::v1::ConnectResponse&)>& fits,
      absl::Duration timeout = absl::Seconds(20));
  // An acknowledgement of `lane` up to `number` or more.
  absl::StatusOr<edge::v1::Ack> WaitForAck(edge::v1::Lane lane, uint64_t number);

  // How the stream ended; waits for it.
  absl::Status WaitForEnd(absl::Duration timeout = absl::Seconds(20));
  // Goes away at once.
  void Cancel();

 private:
  void Read();

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<edge::v1::ConnectRequest, edge::v1::ConnectResponse>>
      stream_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::vector<edge::v1::ConnectResponse> received_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::thread reader_;
};

class EdgeClient {
 public:
  // `address` is HOST:PORT with a host that the control plane's certificate names.
  EdgeClient(const std::string& address, const EdgeIdentity& identity);

  edge::v1::EdgeService::Stub& stub() { return *stub_; }
  // Any method by its full name ("/package.Service/Method") with an empty message.
  absl::Status CallEmpty(const std::string& method);
  std::unique_ptr<EdgeClientStream> Connect() { return std::make_unique<EdgeClientStream>(*stub_); }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<edge::v1::EdgeService::Stub> stub_;
};

// What a join file says; to call Join with.
absl::StatusOr<EdgeIdentity> IdentityOfJoinFile(absl::string_view text);

// Joins and answers the edge's own identity. `public_url` must be one the control plane takes.
absl::StatusOr<EdgeIdentity> JoinByFile(const std::string& address, absl::string_view join_file,
                                        const std::string& public_url);

absl::Status FromGrpc(const grpc::Status& status);

}  // namespace muster::testing
