// What a node answers to another one, and to those who are none.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "server/nodes/node_client.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using node::v1::DescribeNodeResponse;

constexpr absl::Duration kDeadline = absl::Seconds(10);

class NodeServiceTest : public EdgeHarness {
 protected:
  NodeClient Client(uint64_t node_id) {
    return NodeClient(*issuer().IssueNode(node_id), installation().keys.cluster_root.pem);
  }
};

TEST_F(NodeServiceTest, ANodeDescribesItselfToAnother) {
  NodeClient client = Client(5);
  const absl::StatusOr<DescribeNodeResponse> first = client.Describe(address(), kDeadline);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->node_id(), kNodeId);
  CreateEdge("west");
  const absl::StatusOr<DescribeNodeResponse> second = client.Describe(address(), kDeadline);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(second->log_index(), first->log_index());
}

TEST_F(NodeServiceTest, AnEdgeIsNoNode) {
  testing::EdgeClient edge(address(), JoinEdge("west"));
  for (const char* call : {"DescribeNode", "AskContacts", "FetchSnapshot"}) {
    const absl::Status refused = edge.CallEmpty(absl::StrCat("/muster.node.v1.NodeService/", call));
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
    EXPECT_EQ(refused.message(), "this call needs the certificate of a node of this cluster");
  }
}

TEST_F(NodeServiceTest, ContactsComeFromWhicheverNodeHasTheEdge) {
  NodeClient client = Client(5);
  const auto answer = client.AskContacts({"127.0.0.1:1", address()}, kDeviceHere, kDeadline);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->contacts_size(), 1);
  EXPECT_EQ(answer->contacts(0).reason(), "as of the edge");
}

TEST_F(NodeServiceTest, WhereNoNodeHasTheEdgeThoseThatDidNotAnswerAreNamed) {
  NodeClient client = Client(5);
  EXPECT_EQ(client.AskContacts({address()}, 6, kDeadline).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(client.AskContacts({}, 6, kDeadline).status().code(), absl::StatusCode::kNotFound);
  const absl::Status one = client.AskContacts({"127.0.0.1:1", address()}, 6, kDeadline).status();
  EXPECT_EQ(one.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(one.message()), ::testing::HasSubstr("node at 127.0.0.1:1"));
}

TEST_F(NodeServiceTest, ANodeIsNoEdge) {
  Identity node = *issuer().IssueNode(5);
  testing::EdgeIdentity identity = JoinEdge("west");
  identity.key_pem = std::move(node.key_pem);
  identity.chain_pem = node.chain_pem;
  testing::EdgeClient client(address(), identity);
  const absl::Status refused = client.CallEmpty("/muster.edge.v1.EdgeService/CheckClaim");
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
  EXPECT_EQ(refused.message(), "this call needs the certificate of an edge that has joined");
}

TEST_F(NodeServiceTest, ANodeOfAnotherClusterIsRefusedInTheHandshake) {
  const absl::StatusOr<ClusterKeys> others = GenerateClusterKeys(clock_.Now());
  ASSERT_TRUE(others.ok()) << others.status();
  const CertificateIssuer stranger(*others, clock_);
  NodeClient client(*stranger.IssueNode(5), installation().keys.cluster_root.pem);
  EXPECT_EQ(client.Describe(address(), kDeadline).status().code(), absl::StatusCode::kUnavailable);
  // And no node sends anything to a listener of another cluster.
  NodeClient trusting(*issuer().IssueNode(5), others->cluster_root.pem);
  EXPECT_EQ(trusting.Describe(address(), kDeadline).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(NodeServiceTest, ANodeThatIsNotThereIsNamed) {
  NodeClient client = Client(5);
  const absl::Status gone = client.Describe("127.0.0.1:1", kDeadline).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(gone.message()), ::testing::HasSubstr("node at 127.0.0.1:1"));
}

}  // namespace
}  // namespace muster::server
