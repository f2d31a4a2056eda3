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

TEST(PeerTest, RefusesOtherClustersRolesAndNames) {
  const std::string other(16, '\x5b');
  const std::string good = SpiffeUri(kCluster, {PeerRole::kEdge, "edge-one"});
  for (const std::string& uri :
       {std::string(""), SpiffeUri(other, {PeerRole::kEdge, "edge-one"}), good + "/", good + "/x",
        SpiffeUri(kCluster, {PeerRole::kEdge, ""}), SpiffeUri(kCluster, {PeerRole::kEdge, "Edge"}),
        "x" + good, SpiffeUri(kCluster, {PeerRole::kEdge, "edge-one-"})}) {
    EXPECT_EQ(ParseSpiffeUri(kCluster, uri).status().code(), absl::StatusCode::kPermissionDenied)
        << uri;
  }
}

}  // namespace
}  // namespace muster::server
