#include "edge-proxy/jobs/job_results.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::edge {
namespace {

class FakeUpstream : public JobResults {
 public:
  void AddJobResult(JobResult result, ResultDone done) override {
    results.push_back(std::move(result));
    dones.push_back(std::move(done));
  }
  std::vector<JobResult> results;
  std::vector<ResultDone> dones;
};

class ResultsOnTheWayTest : public testing::Test {
 protected:
  void Post(uint64_t number, const std::string& output = "") {
    JobResult result{.device = DeviceId{1}, .secret_check = "check"};
    result.report.number = number;
    result.report.output = output;
    on_the_way_.AddJobResult(std::move(result), [this](const absl::Status& status) {
      answers_.push_back(status.code());
    });
  }

  FakeUpstream upstream_;
  ResultsOnTheWay on_the_way_{upstream_};
  std::vector<absl::StatusCode> answers_;
};

TEST_F(ResultsOnTheWayTest, ARepeatedResultIsSentOnceAndAnswersBoth) {
  Post(7);
  Post(7);
  ASSERT_EQ(upstream_.results.size(), 1u);
  upstream_.dones[0](absl::OkStatus());
  EXPECT_EQ(answers_, std::vector<absl::StatusCode>(2, absl::StatusCode::kOk));
}

TEST_F(ResultsOnTheWayTest, AfterItsEndTheSameResultIsSentAgain) {
  Post(7);
  upstream_.dones[0](absl::OkStatus());
  Post(7);
  EXPECT_EQ(upstream_.results.size(), 2u);
}

TEST_F(ResultsOnTheWayTest, ResultsOfOtherNumbersAreSentBesideIt) {
  Post(7);
  Post(8);
  EXPECT_EQ(upstream_.results.size(), 2u);
}

TEST_F(ResultsOnTheWayTest, AnotherResultOfTheSameNumberGoesUpBehindTheFirst) {
  Post(7, "one");
  Post(7, "two");
  Post(7, "one");
  Post(7, "two");
  ASSERT_EQ(upstream_.results.size(), 2u);
  EXPECT_EQ(upstream_.results[0].report.output, "one");
  EXPECT_EQ(upstream_.results[1].report.output, "two");
  upstream_.dones[1](absl::UnavailableError("away"));
  EXPECT_EQ(answers_, std::vector<absl::StatusCode>(2, absl::StatusCode::kUnavailable));
  upstream_.dones[0](absl::OkStatus());
  ASSERT_EQ(answers_.size(), 4u);
  EXPECT_EQ(answers_[2], absl::StatusCode::kOk);
  EXPECT_EQ(answers_[3], absl::StatusCode::kOk);
}

TEST_F(ResultsOnTheWayTest, FewMayWaitForOneHoweverTheyDiffer) {
  for (int i = 0; i < 100; ++i) Post(7, std::string(static_cast<size_t>(i), 'x'));
  EXPECT_EQ(upstream_.results.size(), 8u);
  EXPECT_EQ(answers_.size(), 92u);
}

TEST_F(ResultsOnTheWayTest, FewMayWaitForOne) {
  for (int i = 0; i < 100; ++i) Post(7);
  EXPECT_EQ(upstream_.results.size(), 1u);
  EXPECT_EQ(answers_, std::vector<absl::StatusCode>(92, absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace muster::edge
