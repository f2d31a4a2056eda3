#include "server/command_log/etcd/trim_pin.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "server/command_log/etcd/fake_etcd.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {
namespace {

class TrimPinTest : public testing::Test {
 protected:
  size_t Pins() {
    const auto found = watcher_.List(PinsKey(options_), absl::Seconds(1));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->size() : 0;
  }

  // Asked until it is so; false after 20 s.
  bool Becomes(size_t pins) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (Pins() != pins) {
      if (absl::Now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
  FakeEtcd etcd_{store_};
  FakeEtcd watcher_{store_};
  EtcdLogOptions options_;
};

constexpr absl::Duration kTurn = absl::Milliseconds(2);

TEST_F(TrimPinTest, HoldsFromTheStartToTheEndAndOneDoesNotEndAnother) {
  const TrimPin first(etcd_, options_, kTurn);
  EXPECT_EQ(Pins(), 1);
  {
    const TrimPin second(etcd_, options_, kTurn);
    EXPECT_EQ(Pins(), 2);
  }
  EXPECT_EQ(Pins(), 1);
}

TEST_F(TrimPinTest, ALeaseThatEndedUnnoticedIsTakenAnew) {
  const TrimPin pin(etcd_, options_, kTurn);
  store_->EndLeases();
  EXPECT_TRUE(Becomes(1));
}

TEST_F(TrimPinTest, WhereEtcdIsAwayAtTheStartItHoldsAsSoonAsItIsBack) {
  etcd_.CutOff(true);
  {
    const TrimPin pin(etcd_, options_, kTurn);
    EXPECT_EQ(Pins(), 0);
    etcd_.CutOff(false);
    EXPECT_TRUE(Becomes(1));
  }
  EXPECT_EQ(Pins(), 0);
}

}  // namespace
}  // namespace muster::server
