#include "server/command_log/local/local_node.h"

#include <sys/stat.h>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

class LocalNodeTest : public testing::Test {
 protected:
  LocalNodeTest() { EXPECT_TRUE(InitializeCryptography().ok()); }

  absl::StatusOr<std::unique_ptr<LocalNode>> Open(bool ticker = true) {
    LocalNodeOptions options;
    options.data_dir = folder_.path() + "/data";
    options.start_ticker = ticker;
    return LocalNode::Open(options, clock_);
  }

  static Command MakeOrganization(uint64_t id, const std::string& slug) {
    Command command;
    command.mutable_create_organization()->set_organization_id(id);
    command.mutable_create_organization()->set_slug(slug);
    return command;
  }

  TempFolder folder_;
  FakeClock clock_{absl::FromUnixMicros(kStartUs)};
};

TEST_F(LocalNodeTest, ShowsAChangeToItsProposerAndAfterAnotherStart) {
  Position position;
  {
    auto node = Open();
    ASSERT_TRUE(node.ok()) << node.status();
    const auto applied = (*node)->log().Propose(MakeOrganization(5, "acme"));
    ASSERT_TRUE(applied.ok()) << applied.status();
    EXPECT_EQ((*node)->state().FindOrganizationBySlug("acme")->id, OrganizationId{5});
    position = applied->position;
  }
  auto node = Open();
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_TRUE((*node)->state().FindOrganization(OrganizationId{5}).has_value());
  EXPECT_EQ((*node)->log().AppliedPosition().log_id, position.log_id);
  EXPECT_TRUE((*node)->log().WaitUntilApplied(position, absl::ZeroDuration()).ok());
}

TEST_F(LocalNodeTest, TakesItsTimeFromTheClockAtStart) {
  auto node = Open();
  ASSERT_TRUE(node.ok());
  EXPECT_EQ((*node)->state().StateTime(), clock_.Now());
}

TEST_F(LocalNodeTest, GoesOnTickingWhereTheWallClockIsSetBack) {
  auto node = Open();
  ASSERT_TRUE(node.ok());
  const auto tick = [&] {
    const absl::Time before = (*node)->state().StateTime();
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while ((*node)->state().StateTime() == before) {
      ASSERT_LT(absl::Now(), deadline);
      ASSERT_FALSE((*node)->log().Propose(MakeOrganization(1, "-")).ok());
      clock_.Advance(absl::Milliseconds(10));
    }
  };
  tick();
  clock_.JumpTo(clock_.Now() - absl::Hours(24));
  tick();
  tick();
}

TEST_F(LocalNodeTest, RefusesADirectoryThatAnotherNodeHolds) {
  auto first = Open();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LocalNodeTest, RefusesADirectoryThatOthersCanRead) {
  const std::string path = folder_.path() + "/data";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  ASSERT_EQ(chmod(path.c_str(), 0755), 0);
  const auto node = Open();
  EXPECT_EQ(node.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(node.status().message().find("chmod 700"), absl::string_view::npos);
}

TEST_F(LocalNodeTest, RefusesANewerSchema) {
  { ASSERT_TRUE(Open().ok()); }
  {
    auto db = Database::Open(folder_.path() + "/data/state.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok());
    (*db)->Execute("PRAGMA user_version=99");
  }
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LocalNodeTest, ExpandsALargeJobByItself) {
  auto node = Open();
  ASSERT_TRUE(node.ok());
  CommandLog& log = (*node)->log();
  ASSERT_TRUE(log.Propose(MakeOrganization(kOrganization, "acme")).ok());
  Command command;
  auto& job = *command.mutable_create_job();
  job.set_job_id(9);
  job.set_organization_id(kOrganization);
  job.set_script(":put x");
  job.set_filter("all");
  for (uint64_t device = 1; device <= 3'500; ++device) job.add_members(device);
  ASSERT_TRUE(log.Propose(command).ok());
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  // None of the members exists: each target ends at once.
  while ((*node)->state().FindJob(JobId{9}, false)->end_time_us == 0) {
    ASSERT_LT(absl::Now(), deadline);
    ASSERT_TRUE(log.Propose(MakeOrganization(1, "-")).status().code() ==
                absl::StatusCode::kInvalidArgument);
  }
  const auto counts = (*node)->state().FindJob(JobId{9}, false)->state_counts;
  EXPECT_EQ(counts[static_cast<size_t>(JobTargetState::kFailed)], 3'500U);
}

TEST_F(LocalNodeTest, GoesOnTickingWhileItExpandsAJob) {
  auto node = Open();
  ASSERT_TRUE(node.ok());
  CommandLog& log = (*node)->log();
  ASSERT_TRUE(log.Propose(MakeOrganization(kOrganization, "acme")).ok());
  Mutex mutex;
  std::vector<absl::Time> seen;
  // Each step takes two seconds.
  const auto subscription = (*node)->state().Subscribe([&](const ChangeBatch&) {
    clock_.Advance(absl::Seconds(2));
    MutexLock lock(mutex);
    seen.push_back((*node)->state().StateTime());
  });
  Command command;
  auto& job = *command.mutable_create_job();
  job.set_job_id(9);
  job.set_organization_id(kOrganization);
  job.set_script(":put x");
  job.set_filter("all");
  for (uint64_t device = 1; device <= 12'000; ++device) job.add_members(device);
  ASSERT_TRUE(log.Propose(command).ok());
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while ((*node)->state().FindJob(JobId{9}, false)->end_time_us == 0) {
    ASSERT_LT(absl::Now(), deadline);
    ASSERT_FALSE(log.Propose(MakeOrganization(1, "-")).ok());
  }
  MutexLock lock(mutex);
  EXPECT_GT(seen.back(), seen.front() + absl::Seconds(10));
}

}  // namespace
}  // namespace muster::server
