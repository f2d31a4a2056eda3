// What the edge of a device remembers of it, whichever node has that edge: this one's own edges are
// asked first, then all other nodes at once, which ask theirs and nobody else. So a question goes
// one hop and never two.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   Ask and AskHere, up to the deadline.
// Errors:   Unavailable where the edge is connected to no node that answers; FailedPrecondition
//           for a device that has never checked in.
// Example:  tests/end_to_end/test_cluster.py.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "muster/node/v1/node_service.pb.h"
#include "server/command_log/etcd/etcd_node.h"
#include "server/devices/diagnosis.h"
#include "server/grpc_api/edge_service/edge_listener.h"
#include "server/nodes/node_client.h"

namespace muster::server {

// What another node is answered: only from an edge that is connected to this one. NotFound where it
// is not.
absl::StatusOr<node::v1::AskContactsResponse> AskContactsHere(EdgeListener& edges, DeviceId device,
                                                              absl::Duration deadline);

class ContactRoute {
 public:
  // `member` and `client` are absent where this node is alone.
  ContactRoute(EdgeListener& edges, const EtcdNode* member, NodeClient* client)
      : edges_(edges), member_(member), client_(client) {}

  absl::StatusOr<DeviceContacts> Ask(DeviceId device, absl::Duration deadline) const;

 private:
  // Addresses of the other nodes that are heard of.
  absl::StatusOr<std::vector<std::string>> Others() const;

  EdgeListener& edges_;
  const EtcdNode* const member_;
  NodeClient* const client_;
};

}  // namespace muster::server
