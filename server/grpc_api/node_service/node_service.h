// muster.node.v1.NodeService: what other nodes of the cluster ask this one.
//
// Threads:  gRPC's callback threads; no handler blocks.
// Owns:     nothing; what it is given must outlive the server.
// Errors:   Unauthenticated without a certificate, PermissionDenied for one that is no node's.
// Example:  tests/edges/node_service_test.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "common/sync/mutex.h"
#include "muster/node/v1/node_service.grpc.pb.h"
#include "server/grpc_api/node_service/snapshot_sender.h"

namespace muster::server {

// What a new node presents.
struct PresentedToken {
  uint64_t token_id = 0;
  std::string token;
  std::string nonce;
};

using RedeemDone = std::function<void(absl::StatusOr<Secret>)>;

struct NodeRules {
  // 16 bytes.
  std::string cluster_id;
  // This node as of now.
  std::function<node::v1::DescribeNodeResponse()> describe;
  // Asks an edge that is connected here, and blocks up to the deadline. NotFound for one that is
  // not.
  std::function<absl::StatusOr<node::v1::AskContactsResponse>(uint64_t device, absl::Duration)>
      ask_contacts;
  // Nothing is said to a node that was removed; empty: none was.
  std::function<bool(uint64_t node_id)> is_removed = {};
  // Uses the token up and calls `done` with the key, on any thread; empty: nobody can join.
  std::function<void(const PresentedToken&, RedeemDone done)> redeem = {};
  // Empty: this node gives none.
  SnapshotOpener open_snapshot = {};
};

class NodeService final : public node::v1::NodeService::CallbackService {
 public:
  explicit NodeService(NodeRules rules) : rules_(std::move(rules)) {}
  // Waits for the questions to edges that are under way.
  ~NodeService() override;

  grpc::ServerUnaryReactor* DescribeNode(grpc::CallbackServerContext* context,
                                         const node::v1::DescribeNodeRequest* request,
                                         node::v1::DescribeNodeResponse* response) override;
  // On a thread of its own, since an edge takes its time. ResourceExhausted where too many wait.
  grpc::ServerUnaryReactor* AskContacts(grpc::CallbackServerContext* context,
                                        const node::v1::AskContactsRequest* request,
                                        node::v1::AskContactsResponse* response) override;
  grpc::ServerUnaryReactor* RedeemJoinToken(grpc::CallbackServerContext* context,
                                            const node::v1::RedeemJoinTokenRequest* request,
                                            node::v1::RedeemJoinTokenResponse* response) override;
  grpc::ServerWriteReactor<node::v1::FetchSnapshotResponse>* FetchSnapshot(
      grpc::CallbackServerContext* context, const node::v1::FetchSnapshotRequest* request) override;

 private:
  // The node that calls.
  absl::StatusOr<uint64_t> CallingNode(const grpc::CallbackServerContext& context) const;
  absl::Status CheckJoiner(const grpc::CallbackServerContext& context, uint64_t token_id) const;

  // False where too many are under way.
  bool BeginAsking();
  void EndAsking();

  const NodeRules rules_;
  Mutex mutex_;
  ConditionVariable ended_;
  int asking_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<int> snapshots_sent_ = 0;
};

}  // namespace muster::server
