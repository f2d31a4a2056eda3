#include "server/command_log/etcd/read_barrier.h"

#include <gtest/gtest.h>

#include "server/command_log/etcd/fake_etcd.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

class ReadBarrierTest : public testing::Test {
 protected:
  ReadBarrierTest() { base_.Set(0); }

  void Append(int entries) {
    for (int i = 0; i < entries; ++i) store_->Overwrite(LogKey(options_), "an entry");
  }

  const std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
  FakeEtcd etcd_{store_};
  EtcdLogOptions options_;
  LogBase base_;
  AppliedMark applied_{{"log", 5}};
  EtcdLogCounts counts_;
  EtcdReadBarrier barrier_{etcd_, options_, base_, applied_, counts_};
};

TEST_F(ReadBarrierTest, LetsThroughWhoHasAppliedAllThatEtcdHas) {
  Append(5);
  EXPECT_TRUE(barrier_.Wait(kPatience).ok());
  Append(1);
  EXPECT_EQ(barrier_.Wait(absl::Milliseconds(50)).code(), absl::StatusCode::kDeadlineExceeded);
  applied_.Set({"log", 6});
  EXPECT_TRUE(barrier_.Wait(kPatience).ok());
}

TEST_F(ReadBarrierTest, AnEtcdThatEndsBeforeThisNodeSaysNothingOfWhatOthersHaveAnswered) {
  Append(3);
  EXPECT_EQ(barrier_.Wait(kPatience).code(), absl::StatusCode::kUnavailable);
  Append(2);
  EXPECT_TRUE(barrier_.Wait(kPatience).ok());
}

TEST_F(ReadBarrierTest, AnEtcdThatWasNotLookedAtYetSaysNothing) {
  LogBase unknown;
  EtcdReadBarrier barrier(etcd_, options_, unknown, applied_, counts_);
  Append(5);
  EXPECT_EQ(barrier.Wait(kPatience).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace muster::server
