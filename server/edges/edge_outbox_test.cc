#include "server/edges/edge_outbox.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/edges/edge_fakes.h"

namespace muster::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EdgeOutboxTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeCryptography().ok()); }

  void AddDevices(uint64_t count) {
    for (uint64_t id = 1; id <= count; ++id) {
      state_.AddDevice(master_, DeviceId{id}, secret_);
      state_.PutAtEdge("edge-one", DeviceId{id});
    }
  }

  void AddJob(uint64_t device, size_t script_bytes) {
    EdgeJob job;
    job.device = DeviceId{device};
    job.number = device * 10;
    job.script = std::string(script_bytes, 'x');
    state_.PutJob("edge-one", job);
  }

  // Takes messages until there is none.
  std::vector<DownState> States() {
    std::vector<DownState> states;
    while (std::optional<DownMessage> message = outbox_.Next()) {
      if (auto* state = std::get_if<DownState>(&*message)) states.push_back(std::move(*state));
    }
    return states;
  }

  const Secret master_ = RandomSecret(32);
  const Secret secret_ = RandomSecret(16);
  FakeState state_;
  const ClusterKeys keys_ = *GenerateClusterKeys(absl::Now());
  SystemClock clock_;
  SecretChecks checks_{state_, master_, keys_, clock_, RandomSecret(32)};
  EdgeOutbox outbox_{state_, "edge-one"};
};

TEST_F(EdgeOutboxTest, SaysNothingBeforeTheWelcome) {
  outbox_.AddDevice(DeviceId{1});
  outbox_.AddAck({{Lane::kLive, 1}, {}});
  EXPECT_FALSE(outbox_.Next().has_value());
  EXPECT_FALSE(outbox_.HasWork());
}

TEST_F(EdgeOutboxTest, EmptyStateIsOneEmptySnapshot) {
  outbox_.Begin({}, checks_);
  EXPECT_TRUE(std::holds_alternative<DownWelcome>(*outbox_.Next()));
  const std::vector<DownState> states = States();
  ASSERT_THAT(states, SizeIs(1));
  EXPECT_TRUE(states[0].snapshot);
  EXPECT_TRUE(states[0].last);
  EXPECT_EQ(states[0].generation, 1u);
  EXPECT_FALSE(outbox_.HasWork());
}

TEST_F(EdgeOutboxTest, SnapshotHoldsAllDevicesJobsAndRemovalsUnderOneGeneration) {
  AddDevices(9'000);
  for (uint64_t device = 1; device <= 200; ++device) AddJob(device, 40);
  state_.PutRemoval("edge-one", DeviceId{5}, 77);
  outbox_.Begin({}, checks_);
  const std::vector<DownState> states = States();
  size_t devices = 0;
  size_t jobs = 0;
  size_t removed = 0;
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_TRUE(states[i].snapshot);
    EXPECT_EQ(states[i].generation, 1u);
    EXPECT_EQ(states[i].last, i + 1 == states.size());
    devices += states[i].devices.size();
    jobs += states[i].jobs.size();
    removed += states[i].removed_jobs.size();
  }
  EXPECT_EQ(devices, 9'000u);
  EXPECT_EQ(jobs, 200u);
  EXPECT_EQ(removed, 1u);
}

TEST_F(EdgeOutboxTest, ChunksWithLongScriptsStayBelowTheLimit) {
  AddDevices(20);
  for (uint64_t device = 1; device <= 20; ++device) AddJob(device, 64 << 10);
  outbox_.Begin({}, checks_);
  size_t jobs = 0;
  for (const DownState& state : States()) {
    size_t bytes = 0;
    for (const EdgeJob& job : state.jobs) bytes += job.script.size();
    EXPECT_LE(bytes, size_t{256} << 10);
    jobs += state.jobs.size();
  }
  EXPECT_EQ(jobs, 20u);
}

TEST_F(EdgeOutboxTest, ChangesDuringTheSnapshotComeAfterItsLastChunk) {
  AddDevices(9'000);
  outbox_.Begin({}, checks_);
  outbox_.Next();
  outbox_.Next();
  AddJob(3, 10);
  outbox_.AddJob(DeviceId{3});
  const std::vector<DownState> states = States();
  const DownState& last = states.back();
  EXPECT_FALSE(last.snapshot);
  EXPECT_TRUE(last.last);
  EXPECT_GT(last.generation, 1u);
  ASSERT_THAT(last.jobs, SizeIs(1));
  EXPECT_EQ(last.jobs[0].number, 30u);
}

TEST_F(EdgeOutboxTest, AcknowledgementsDoNotWaitForTheSnapshot) {
  AddDevices(9'000);
  outbox_.Begin({}, checks_);
  outbox_.Next();
  outbox_.Next();
  outbox_.AddAck({{Lane::kLive, 4}, {}});
  EXPECT_TRUE(std::holds_alternative<DownAck>(*outbox_.Next()));
}

TEST_F(EdgeOutboxTest, ManyChangesOfADeviceAreToldOnce) {
  AddDevices(1);
  outbox_.Begin({}, checks_);
  States();
  AddJob(1, 10);
  for (int i = 0; i < 100; ++i) {
    outbox_.AddDevice(DeviceId{1});
    outbox_.AddJob(DeviceId{1});
  }
  EXPECT_EQ(outbox_.waiting(), 1u);
  const std::vector<DownState> states = States();
  ASSERT_THAT(states, SizeIs(1));
  EXPECT_THAT(states[0].devices, SizeIs(1));
  EXPECT_THAT(states[0].jobs, SizeIs(1));
}

TEST_F(EdgeOutboxTest, JobThatIsGoneAgainIsNotTold) {
  AddDevices(1);
  outbox_.Begin({}, checks_);
  States();
  outbox_.AddJob(DeviceId{1});
  EXPECT_THAT(States(), IsEmpty());
}

TEST_F(EdgeOutboxTest, DeletedDeviceIsRemovedAndRevoked) {
  AddDevices(1);
  outbox_.Begin({}, checks_);
  States();
  state_.DeleteDevice(DeviceId{1});
  checks_.Forget(DeviceId{1});
  outbox_.AddRevocation(DeviceId{1});
  const std::vector<DownState> states = States();
  ASSERT_THAT(states, SizeIs(1));
  EXPECT_THAT(states[0].removed_devices, ElementsAre(DeviceId{1}));
  ASSERT_THAT(states[0].revocations, SizeIs(1));
  EXPECT_EQ(states[0].revocations[0].least_epoch, 2u);
}

TEST_F(EdgeOutboxTest, RemovedJobsAreNamedByNumber) {
  outbox_.Begin({}, checks_);
  States();
  outbox_.AddRemovedJob(DeviceId{1}, 12);
  outbox_.AddRemovedJob(DeviceId{1}, 13);
  const std::vector<DownState> states = States();
  ASSERT_THAT(states, SizeIs(1));
  EXPECT_THAT(states[0].removed_jobs, SizeIs(2));
}

TEST_F(EdgeOutboxTest, NothingFollowsTheFarewell) {
  AddDevices(10);
  outbox_.Begin({}, checks_);
  outbox_.AddDrain("bye");
  EXPECT_TRUE(std::holds_alternative<DownWelcome>(*outbox_.Next()));
  EXPECT_TRUE(std::holds_alternative<DownDrain>(*outbox_.Next()));
  EXPECT_TRUE(outbox_.drained());
  outbox_.AddDevice(DeviceId{1});
  EXPECT_FALSE(outbox_.Next().has_value());
}

}  // namespace
}  // namespace muster::server
