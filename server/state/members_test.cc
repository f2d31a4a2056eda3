// Nodes that are added and removed, tokens that let them join, and the feature level.
#include "server/command_log/log/feature_level.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

class MembersTest : public StateFixture {
 protected:
  void SetUp() override {
    SetUpInstallation();
    ASSERT_TRUE(Raise(FeatureLevel()).ok());
  }

  absl::Status Raise(uint32_t level) {
    Command command;
    command.mutable_finalize_upgrade()->set_level(level);
    return Apply(command).status;
  }
  absl::Status Add(uint64_t node, const std::string& name) {
    Command command;
    command.mutable_add_member()->set_node_id(node);
    command.mutable_add_member()->set_display_name(name);
    command.mutable_add_member()->set_public_key(std::string(32, 'p'));
    return Apply(command).status;
  }
  // With a copy of the next key for each of `others`.
  absl::Status Remove(uint64_t node, uint32_t generation, const std::vector<uint64_t>& others) {
    Command command;
    auto& remove = *command.mutable_remove_member();
    remove.set_node_id(node);
    remove.set_key_generation(generation);
    for (const uint64_t other : others) {
      auto& copy = *remove.add_sealed_keys();
      copy.set_node_id(other);
      copy.set_sealed(absl::StrCat("for ", other));
    }
    return Apply(command).status;
  }
  // With one for all others.
  absl::Status Remove(uint64_t node) {
    std::vector<uint64_t> others;
    for (const Member& member : state_->ListMembers()) {
      if (member.id != node && member.remove_index == 0) others.push_back(member.id);
    }
    return Remove(node, state_->KeyGeneration() + 1, others);
  }
  absl::Status MakeToken(uint64_t id, int64_t ttl_us) {
    Command command;
    auto& create = *command.mutable_create_join_token();
    create.set_token_id(id);
    create.set_token_hash(Hash("token"));
    create.set_sealed_key("sealed");
    create.set_ttl_us(ttl_us);
    return Apply(command).status;
  }
  absl::Status UseToken(uint64_t id, const std::string& token) {
    Command command;
    command.mutable_use_join_token()->set_token_id(id);
    command.mutable_use_join_token()->set_token_hash(Hash(token));
    return Apply(command).status;
  }
  void TickTo(int64_t time_us) {
    Command command;
    command.mutable_tick()->set_time_us(time_us);
    ASSERT_TRUE(Apply(command).status.ok());
  }
  size_t AuditCount() { return state_->ListAudit({}, 0, 1000).size(); }
  // "1 2-": 1 is a member, 2 was removed.
  std::string Members() {
    std::string text;
    for (const Member& member : state_->ListMembers()) {
      absl::StrAppend(&text, text.empty() ? "" : " ", member.id,
                      member.remove_index > 0 ? "-" : "");
    }
    return text;
  }
};

TEST_F(MembersTest, ANodeIsAddedOnceAndMayBeRenamed) {
  EXPECT_TRUE(Add(1, "one").ok());
  const uint64_t index = state_->AppliedPosition().index;
  EXPECT_TRUE(Add(1, "uno").ok());
  const auto members = state_->ListMembers();
  ASSERT_EQ(members.size(), 1U);
  EXPECT_EQ(members[0].display_name, "uno");
  EXPECT_EQ(members[0].join_index, index);
  EXPECT_EQ(members[0].join_time_us, kStartUs);
  EXPECT_EQ(Add(0, "none").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Add(2, "").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Add(2, std::string(65, 'x')).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(MembersTest, WithARemovalAllOthersGetTheNextKeyAndTheRemovedOneNone) {
  for (const uint64_t id : {1, 2, 3}) ASSERT_TRUE(Add(id, "node").ok());
  EXPECT_EQ(state_->ListMembers()[0].public_key, std::string(32, 'p'));
  ASSERT_TRUE(MakeToken(7, 60'000'000).ok());
  EXPECT_EQ(Remove(3, 2, {1, 2}).code(), absl::StatusCode::kAborted) << "not the next one";
  EXPECT_EQ(Remove(3, 1, {1}).code(), absl::StatusCode::kAborted) << "none for node 2";
  EXPECT_EQ(state_->KeyGeneration(), 0U);
  EXPECT_EQ(Members(), "1 2 3");
  ASSERT_TRUE(Remove(3, 1, {1, 2, 3, 4}).ok());
  EXPECT_EQ(state_->KeyGeneration(), 1U);
  EXPECT_EQ(state_->FindSealedKey(1, 2), "for 2");
  EXPECT_EQ(state_->FindSealedKey(1, 3), std::nullopt);
  EXPECT_EQ(state_->FindSealedKey(1, 4), std::nullopt) << "no member";
  EXPECT_EQ(state_->FindSealedKey(2, 2), std::nullopt);
  // It was made under the keys of before.
  EXPECT_EQ(UseToken(7, "token").code(), absl::StatusCode::kFailedPrecondition);
  Open();
  EXPECT_EQ(state_->KeyGeneration(), 1U);
  ASSERT_TRUE(Remove(2).ok());
  EXPECT_EQ(state_->KeyGeneration(), 2U);
  EXPECT_EQ(state_->FindSealedKey(1, 1), "for 1") << "for a node that was away for both";
  EXPECT_EQ(state_->FindSealedKey(2, 1), "for 1");
}

TEST_F(MembersTest, AMemberWithoutAKeyIsNoneAndItsKeyMayChange) {
  Command command;
  command.mutable_add_member()->set_node_id(1);
  command.mutable_add_member()->set_display_name("one");
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
  command.mutable_add_member()->set_public_key(std::string(31, 'p'));
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(Add(1, "one").ok());
  command.mutable_add_member()->set_public_key(std::string(32, 'q'));
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(state_->ListMembers()[0].public_key, std::string(32, 'q'));
}

TEST_F(MembersTest, ARemovedNodeStaysRemovedAlsoOverAStart) {
  ASSERT_TRUE(Add(1, "one").ok());
  ASSERT_TRUE(Add(2, "two").ok());
  EXPECT_FALSE(state_->IsRemovedMember(2));
  const size_t audit = AuditCount();
  EXPECT_TRUE(Remove(2).ok());
  EXPECT_EQ(AuditCount(), audit + 1);
  EXPECT_TRUE(Remove(2).ok()) << "repeating is harmless";
  EXPECT_EQ(AuditCount(), audit + 1);
  EXPECT_TRUE(state_->IsRemovedMember(2));
  EXPECT_EQ(Add(2, "two").code(), absl::StatusCode::kFailedPrecondition);
  Open();
  EXPECT_TRUE(state_->IsRemovedMember(2));
  EXPECT_FALSE(state_->IsRemovedMember(1));
  EXPECT_EQ(Members(), "1 2-");
  EXPECT_EQ(Add(2, "two").code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(MembersTest, TheLastNodeIsNotRemovedAndOneThatNeverServedIs) {
  EXPECT_EQ(Remove(1).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Add(1, "one").ok());
  EXPECT_EQ(Remove(1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Remove(7).ok());
  EXPECT_TRUE(state_->IsRemovedMember(7));
  EXPECT_EQ(Remove(1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Members(), "1 7-");
}

TEST_F(MembersTest, ARestoreRemovesTheNodesOfBefore) {
  ASSERT_TRUE(Add(1, "one").ok());
  ASSERT_TRUE(Add(2, "two").ok());
  Command command;
  command.mutable_restore_state()->set_backup_id(std::string(16, 'b'));
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(Members(), "1- 2-");
  EXPECT_TRUE(state_->IsRemovedMember(1));
}

TEST_F(MembersTest, AJoinTokenIsGoodOnceAndForItsTime) {
  constexpr int64_t kMinute = 60'000'000;
  ASSERT_TRUE(MakeToken(5, kMinute).ok());
  EXPECT_EQ(MakeToken(5, kMinute).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(MakeToken(6, 0).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MakeToken(6, 25 * 60 * kMinute).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(UseToken(6, "token").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(UseToken(5, "other").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(state_->FindJoinToken(5)->sealed_key, "sealed");
  EXPECT_TRUE(UseToken(5, "token").ok());
  EXPECT_EQ(state_->FindJoinToken(5)->sealed_key, "") << "what it opened is gone";
  EXPECT_EQ(UseToken(5, "token").code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(MakeToken(6, 3'000'000).ok());
  TickTo(kStartUs + 3'000'000);
  EXPECT_EQ(UseToken(6, "token").code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(MakeToken(7, kMinute).ok());
  EXPECT_EQ(state_->FindJoinToken(6)->sealed_key, "") << "a new one takes expired keys away";
}

TEST_F(MembersTest, TheLevelOnlyRisesAndIsWrittenDown) {
  EXPECT_EQ(state_->FeatureLevel(), FeatureLevel());
  const size_t audit = AuditCount();
  EXPECT_TRUE(Raise(1).ok());
  EXPECT_TRUE(Raise(FeatureLevel()).ok());
  EXPECT_EQ(AuditCount(), audit);
  EXPECT_EQ(state_->FeatureLevel(), FeatureLevel());
  Open();
  EXPECT_EQ(state_->FeatureLevel(), FeatureLevel());
}

TEST_F(MembersTest, AnOlderProgramDoesNotOpenTheState) {
  ASSERT_TRUE(Raise(FeatureLevel() + 1).ok());
  state_.reset();
  const std::string path = folder_.path() + "/state.db";
  const auto state = SqliteState::Open(path);
  EXPECT_EQ(state.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(state.status().message().find("install the newer musterd"), std::string::npos);
  // For the end of the fixture, which opens it once more.
  const auto db = *Database::Open(path, Database::Mode::kReadWrite);
  db->Run("UPDATE node SET feature_level = ?", FeatureLevel());
}

class FirstReleaseTest : public StateFixture {
 protected:
  FirstReleaseTest() { feature_level_ = 1; }
};

TEST_F(FirstReleaseTest, AStateOfTheFirstReleaseTakesNothingOfALaterLevel) {
  SetUpInstallation();
  EXPECT_EQ(state_->FeatureLevel(), 1U);
  Command command;
  command.mutable_add_member()->set_node_id(1);
  command.mutable_add_member()->set_display_name("one");
  command.mutable_add_member()->set_public_key(std::string(32, 'p'));
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(state_->ListMembers().empty());
  Command finalize;
  finalize.mutable_finalize_upgrade()->set_level(2);
  EXPECT_TRUE(Apply(finalize).status.ok());
  EXPECT_TRUE(Apply(command).status.ok());
}

}  // namespace
}  // namespace muster::server
