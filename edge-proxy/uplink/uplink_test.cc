#include "edge-proxy/uplink/uplink.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "edge-proxy/heartbeats/calls_fixture.h"
#include "edge-proxy/uplink/fake_musterd.h"
#include "edge-proxy/uplink/join.h"

namespace muster::edge {
namespace {

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(40);
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class UplinkTest : public testing::Test {
 protected:
  UplinkTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    std::string pattern = testing::TempDir() + "/uplink-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    musterd_.Start();
  }
  ~UplinkTest() override {
    outbox_.Close();
    if (uplink_ != nullptr) uplink_->Stop();
    std::filesystem::remove_all(folder_);
  }

  Identity JoinNow() {
    auto identity = Join({musterd_.address()}, musterd_.MakeJoinFile(), "https://localhost",
                         Deadline(absl::Seconds(20)));
    EXPECT_TRUE(identity.ok()) << identity.status();
    return identity.ok() ? *identity : Identity();
  }
  void Connect() {
    uplink_ = std::make_unique<Uplink>(UplinkParts{.controls = {musterd_.address()},
                                                   .clock = clock_,
                                                   .own_clock = own_clock_,
                                                   .outbox = outbox_,
                                                   .devices = devices_,
                                                   .jobs = jobs_,
                                                   .gate = gate_,
                                                   .contacts = contacts_,
                                                   .fast = fast_,
                                                   .roots = roots_,
                                                   .on_renewed =
                                                       [this](const Identity& identity) {
                                                         renewed_.set_value(identity);
                                                         return absl::OkStatus();
                                                       }},
                                       JoinNow());
    uplink_->Start();
    ASSERT_TRUE(uplink_->WaitForWelcome(absl::Seconds(20)));
  }
  // The answer to a result with this number.
  std::future<absl::Status> AddResult(uint64_t number) {
    auto promise = std::make_shared<std::promise<absl::Status>>();
    JobResult result{.device = DeviceId{7}};
    result.report.number = number;
    outbox_.AddJobResult(std::move(result),
                         [promise](const absl::Status& status) { promise->set_value(status); });
    return promise->get_future();
  }

  std::string folder_;
  FakeMusterd musterd_;
  const SystemClock own_clock_;
  CorrectedClock clock_{own_clock_};
  RouterRoots roots_{"own root"};
  Metrics metrics_;
  DeviceTable devices_;
  TokenGate gate_{devices_, metrics_, own_clock_};
  Outbox outbox_{clock_, OutboxLimits(),
                 [this] {
                   if (uplink_ != nullptr) uplink_->Wake();
                 },
                 [] {}};
  ProvenJobEvents events_{devices_, outbox_};
  JobShelf jobs_{PayloadRules{}, events_};
  ContactBook contacts_;
  FastBeats fast_;
  std::promise<Identity> renewed_;
  std::unique_ptr<Uplink> uplink_;
};

TEST_F(UplinkTest, JoinsAndKeepsItsIdentity) {
  const Identity identity = JoinNow();
  EXPECT_EQ(identity.edge_id, "west");
  auto data = DataFolder::Open(folder_ + "/data");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->Load().status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(data->Save(identity).ok());
  ASSERT_TRUE(data->Save(identity).ok());
  const auto loaded = data->Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->edge_id, "west");
  EXPECT_EQ(loaded->cluster_id, identity.cluster_id);
  EXPECT_EQ(loaded->public_url, "https://localhost");
  EXPECT_EQ(loaded->router_rsa_chain, identity.router_rsa_chain);
  EXPECT_EQ(loaded->client_chain, identity.client_chain);
  int folders = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ + "/data")) {
    struct stat status;
    ASSERT_EQ(lstat(entry.path().c_str(), &status), 0);
    if (S_ISDIR(status.st_mode)) ++folders;
    const bool is_private = S_ISLNK(status.st_mode) || (status.st_mode & 077) == 0;
    EXPECT_TRUE(is_private) << entry.path();
  }
  EXPECT_EQ(folders, 1);
}

TEST_F(UplinkTest, WhatACrashLeftOfAnIdentityIsRemovedAtTheNextStart) {
  const Identity identity = JoinNow();
  const std::string path = folder_ + "/data";
  {
    auto data = DataFolder::Open(path);
    ASSERT_TRUE(data.ok()) << data.status();
    ASSERT_TRUE(data->Save(identity).ok());
  }
  std::filesystem::create_directory(path + "/identity.0123456789abcdef");
  ASSERT_TRUE(
      WriteNewSecretFile(path + "/identity.0123456789abcdef/client.key", "left behind").ok());
  std::filesystem::create_symlink("identity.0123456789abcdef", path + "/identity.new");
  std::filesystem::create_directory(path + "/identity-of-mine");
  auto data = DataFolder::Open(path);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_FALSE(std::filesystem::exists(path + "/identity.0123456789abcdef"));
  EXPECT_FALSE(std::filesystem::is_symlink(path + "/identity.new"));
  EXPECT_TRUE(std::filesystem::exists(path + "/identity-of-mine"));
  EXPECT_EQ(data->Load()->edge_id, "west");
}

TEST_F(UplinkTest, ADataFolderIsOfOneProcessAndPrivate) {
  const auto data = DataFolder::Open(folder_ + "/data");
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(DataFolder::Open(folder_ + "/data").status().code(), absl::StatusCode::kAborted);
  ASSERT_EQ(mkdir((folder_ + "/open").c_str(), 0755), 0);
  ASSERT_EQ(chmod((folder_ + "/open").c_str(), 0755), 0);
  EXPECT_EQ(DataFolder::Open(folder_ + "/open").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(UplinkTest, AWrongJoinTokenFailsAtOnce) {
  JoinFile file = musterd_.MakeJoinFile();
  file.token = Secret("used");
  EXPECT_EQ(
      Join({musterd_.address()}, file, "https://localhost", Deadline(absl::InfiniteDuration()))
          .status()
          .code(),
      absl::StatusCode::kPermissionDenied);
}

TEST_F(UplinkTest, ResultsAreAnsweredAndCheckInsArrive) {
  Connect();
  EXPECT_TRUE(gate_.ready());
  EXPECT_TRUE(AddResult(1).get().ok());
  outbox_.AddCheckIn({.device = DeviceId{7}, .time = clock_.Now()});
  EXPECT_TRUE(Eventually([this] { return outbox_.empty(); }));
  EXPECT_EQ(musterd_.batches().size(), 2u);
}

TEST_F(UplinkTest, WhatWasTakenSurvivesARestartOfTheControlPlaneOnce) {
  Connect();
  EXPECT_TRUE(AddResult(1).get().ok());
  musterd_.Acknowledge(false);
  std::future<absl::Status> second = AddResult(2);
  musterd_.Stop();
  std::future<absl::Status> third = AddResult(3);
  EXPECT_TRUE(Eventually([this] { return !uplink_->connected(); }));
  musterd_.Acknowledge(true);
  musterd_.Start();
  EXPECT_TRUE(second.get().ok());
  EXPECT_TRUE(third.get().ok());
  std::vector<uint64_t> numbers, results;
  for (const auto& batch : musterd_.batches()) {
    numbers.push_back(batch.number());
    for (const auto& result : batch.job_results()) results.push_back(result.number());
  }
  EXPECT_EQ(results, (std::vector<uint64_t>{1, 2, 3}));
  for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], i + 1);
}

TEST_F(UplinkTest, AsksTheControlPlaneForClaimsAndEnrolments) {
  Connect();
  std::promise<absl::StatusOr<ClaimAnswer>> claim;
  uplink_->CheckClaim({std::string(16, 'x'), ""},
                      [&](absl::StatusOr<ClaimAnswer> answer) { claim.set_value(answer); });
  const auto checked = claim.get_future().get();
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->verdict, ClaimVerdict::kExpired);
  std::promise<absl::StatusOr<EnrolmentAnswer>> enrolment;
  uplink_->Enroll({std::string(16, 'x'), ""}, {.nonce = "nonce"},
                  [&](absl::StatusOr<EnrolmentAnswer> answer) { enrolment.set_value(answer); });
  const auto enrolled = enrolment.get_future().get();
  ASSERT_TRUE(enrolled.ok());
  EXPECT_EQ(enrolled->token.Reveal(), "m1.nonce");
}

TEST_F(UplinkTest, AnswersUnavailableWhileTheControlPlaneIsAway) {
  Connect();
  musterd_.Stop();
  EXPECT_TRUE(Eventually([this] { return !uplink_->connected(); }));
  absl::StatusCode code = absl::StatusCode::kOk;
  uplink_->CheckClaim({std::string(16, 'x'), ""}, [&](const absl::StatusOr<ClaimAnswer>& answer) {
    code = answer.status().code();
  });
  EXPECT_EQ(code, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(gate_.ready());
}

TEST_F(UplinkTest, RenewsCertificatesThatSoonEnd) {
  musterd_.SetLifetime(absl::Hours(24));
  Connect();
  const Identity renewed = renewed_.get_future().get();
  EXPECT_EQ(musterd_.renewals(), 1);
  EXPECT_EQ(renewed.edge_id, "west");
  EXPECT_FALSE(*NeedsRenewal(renewed, absl::Now()));
}

// Two edges with one identity (a copied machine) take the stream from each other: without a pause
// they would do so as fast as they can shake hands, and each hello is an entry of the command log.
TEST_F(UplinkTest, PausesWhereTheControlPlaneHasEndedItsStream) {
  musterd_.EndStreamsWith(grpc::StatusCode::ABORTED);
  Connect();
  const int before = musterd_.hellos();
  // Work that takes at least a tenth of a second each: three new keys and a call.
  for (int i = 0; i < 3; ++i) JoinNow();
  EXPECT_LT(musterd_.hellos() - before, 30);
}

TEST_F(UplinkTest, StopsWhileItCantConnect) {
  Connect();
  musterd_.Stop();
  uplink_->Stop();
  EXPECT_FALSE(uplink_->connected());
}

}  // namespace
}  // namespace muster::edge
