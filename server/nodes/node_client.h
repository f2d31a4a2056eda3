// Calls of the other nodes of the cluster, by mTLS: this node shows its node leaf, and the other
// one must show a certificate of the cluster root that stands for a node.
//
// Threads:  safe to call from any thread.
// Owns:     a channel for each address that was called, until it is destroyed.
// Blocks:   each call up to its deadline.
// Errors:   the other node's; Unavailable, with its address, where it can't be reached.
// Example:  tests/edges/node_service_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "muster/node/v1/node_service.grpc.pb.h"
#include "server/pki/certificate_issuer.h"

namespace muster::server {

class NodeClient {
 public:
  // How often `wants_end` is asked.
  static constexpr absl::Duration kLook = absl::Milliseconds(100);

  // `own`: CertificateIssuer::IssueNode.
  NodeClient(Identity own, std::string cluster_root_pem)
      : own_(std::move(own)), cluster_root_pem_(std::move(cluster_root_pem)) {}

  // Of the node whose listener for edges is at `address`, "HOST:PORT" as its member report says.
  absl::StatusOr<node::v1::DescribeNodeResponse> Describe(absl::string_view address,
                                                          absl::Duration deadline);

  // What the edge of a device remembers of it, from whichever of these nodes has that edge: all are
  // asked at once, and the first answer counts. NotFound where none of them has it; Unavailable,
  // with what each said, where one did not answer.
  absl::StatusOr<node::v1::AskContactsResponse> AskContacts(
      const std::vector<std::string>& addresses, uint64_t device, absl::Duration deadline);
  // Gives what the node streams to `take`, until that answers an error, which is returned. An empty
  // `snapshot_id` stands for the newest. Ends with Cancelled within kLook of `wants_end` saying so,
  // whatever the node sends or doesn't; that is asked on a thread of the call.
  absl::Status FetchSnapshot(
      absl::string_view address, absl::string_view snapshot_id, uint64_t offset,
      const std::function<absl::Status(node::v1::FetchSnapshotResponse)>& take,
      const std::function<bool()>& wants_end);

 private:
  using Stub = node::v1::NodeService::Stub;

  std::shared_ptr<Stub> StubOf(absl::string_view address);

  const Identity own_;
  const std::string cluster_root_pem_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<Stub>, std::less<>> stubs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
