// ClusterService against a control plane whose nodes are what a test says; several real nodes are
// in tests/end_to_end/test_cluster.py and test_members.py.
#include <gmock/gmock.h>

#include "common/ids/ids.h"
#include "muster/v1/cluster_service.grpc.pb.h"
#include "server/command_log/log/feature_level.h"
#include "server/command_log/log/member_key.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using testing::HasSubstr;

class ClusterServiceTest : public testing::Test {
 protected:
  ClusterServiceTest() {
    for (const uint64_t id : {1, 2, 3}) view_.nodes.push_back(Node(id));
    view_.clustered = true;
    view_.answering = 1;
    server_.ShowNodes([this] { return view_; },
                      [this](uint64_t node) {
                        forgotten_.push_back(node);
                        return absl::OkStatus();
                      });
    stub_ = v1::ClusterService::NewStub(server_.channel());
    for (const uint64_t id : {1, 2, 3}) AddMember(id);
  }

  static NodeView Node(uint64_t id) {
    NodeView node;
    node.id = id;
    node.display_name = absl::StrCat("node-", id);
    node.version = "0.1.0";
    node.log_state = "serving";
    node.report_time = absl::Now();
    node.feature_level = FeatureLevel();
    return node;
  }
  void AddMember(uint64_t id) {
    Command command;
    command.mutable_add_member()->set_node_id(id);
    command.mutable_add_member()->set_display_name(absl::StrCat("node-", id));
    command.mutable_add_member()->set_public_key(keys_.public_key);
    ASSERT_TRUE(server_.log().Propose(command).ok());
  }
  static std::string NameOf(uint64_t id) { return absl::StrCat("nodes/", FormatId(id)); }

  v1::GetClusterStatusResponse Status(bool removed = false) {
    v1::GetClusterStatusRequest request;
    request.set_show_removed(removed);
    v1::GetClusterStatusResponse response;
    const grpc::Status status =
        stub_->GetClusterStatus(server_.Context(server_.root_key()).get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status Remove(const std::string& name, bool validate_only = false,
                      const std::string& request_id = "") {
    v1::RemoveNodeRequest request;
    request.set_name(name);
    request.set_validate_only(validate_only);
    request.set_request_id(request_id);
    removed_.Clear();
    return stub_->RemoveNode(server_.Context(server_.root_key()).get(), request, &removed_);
  }
  grpc::Status Finalize(bool validate_only = false) {
    v1::FinalizeUpgradeRequest request;
    request.set_validate_only(validate_only);
    finalized_.Clear();
    return stub_->FinalizeUpgrade(server_.Context(server_.root_key()).get(), request, &finalized_);
  }

  // Of all of them.
  const BoxKeyPair keys_ = MakeBoxKeyPair();
  ClusterView view_;
  std::vector<uint64_t> forgotten_;
  ApiTestServer server_;
  std::unique_ptr<v1::ClusterService::Stub> stub_;
  v1::RemoveNodeResponse removed_;
  v1::FinalizeUpgradeResponse finalized_;
};

TEST(ClusterServiceAloneTest, AServerThatKnowsOfNoNodesSaysSo) {
  ApiTestServer server;
  const auto stub = v1::ClusterService::NewStub(server.channel());
  v1::GetClusterStatusResponse response;
  EXPECT_EQ(
      stub->GetClusterStatus(server.Context(server.root_key()).get(), {}, &response).error_code(),
      grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ClusterServiceTest, ARemovedNodeIsShownOnRequestOnlyAndItsReportIsForgotten) {
  ASSERT_TRUE(Remove(NameOf(2)).ok());
  EXPECT_TRUE(removed_.node().removed());
  EXPECT_EQ(removed_.remaining_count(), 2);
  EXPECT_EQ(removed_.live_count(), 2);
  EXPECT_TRUE(server_.state().IsRemovedMember(2));
  EXPECT_EQ(forgotten_, std::vector<uint64_t>{2});
  EXPECT_EQ(Status().nodes_size(), 2);
  // It had reported once more.
  EXPECT_EQ(forgotten_.back(), 2U);
  EXPECT_EQ(Status(true).nodes_size(), 3);
  EXPECT_TRUE(Status(true).nodes(1).removed());
  EXPECT_TRUE(Status(true).nodes(1).has_remove_time());
  EXPECT_TRUE(Remove(NameOf(2)).ok()) << "repeating is harmless";
}

TEST_F(ClusterServiceTest, ARemovalBringsOneNewKeyToAllThatAreLeft) {
  ASSERT_TRUE(Remove(NameOf(2)).ok());
  EXPECT_EQ(removed_.key_generation(), 1);
  const auto open = [this](uint32_t generation, uint64_t member) {
    const auto sealed = server_.state().FindSealedKey(generation, member);
    return OpenForMember(keys_, server_.state().ClusterId(), generation, member,
                         sealed.value_or(""));
  };
  const auto first = open(1, 1);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(open(1, 3)->Reveal(), first->Reveal());
  EXPECT_FALSE(open(1, 2).ok());
  ASSERT_TRUE(Remove(NameOf(2)).ok());
  EXPECT_EQ(removed_.key_generation(), 1) << "it is removed already";
  ASSERT_TRUE(Remove(NameOf(3)).ok());
  EXPECT_EQ(removed_.key_generation(), 2);
  EXPECT_NE(open(2, 1)->Reveal(), first->Reveal());
}

TEST_F(ClusterServiceTest, ARemovalCanBeTriedAndRepeatedUnderItsRequestId) {
  EXPECT_TRUE(Remove(NameOf(2), true).ok());
  EXPECT_FALSE(server_.state().IsRemovedMember(2));
  EXPECT_TRUE(Remove(NameOf(2), false, "once").ok());
  const Position position = server_.log().AppliedPosition();
  EXPECT_TRUE(Remove(NameOf(2), false, "once").ok());
  EXPECT_EQ(server_.log().AppliedPosition().index, position.index);
}

TEST_F(ClusterServiceTest, AMemberWithoutAReportIsSilentAndCanBeRemoved) {
  view_.nodes.pop_back();
  const auto status = Status();
  ASSERT_EQ(status.nodes_size(), 3);
  EXPECT_TRUE(status.nodes(2).silent());
  EXPECT_EQ(status.nodes(2).display_name(), "node-3");
  EXPECT_FALSE(status.nodes(2).has_report_time());
  EXPECT_TRUE(Remove(NameOf(3)).ok());
  EXPECT_EQ(removed_.live_count(), 2);
}

TEST_F(ClusterServiceTest, ANodeIsNotRemovedWhereNobodyElseServes) {
  view_.nodes[1].silent = true;
  view_.nodes[2].log_state = "read-only: no quorum";
  const grpc::Status last = Remove(NameOf(1));
  EXPECT_EQ(last.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(last.error_message(), HasSubstr("no other node is serving"));
  EXPECT_TRUE(Remove(NameOf(2)).ok()) << "node-1 serves";
  view_.problem = "etcd is away";
  EXPECT_EQ(Remove(NameOf(3)).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  view_.problem = "";
  EXPECT_EQ(Remove(NameOf(7)).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Remove("nodes/").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  view_.clustered = false;
  EXPECT_THAT(Remove(NameOf(1)).error_message(), HasSubstr("this node is alone"));
}

TEST_F(ClusterServiceTest, WhoIsSilentDoesNotHangOnTheClocksOfNodes) {
  view_.nodes[0].silent = true;
  view_.nodes[1].report_time -= absl::Hours(1);
  view_.nodes[2].report_time += absl::Hours(1);
  const auto status = Status();
  ASSERT_EQ(status.nodes_size(), 3);
  for (const auto& node : status.nodes()) EXPECT_FALSE(node.silent()) << node.display_name();
  view_.nodes[1].silent = true;
  EXPECT_TRUE(Status().nodes(1).silent());
}

TEST_F(ClusterServiceTest, WhatHoldsAnUpgradeIsNamedAndSilentNodesAreNot) {
  ASSERT_EQ(server_.state().FeatureLevel(), FeatureLevel()) << "a new installation";
  EXPECT_TRUE(Finalize().ok());
  EXPECT_EQ(finalized_.previous_feature_level(), finalized_.feature_level());
  EXPECT_EQ(Status().feature_level(), static_cast<int>(FeatureLevel()));
  EXPECT_EQ(Status().held_by_size(), 0);
  view_.nodes[2].feature_level = FeatureLevel() - 1;
  view_.nodes[1].feature_level = FeatureLevel() - 1;
  view_.nodes[1].silent = true;
  const auto status = Status();
  ASSERT_EQ(status.held_by_size(), 1);
  EXPECT_EQ(status.held_by(0), "node-3");
}

}  // namespace
}  // namespace muster::server
