#include <gmock/gmock.h>

#include "cli/commands/command_test_support.h"
#include "muster/v1/cluster_service.pb.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace v1 = muster::v1;

class ClusterTest : public CommandTest {
 protected:
  ClusterTest() {
    status_.set_clustered(true);
    status_.set_feature_level(2);
    status_.set_highest_feature_level(2);
    for (int i = 0; i < 3; ++i) *status_.add_nodes() = Node(i);
  }

  v1::ClusterNode Node(int number) {
    v1::ClusterNode node;
    node.set_name("nodes/000000000000" + std::to_string(number + 1));
    node.set_display_name("node-" + std::to_string(number));
    node.set_version("0.1.0");
    node.set_api_address("10.0.0.1:7450");
    node.set_edge_address("10.0.0.1:7451");
    node.set_state(v1::NODE_STATE_SERVING);
    node.set_log_index(4711);
    node.set_ticking(number == 1);
    node.set_answering(number == 0);
    node.set_feature_level(2);
    node.mutable_report_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
    return node;
  }
  void AnswerStatus(int times = 1) {
    for (int i = 0; i < times; ++i) fake_.Answer("GetClusterStatus", status_);
  }

  v1::GetClusterStatusResponse status_;
};

TEST_F(ClusterTest, StatusShowsNodesAndRemovedOnesOnRequest) {
  v1::ClusterNode& removed = *status_.add_nodes();
  removed = Node(3);
  removed.set_removed(true);
  AnswerStatus(2);
  EXPECT_EQ(Run({"cluster", "status"}).code, 0);
  EXPECT_FALSE(fake_.LastRequest<v1::GetClusterStatusRequest>("GetClusterStatus").show_removed());
  const Ran ran = Run({"cluster", "status", "--removed"});
  EXPECT_TRUE(fake_.LastRequest<v1::GetClusterStatusRequest>("GetClusterStatus").show_removed());
  ExpectGolden("cluster_status.table", ran.out);
  EXPECT_THAT(ran.err, Not(HasSubstr("level")));
}

TEST_F(ClusterTest, StatusSaysWhatHoldsAnUpgrade) {
  status_.set_highest_feature_level(3);
  status_.add_held_by("node-1");
  status_.add_held_by("node-2");
  AnswerStatus();
  EXPECT_THAT(Run({"cluster", "status"}).err,
              HasSubstr("feature level 2 of 3: held by the older program of node-1, node-2"));
  status_.clear_held_by();
  AnswerStatus();
  EXPECT_THAT(Run({"cluster", "status"}).err, HasSubstr("muster cluster upgrade finalize"));
}

TEST_F(ClusterTest, AnUpgradeIsTriedFirstAndWantsAYes) {
  v1::FinalizeUpgradeResponse response;
  response.set_previous_feature_level(2);
  response.set_feature_level(3);
  response.add_silent_nodes("node-2");
  for (int i = 0; i < 3; ++i) fake_.Answer("FinalizeUpgrade", response);
  const Ran asked = Run({"cluster", "upgrade", "finalize"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("Silent, and not asked: node-2."));
  EXPECT_TRUE(fake_.LastRequest<v1::FinalizeUpgradeRequest>("FinalizeUpgrade").validate_only());
  const Ran ran = Run({"cluster", "upgrade", "finalize", "--yes"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("finalized: feature level 2 to 3"));
  const auto request = fake_.LastRequest<v1::FinalizeUpgradeRequest>("FinalizeUpgrade");
  EXPECT_FALSE(request.validate_only());
  EXPECT_NE(request.request_id(), "");
  EXPECT_EQ(Run({"cluster", "upgrade", "begin"}).code, 2);
}

TEST_F(ClusterTest, AnUpgradeThatIsDoneAsksNothing) {
  v1::FinalizeUpgradeResponse response;
  response.set_previous_feature_level(2);
  response.set_feature_level(2);
  fake_.Answer("FinalizeUpgrade", response);
  const Ran ran = Run({"cluster", "upgrade", "finalize"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, HasSubstr("nothing to do"));
}

TEST_F(ClusterTest, ANodeIsRemovedByNameOrIdAndAfterAYes) {
  v1::RemoveNodeResponse response;
  *response.mutable_node() = Node(1);
  response.mutable_node()->set_removed(true);
  response.set_remaining_count(2);
  response.set_live_count(1);
  response.set_key_generation(3);
  for (int i = 0; i < 5; ++i) fake_.Answer("RemoveNode", response);
  AnswerStatus(4);
  const Ran asked = Run({"cluster", "remove", "node-1"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("1 of the 2 others are serving"));
  EXPECT_TRUE(fake_.LastRequest<v1::RemoveNodeRequest>("RemoveNode").validate_only());
  for (const char* name : {"node-1", "0000000000002"}) {
    const Ran ran = Run({"cluster", "remove", name, "--yes"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    const auto request = fake_.LastRequest<v1::RemoveNodeRequest>("RemoveNode");
    EXPECT_EQ(request.name(), "nodes/0000000000002");
    EXPECT_FALSE(request.validate_only());
    EXPECT_THAT(ran.err, HasSubstr("has a new line now, key 4: keep a copy of it"));
  }
  EXPECT_EQ(Run({"cluster", "remove", "node-9", "--yes"}).code, 3);
}

TEST_F(ClusterTest, AJoinFileIsAloneOnStdoutAndItsLifeIsSaidBesideIt) {
  v1::CreateJoinTokenResponse response;
  response.set_join_file("the file\n");
  response.mutable_expire_time()->set_seconds(1'700'000'000);
  for (int i = 0; i < 3; ++i) fake_.Answer("CreateJoinToken", response);
  const Ran ran = Run({"cluster", "join-token"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "the file\n");
  EXPECT_THAT(ran.err, HasSubstr("works once, until 2023-11-14T22:13:20+00:00"));
  EXPECT_THAT(ran.err, Not(HasSubstr("the file\n")));
  auto request = fake_.LastRequest<v1::CreateJoinTokenRequest>("CreateJoinToken");
  EXPECT_FALSE(request.has_ttl());
  EXPECT_NE(request.request_id(), "");
  EXPECT_EQ(Run({"cluster", "join-token", "--ttl", "10m"}).code, 0);
  request = fake_.LastRequest<v1::CreateJoinTokenRequest>("CreateJoinToken");
  EXPECT_EQ(request.ttl().seconds(), 600);
  EXPECT_THAT(Run({"cluster", "join-token", "-o", "json"}).out, HasSubstr("\"joinFile\""));
  EXPECT_EQ(Run({"cluster", "join-token", "--ttl", "soon"}).code, 2);
}

TEST_F(ClusterTest, ANameThatTwoNodesHaveIsNotGuessed) {
  *status_.add_nodes() = Node(3);
  status_.mutable_nodes(3)->set_display_name("node-1");
  AnswerStatus();
  const Ran ran = Run({"cluster", "remove", "node-1", "--yes"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("more than one node is called node-1"));
}

}  // namespace
}  // namespace muster::cli
