// What goes wrong around etcd, and what a node makes of it.
#include "server/command_log/etcd/etcd_log_fixture.h"
#include "server/command_log/etcd/fake_etcd.h"
#include "server/command_log/etcd/trim_pin.h"

namespace muster::server {
namespace {

constexpr char kLog[] = "muster/log";
using PutFault = FakeEtcdStore::PutFault;

class EtcdLogFaultsTest : public testing::Test {
 protected:
  static EtcdLogOptions Impatient(uint64_t node_id) {
    EtcdLogOptions options = QuickOptions(node_id);
    options.give_up = absl::Milliseconds(300);
    options.grace = absl::Milliseconds(50);
    return options;
  }

  size_t LogProblems(NodeUnderTest& node) {
    size_t count = 0;
    for (const AuditEntry& entry : node.state().ListAudit({}, 0, 10'000)) {
      count += entry.resource == "log" ? 1 : 0;
    }
    return count;
  }

  std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
  FakeEtcd etcd1_{store_};
  FakeEtcd etcd2_{store_};
};

TEST_F(EtcdLogFaultsTest, APutThatWasDoneButNotAnsweredCountsOnce) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  for (uint64_t id = 2; id <= 20; ++id) {
    store_->FailPuts(3, PutFault::kDoneButUnanswered);
    const auto applied = one.Make(id);
    ASSERT_TRUE(applied.ok()) << applied.status();
  }
  EXPECT_EQ(one.CountOrganizations(), 20U);
  ASSERT_TRUE(one.log().ReadBarrier(absl::Seconds(20)).ok());
  // Each repetition that got through was passed over.
  EXPECT_EQ(one.log().counts().passed_over, one.log().AppliedPosition().index - 20);
}

TEST_F(EtcdLogFaultsTest, APutThatWasLostIsRepeated) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  store_->FailPuts(3, PutFault::kLost);
  ASSERT_TRUE(one.Make(2).ok());
  EXPECT_GE(one.log().counts().repeated_puts, 3U);
  EXPECT_EQ(one.log().counts().passed_over, 0U);
}

TEST_F(EtcdLogFaultsTest, WithoutEtcdReadsGoOnAndWritesAreRefusedUntilItIsBack) {
  NodeUnderTest one(etcd1_, Impatient(1));
  ASSERT_TRUE(one.Make(1).ok());
  etcd1_.CutOff(true);
  ASSERT_TRUE(one.Reaches(LogState::kReadOnly));
  EXPECT_TRUE(one.HasOrganization(1));
  EXPECT_EQ(one.Make(2).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(one.log().ReadBarrier(absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
  etcd1_.CutOff(false);
  ASSERT_TRUE(one.Reaches(LogState::kServing));
  ASSERT_TRUE(one.Make(2).ok());
}

TEST_F(EtcdLogFaultsTest, AnEntryThatWasGivenUpAndComesLaterIsAppliedOnceOrNever) {
  EtcdLogOptions options = Impatient(1);
  NodeUnderTest one(etcd1_, options);
  ASSERT_TRUE(one.Make(1).ok());
  // All puts are done, none is answered, and the watch shows nothing.
  store_->FailPuts(1'000, PutFault::kLost);
  EXPECT_EQ(one.Make(2, "request-2").status().code(), absl::StatusCode::kUnavailable);
  store_->FailPuts(0, PutFault::kNone);
  const auto again = one.Make(2, "request-2");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(one.CountOrganizations(), 2U);
}

TEST_F(EtcdLogFaultsTest, ANodeThatStartsWithoutEtcdServesReads) {
  NodeUnderTest one(etcd1_, Impatient(1));
  ASSERT_TRUE(one.Make(1).ok());
  one.Stop();
  etcd1_.CutOff(true);
  one.Restart();
  EXPECT_TRUE(one.log().WaitUntilSettled(absl::Seconds(20)).ok());
  EXPECT_EQ(one.log().Health().state, LogState::kReadOnly);
  EXPECT_TRUE(one.HasOrganization(1));
  etcd1_.CutOff(false);
  ASSERT_TRUE(one.Reaches(LogState::kServing));
}

TEST_F(EtcdLogFaultsTest, ADeletedKeyStopsTheNode) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  store_->Delete(kLog);
  ASSERT_TRUE(one.Reaches(LogState::kStopped));
  EXPECT_EQ(one.Make(2).status().code(), absl::StatusCode::kUnavailable);
  one.Restart();
  EXPECT_EQ(one.log().WaitUntilSettled(absl::Seconds(20)).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(EtcdLogFaultsTest, ADeletedKeyThatWasFilledAgainStopsTheNode) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(one.Make(id).ok());
  one.Stop();
  const std::string value = store_->ValueBefore(kLog, 0);
  store_->Delete(kLog);
  for (int i = 0; i < 5; ++i) store_->Overwrite(kLog, value);
  one.Restart();
  EXPECT_EQ(one.log().WaitUntilSettled(absl::Seconds(20)).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(EtcdLogFaultsTest, AnOlderCopyOfEtcdIsRefusedWhileItIsShorter) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  const FakeEtcdStore::Copy copy = store_->TakeCopy();
  ASSERT_TRUE(one.Make(2).ok());
  store_->Restore(copy);
  EXPECT_TRUE(one.Reaches(LogState::kStopped));
}

TEST_F(EtcdLogFaultsTest, AnOlderCopyOfEtcdIsRefusedWhenOthersHaveWrittenOnInIt) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  const FakeEtcdStore::Copy copy = store_->TakeCopy();
  ASSERT_TRUE(one.Make(2).ok());
  one.Stop();
  store_->Restore(copy);
  NodeUnderTest two(etcd2_, QuickOptions(2));
  for (uint64_t id = 10; id < 13; ++id) ASSERT_TRUE(two.Make(id).ok());
  one.Restart();
  EXPECT_EQ(one.log().WaitUntilSettled(absl::Seconds(20)).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(one.HasOrganization(10));
}

TEST_F(EtcdLogFaultsTest, AnEmptyEtcdIsRefused) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  one.Stop();
  store_->Restore({1, {}});
  one.Restart();
  EXPECT_EQ(one.log().WaitUntilSettled(absl::Seconds(20)).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(EtcdLogFaultsTest, AnEtcdOfAnotherClusterIsRefused) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  EtcdLogOptions foreign = QuickOptions(2);
  foreign.keys = std::make_shared<SealKeys>(std::vector<Secret>{Secret(std::string(32, 'z'))});
  NodeUnderTest two(etcd2_, foreign);
  EXPECT_EQ(two.log().WaitUntilSettled(absl::Seconds(20)).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->VersionOf(kLog), 1);
}

TEST_F(EtcdLogFaultsTest, ANodeBehindTheCompactionNeedsASnapshotAndSaysSo) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  NodeUnderTest two(etcd2_, QuickOptions(2));
  ASSERT_TRUE(one.Make(1).ok());
  ASSERT_TRUE(two.CatchesUpWith(one));
  two.Stop();
  for (uint64_t id = 2; id <= 10; ++id) ASSERT_TRUE(one.Make(id).ok());
  ASSERT_TRUE(etcd1_.Compact(store_->Revision() - 1, absl::Seconds(1)).ok());
  two.Restart();
  EXPECT_TRUE(two.Reaches(LogState::kNeedsSnapshot));
  EXPECT_TRUE(two.HasOrganization(1));
  EXPECT_EQ(two.Make(99).status().code(), absl::StatusCode::kUnavailable);
  NodeUnderTest fresh(etcd2_, QuickOptions(3));
  EXPECT_TRUE(fresh.Reaches(LogState::kNeedsSnapshot));
  ASSERT_TRUE(one.Make(11).ok());
}

TEST_F(EtcdLogFaultsTest, WhatAHostileWriterInjectsIsRefusedAlikeAndTold) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  NodeUnderTest two(etcd2_, QuickOptions(2));
  ASSERT_TRUE(one.Make(1).ok());
  store_->Overwrite(kLog, "not an entry");
  store_->Overwrite(kLog, "");
  const std::string foreign =
      SealEntry(LogKeyOf(Secret(std::string(32, 'z'))), one.state().LogId(), {1, 1'000}, "x");
  store_->Overwrite(kLog, foreign);
  std::string altered = store_->ValueBefore(kLog, 3);
  altered.back() = static_cast<char>(altered.back() ^ 1);
  store_->Overwrite(kLog, altered);
  ASSERT_TRUE(two.Make(2).ok());
  ASSERT_TRUE(one.CatchesUpWith(two));
  EXPECT_EQ(one.log().counts().unreadable, 4U);
  EXPECT_EQ(one.CountOrganizations(), 2U);
  EXPECT_EQ(LogProblems(one), 1U) << "once a minute of state time";
  EXPECT_EQ(one.state().Dump(), two.state().Dump());
}

TEST_F(EtcdLogFaultsTest, WhatAHostileWriterReplaysOrReordersHasNoEffect) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  NodeUnderTest two(etcd2_, QuickOptions(2));
  Command key;
  key.mutable_create_api_key()->set_role(4);
  key.mutable_create_api_key()->set_key_hash(std::string(32, 'h'));
  key.mutable_create_api_key()->set_api_key_id(7);
  ASSERT_TRUE(one.log().Propose(key).ok());
  Command revoke;
  revoke.mutable_revoke_api_key()->set_api_key_id(7);
  ASSERT_TRUE(two.CatchesUpWith(one));
  ASSERT_TRUE(two.log().Propose(revoke).ok());
  ASSERT_TRUE(one.Make(1).ok());
  const size_t audited = one.state().ListAudit({}, 0, 10'000).size();
  const std::vector<std::string> old = {store_->ValueBefore(kLog, 2), store_->ValueBefore(kLog, 1),
                                        store_->ValueBefore(kLog, 0)};
  for (const int which : {2, 0, 1, 0, 2}) store_->Overwrite(kLog, old[static_cast<size_t>(which)]);
  ASSERT_TRUE(one.log().ReadBarrier(absl::Seconds(20)).ok());
  ASSERT_TRUE(two.log().ReadBarrier(absl::Seconds(20)).ok());
  EXPECT_EQ(one.log().counts().passed_over, 5U);
  EXPECT_EQ(one.state().ListAudit({}, 0, 10'000).size(), audited);
  EXPECT_EQ(one.state().Dump(), two.state().Dump());
  // And over a restart: what was used up stays used up.
  one.Restart();
  ASSERT_TRUE(one.log().WaitUntilSettled(absl::Seconds(20)).ok());
  store_->Overwrite(kLog, old[0]);
  ASSERT_TRUE(one.Make(2).ok());
  EXPECT_EQ(one.log().counts().passed_over, 1U);
}

TEST_F(EtcdLogFaultsTest, TwoDataDirectoriesWithOneNodeIdLoseNothing) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  NodeUnderTest copy(etcd2_, QuickOptions(1));
  std::vector<std::thread> threads;
  std::atomic<int> made = 0;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&, thread] {
      NodeUnderTest& node = thread == 0 ? one : copy;
      for (int i = 0; i < 40; ++i)
        made += node.Make(static_cast<uint64_t>(thread * 40 + i) + 1).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(one.log().ReadBarrier(absl::Seconds(20)).ok());
  EXPECT_EQ(one.CountOrganizations(), static_cast<size_t>(made));
  EXPECT_EQ(made, 80);
}

TEST_F(EtcdLogFaultsTest, AFullEtcdRefusesCheckInsFirstAndJobsLast) {
  EtcdLogOptions options = QuickOptions(1);
  options.trim_interval = absl::Milliseconds(5);
  options.quota_bytes = 1'000'000;
  NodeUnderTest one(etcd1_, options);
  ASSERT_TRUE(one.Make(1).ok());
  Command batch;
  batch.mutable_edge_batch()->set_edge_id("edge-1");
  Command job;
  job.mutable_create_job()->set_job_id(1);
  const auto reaches = [&](Command& command, bool refused) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (absl::Now() < deadline) {
      const absl::StatusCode code = one.log().Propose(command).status().code();
      if ((code == absl::StatusCode::kResourceExhausted) == refused) return true;
    }
    return false;
  };
  store_->SetStatus({1'000'000, 850'000, ""});
  EXPECT_TRUE(reaches(batch, true));
  EXPECT_TRUE(reaches(job, false));
  store_->SetStatus({1'000'000, 960'000, ""});
  EXPECT_TRUE(reaches(job, true));
  ASSERT_TRUE(one.Make(2).ok()) << "what is small and important goes on";
  store_->SetStatus({1'000'000, 100'000, ""});
  EXPECT_TRUE(reaches(batch, false));
  store_->SetStatus({1'000'000, 100'000, "NOSPACE"});
  EXPECT_TRUE(reaches(job, true));
  EXPECT_EQ(one.Make(3).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(EtcdLogFaultsTest, TheLogIsTrimmedBySizeAndGoesOn) {
  EtcdLogOptions options = QuickOptions(1);
  options.trim_interval = absl::Milliseconds(5);
  options.retained_bytes = 2'000;
  NodeUnderTest one(etcd1_, options);
  Command tick;
  int64_t time_us = 1'700'000'000'000'000;
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  for (uint64_t id = 1; store_->CompactedRevision() < 50; ++id) {
    ASSERT_LT(absl::Now(), deadline);
    tick.mutable_tick()->set_time_us(time_us += 1'000'000);
    ASSERT_TRUE(one.log().Propose(tick).ok());
    ASSERT_TRUE(one.Make(id).ok());
  }
  one.Restart();
  ASSERT_TRUE(one.log().WaitUntilSettled(absl::Seconds(20)).ok());
  ASSERT_TRUE(one.Make(1'000'000).ok());
}

// Knows how often the trimmer has looked for nodes that join.
class LookedAtEtcd : public FakeEtcd {
 public:
  using FakeEtcd::FakeEtcd;

  absl::StatusOr<std::vector<std::pair<std::string, EtcdValue>>> List(
      absl::string_view prefix, absl::Duration timeout) override {
    looks += prefix == "muster/pins/" ? 1 : 0;
    return FakeEtcd::List(prefix, timeout);
  }

  std::atomic<int> looks = 0;
};

TEST_F(EtcdLogFaultsTest, NothingIsTrimmedWhileANodeJoinsUnlessEtcdFillsUp) {
  LookedAtEtcd etcd(store_);
  EtcdLogOptions options = QuickOptions(1);
  options.trim_interval = absl::Milliseconds(5);
  options.retained_bytes = 2'000;
  options.quota_bytes = 1'000'000;
  auto pin = std::make_unique<TrimPin>(etcd2_, options);
  NodeUnderTest one(etcd, options);
  uint64_t id = 0;
  int64_t time_us = 1'700'000'000'000'000;
  Command tick;
  const auto write_on = [&](const std::function<bool()>& done) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!done() && absl::Now() < deadline) {
      tick.mutable_tick()->set_time_us(time_us += 1'000'000);
      EXPECT_TRUE(one.log().Propose(tick).ok());
      EXPECT_TRUE(one.Make(++id).ok());
    }
    return done();
  };
  ASSERT_TRUE(write_on([&] { return id >= 50; }));
  // A look that began before the last entry, and two whole turns behind it.
  const int before = etcd.looks;
  ASSERT_TRUE(write_on([&] { return etcd.looks >= before + 4; }));
  EXPECT_EQ(store_->CompactedRevision(), 0);
  EXPECT_EQ(one.log().counts().pins, 1U);
  store_->SetStatus({1'000'000, 650'000, ""});
  ASSERT_TRUE(write_on([&] { return store_->CompactedRevision() > 0; }));
  EXPECT_EQ(one.log().counts().pins, 1U);
  store_->SetStatus({1'000'000, 100'000, ""});
  // The new status has been seen by the second look behind it.
  const int again = etcd.looks;
  ASSERT_TRUE(write_on([&] { return etcd.looks >= again + 3; }));
  const int64_t compacted = store_->CompactedRevision();
  const int last = etcd.looks;
  ASSERT_TRUE(write_on([&] { return etcd.looks >= last + 3; }));
  EXPECT_EQ(store_->CompactedRevision(), compacted);
  pin.reset();
  EXPECT_TRUE(write_on([&] { return store_->CompactedRevision() > compacted; }));
  EXPECT_EQ(one.log().counts().pins, 0U);
}

}  // namespace
}  // namespace muster::server
