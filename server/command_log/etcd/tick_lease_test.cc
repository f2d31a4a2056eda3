#include "server/command_log/etcd/tick_lease.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "server/command_log/etcd/fake_etcd.h"

namespace muster::server {
namespace {

class TickLeaseTest : public testing::Test {
 protected:
  struct Holder {
    Holder(std::shared_ptr<FakeEtcdStore> store, uint64_t node_id) : etcd(std::move(store)) {
      options.node_id = node_id;
      lease = std::make_unique<TickLease>(etcd, options, clock, [this] { return may_hold.load(); });
    }

    bool Gets() { return Becomes(true); }
    bool Loses() { return Becomes(false); }

    // Asked until it is so; false after 20 s.
    bool Becomes(bool mine) {
      const absl::Time deadline = absl::Now() + absl::Seconds(20);
      while (lease->IsMine() != mine) {
        if (absl::Now() > deadline) return false;
        std::this_thread::yield();
      }
      return true;
    }

    FakeEtcd etcd;
    EtcdLogOptions options;
    SystemClock clock;
    std::atomic<bool> may_hold = true;
    std::unique_ptr<TickLease> lease;
  };

  std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
};

TEST_F(TickLeaseTest, OneOfTwoHasItAndGivesItToTheOtherWhenItStops) {
  Holder first(store_, 1);
  ASSERT_TRUE(first.Gets());
  Holder second(store_, 2);
  EXPECT_FALSE(second.lease->IsMine());
  first.lease->Stop();
  EXPECT_FALSE(first.lease->IsMine());
  EXPECT_TRUE(second.Gets());
}

TEST_F(TickLeaseTest, ANodeThatIsCutOffGivesItUpByItselfAndTheOtherGetsItWithTheLeasesEnd) {
  Holder first(store_, 1);
  ASSERT_TRUE(first.Gets());
  Holder second(store_, 2);
  first.etcd.CutOff(true);
  ASSERT_TRUE(first.Loses());
  // The fake ends leases only when told.
  EXPECT_FALSE(second.lease->IsMine());
  store_->EndLeases();
  EXPECT_TRUE(second.Gets());
  first.etcd.CutOff(false);
  EXPECT_FALSE(first.lease->IsMine());
}

TEST_F(TickLeaseTest, ANodeThatMayNotHoldItLeavesItToOthers) {
  Holder first(store_, 1);
  ASSERT_TRUE(first.Gets());
  first.may_hold = false;
  ASSERT_TRUE(first.Loses());
  Holder second(store_, 2);
  EXPECT_TRUE(second.Gets());
  EXPECT_FALSE(first.lease->IsMine());
}

TEST_F(TickLeaseTest, ALeaseThatEndedUnnoticedIsTakenAnew) {
  Holder first(store_, 1);
  ASSERT_TRUE(first.Gets());
  store_->EndLeases();
  ASSERT_TRUE(first.Loses());
  EXPECT_TRUE(first.Gets());
}

}  // namespace
}  // namespace muster::server
