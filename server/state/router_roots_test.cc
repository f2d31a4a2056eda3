// The roots that routers trust: made, activated, retired, and what agent upgrades bring of them.
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

class RouterRootsTest : public StateFixture {
 protected:
  void SetUp() override {
    Command command;
    command.mutable_actor()->set_principal("musterd");
    auto& bootstrap = *command.mutable_bootstrap();
    bootstrap.set_cluster_id(std::string(16, 'c'));
    bootstrap.set_time_us(kStartUs);
    auto& key = *bootstrap.mutable_root_api_key();
    key.set_api_key_id(1);
    key.set_role(4);
    key.set_key_hash(Hash("root"));
    auto& organization = *bootstrap.mutable_default_organization();
    organization.set_organization_id(kOrganization);
    organization.set_slug("default");
    for (const auto& [name, value] :
         {std::pair("pki/router-root.pem", "pem-1"), std::pair("pki/router-root-key", "key-1")}) {
      auto& blob = *bootstrap.add_blobs();
      blob.set_name(name);
      blob.set_value(value);
    }
    ASSERT_TRUE(Apply(command).status.ok());
  }

  absl::Status Create(uint32_t number) {
    Command command;
    command.mutable_create_router_root()->set_number(number);
    command.mutable_create_router_root()->set_pem(absl::StrCat("pem-", number));
    command.mutable_create_router_root()->set_sealed_key(absl::StrCat("key-", number));
    return Apply(command).status;
  }
  absl::Status Activate(uint32_t number) {
    Command command;
    command.mutable_activate_router_root()->set_number(number);
    return Apply(command).status;
  }
  absl::Status Retire(uint32_t number) {
    Command command;
    command.mutable_retire_router_root()->set_number(number);
    return Apply(command).status;
  }
  // "1a 2t 3r": active, trusted, retired.
  std::string Roots() {
    std::string text;
    for (const RouterRoot& root : state_->ListRouterRoots()) {
      absl::StrAppend(&text, text.empty() ? "" : " ", root.number,
                      root.active ? "a" : (root.retire_time_us > 0 ? "r" : "t"));
    }
    return text;
  }
};

TEST_F(RouterRootsTest, TheFirstIsThatOfTheInstallation) {
  ASSERT_EQ(Roots(), "1a");
  EXPECT_EQ(state_->ListRouterRoots()[0].pem, "pem-1");
  EXPECT_EQ(state_->ListRouterRoots()[0].sealed_key, "key-1");
}

TEST_F(RouterRootsTest, OneTakesThePlaceOfAnotherAndMayGiveItBackUntilItIsRetired) {
  changes_.clear();
  ASSERT_TRUE(Create(2).ok());
  EXPECT_EQ(changes_.back().kind, ChangeKind::kRouterRoots);
  EXPECT_EQ(Roots(), "1a 2t");
  EXPECT_TRUE(absl::IsFailedPrecondition(Create(3))) << "two are enough";
  EXPECT_TRUE(absl::IsFailedPrecondition(Retire(1))) << "edges show it";
  ASSERT_TRUE(Activate(2).ok());
  EXPECT_EQ(Roots(), "1t 2a");
  ASSERT_TRUE(Activate(1).ok());
  EXPECT_EQ(Roots(), "1a 2t");
  ASSERT_TRUE(Activate(2).ok());
  ASSERT_TRUE(Activate(2).ok()) << "again does no harm";
  ASSERT_TRUE(Retire(1).ok());
  EXPECT_EQ(Roots(), "1r 2a");
  EXPECT_EQ(state_->ListRouterRoots()[0].sealed_key, "") << "its key is destroyed";
  EXPECT_FALSE(state_->FindBlob("pki/router-root-key").has_value());
  EXPECT_TRUE(absl::IsFailedPrecondition(Activate(1)));
  EXPECT_TRUE(absl::IsAborted(Create(2)));
  ASSERT_TRUE(Create(3).ok());
  EXPECT_EQ(Roots(), "1r 2a 3t");
  EXPECT_TRUE(absl::IsNotFound(Activate(9)));
  Open();
  EXPECT_EQ(Roots(), "1r 2a 3t");
}

TEST_F(RouterRootsTest, ARootThatIsNotWantedAfterAllIsRetiredUnused) {
  ASSERT_TRUE(Create(2).ok());
  ASSERT_TRUE(Retire(2).ok());
  EXPECT_EQ(Roots(), "1a 2r");
}

TEST_F(RouterRootsTest, AnEdgeSaysWhichRootItShows) {
  MakeEdge("edge-a");
  EXPECT_EQ(state_->FindEdge("edge-a")->router_root_sha256, "");
  Command command;
  command.mutable_edge_session()->set_edge_id("edge-a");
  command.mutable_edge_session()->set_spool_id(std::string(16, 's'));
  command.mutable_edge_session()->set_router_root_sha256("abc");
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(state_->FindEdge("edge-a")->router_root_sha256, "abc");
}

}  // namespace
}  // namespace muster::server
