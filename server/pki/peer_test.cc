#include "server/pki/peer.h"

#include "gtest/gtest.h"

namespace muster::server {
namespace {

const std::string kCluster(16, '\x5a');

TEST(PeerTest, ReadsWhatItWrote) {
  for (const PeerRole role : {PeerRole::kEdge, PeerRole::kJoin}) {
    const absl::StatusOr<Peer> peer =
        ParseSpiffeUri(kCluster, SpiffeUri(kCluster, {role, "edge-one"}));
    ASSERT_TRUE(peer.ok()) << peer.status();
    EXPECT_EQ(peer->role, role);
    EXPECT_EQ(peer->edge_id, "edge-one");
  }
}

TEST(PeerTest, ReadsNodes) {
  const uint64_t id = ~uint64_t{0} - 1;
  const absl::StatusOr<Peer> peer =
      ParseSpiffeUri(kCluster, SpiffeUri(kCluster, {PeerRole::kNode, "", id}));
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->role, PeerRole::kNode);
  EXPECT_EQ(peer->node_id, id);
}

TEST(PeerTest, RefusesOtherClustersRolesAndNames) {
  const std::string other(16, '\x5b');
  const std::string good = SpiffeUri(kCluster, {PeerRole::kEdge, "edge-one"});
  std::string node = SpiffeUri(kCluster, {PeerRole::kNode, "", 7});
  node.pop_back();
  for (const std::string& uri :
       {std::string(""), SpiffeUri(other, {PeerRole::kEdge, "edge-one"}), good + "/", good + "/x",
        node, node + "7x", node + "07", node + "-1", SpiffeUri(kCluster, {PeerRole::kEdge, ""}),
        SpiffeUri(kCluster, {PeerRole::kEdge, "Edge"}), "x" + good,
        SpiffeUri(kCluster, {PeerRole::kEdge, "edge-one-"})}) {
    EXPECT_EQ(ParseSpiffeUri(kCluster, uri).status().code(), absl::StatusCode::kPermissionDenied)
        << uri;
  }
}

}  // namespace
}  // namespace muster::server
