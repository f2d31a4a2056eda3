#include "server/grpc_api/node_service/node_service.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "server/grpc_api/edge_service/edge_status.h"

namespace muster::server {
namespace {

// Questions to edges come from people; more at once are a fault.
constexpr int kMostAsking = 32;
constexpr absl::Duration kLongestAsking = absl::Seconds(3);

}  // namespace

absl::StatusOr<uint64_t> NodeService::CallingNode(
    const grpc::CallbackServerContext& context) const {
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(context, rules_.cluster_id, PeerRole::kNode));
  if (rules_.is_removed && rules_.is_removed(peer.node_id)) {
    return absl::PermissionDeniedError("this node was removed from the cluster");
  }
  return peer.node_id;
}

// The file's certificate names its token, so one file's can't use up another's.
absl::Status NodeService::CheckJoiner(const grpc::CallbackServerContext& context,
                                      uint64_t token_id) const {
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(context, rules_.cluster_id, PeerRole::kNodeJoin));
  if (peer.node_id != token_id) {
    return absl::PermissionDeniedError("the certificate is of another join file");
  }
  if (rules_.redeem) return absl::OkStatus();
  return absl::FailedPreconditionError("no node can join here");
}

grpc::ServerUnaryReactor* NodeService::RedeemJoinToken(
    grpc::CallbackServerContext* context, const node::v1::RedeemJoinTokenRequest* request,
    node::v1::RedeemJoinTokenResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::Status joiner = CheckJoiner(*context, request->token_id());
  if (!joiner.ok()) {
    reactor->Finish(ToEdgeStatus(joiner));
    return reactor;
  }
  rules_.redeem({request->token_id(), request->token(), request->nonce()},
                [reactor, response](absl::StatusOr<Secret> key) {
                  if (key.ok()) response->set_key(std::string(key->Reveal()));
                  reactor->Finish(ToEdgeStatus(key.status()));
                });
  return reactor;
}

grpc::ServerUnaryReactor* NodeService::DescribeNode(grpc::CallbackServerContext* context,
                                                    const node::v1::DescribeNodeRequest*,
                                                    node::v1::DescribeNodeResponse* response) {
  const absl::StatusOr<uint64_t> caller = CallingNode(*context);
  if (caller.ok()) *response = rules_.describe();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToEdgeStatus(caller.status()));
  return reactor;
}

NodeService::~NodeService() {
  MutexLock lock(mutex_);
  while (asking_ > 0) ended_.WaitFor(mutex_, absl::Seconds(1));
}

bool NodeService::BeginAsking() {
  MutexLock lock(mutex_);
  if (asking_ >= kMostAsking) return false;
  ++asking_;
  return true;
}

void NodeService::EndAsking() {
  MutexLock lock(mutex_);
  --asking_;
  ended_.NotifyAll();
}

grpc::ServerUnaryReactor* NodeService::AskContacts(grpc::CallbackServerContext* context,
                                                   const node::v1::AskContactsRequest* request,
                                                   node::v1::AskContactsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status refused = CallingNode(*context).status();
  if (refused.ok() && !BeginAsking()) {
    refused = absl::ResourceExhaustedError("too many questions to edges are under way; try again");
  }
  if (!refused.ok()) {
    reactor->Finish(ToEdgeStatus(refused));
    return reactor;
  }
  // Whoever asks says how long it waits; without that an edge gets what a diagnosis gives it.
  const absl::Duration left =
      std::min(absl::FromChrono(context->deadline()) - absl::Now(), kLongestAsking);
  std::thread([this, reactor, response, left, device = request->device_id()] {
    absl::StatusOr<node::v1::AskContactsResponse> answer = rules_.ask_contacts(device, left);
    if (answer.ok()) *response = *std::move(answer);
    reactor->Finish(ToEdgeStatus(answer.status()));
    EndAsking();
  }).detach();
  return reactor;
}

grpc::ServerWriteReactor<node::v1::FetchSnapshotResponse>* NodeService::FetchSnapshot(
    grpc::CallbackServerContext* context, const node::v1::FetchSnapshotRequest* request) {
  absl::Status refused = CallingNode(*context).status();
  if (refused.ok() && !rules_.open_snapshot) {
    refused = absl::FailedPreconditionError("this node is alone and gives its state to nobody");
  }
  if (!refused.ok()) return new SnapshotRefusal(ToEdgeStatus(refused));
  return new SnapshotSender(rules_.open_snapshot, snapshots_sent_, *request);
}

}  // namespace muster::server
