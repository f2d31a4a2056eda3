#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "cli/commands/command_test_support.h"
#include "cli/output/values.h"

namespace muster::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace v1 = muster::v1;

constexpr const char* kJob = "organizations/default/jobs/3f8k2m9x0c1va";

class JobControlTest : public CommandTest {
 protected:
  v1::Job MakeJob(int targets) const {
    v1::Job job;
    job.set_name(kJob);
    job.set_target_count(targets);
    auto* count = job.add_state_counts();
    count->set_state(v1::JOB_TARGET_STATE_QUEUED);
    count->set_count(targets);
    return job;
  }

  void AnswerDevices(int count) {
    v1::ListDevicesResponse response;
    for (int i = 1; i <= count; ++i) *response.add_devices() = MakeDevice(i, clock_.Now());
    response.set_total_size(count);
    fake_.Answer("ListDevices", response);
  }

  void AnswerCreate(int targets) {
    v1::CreateJobResponse response;
    *response.mutable_job() = MakeJob(targets);
    fake_.Answer("CreateJob", response);
  }

  void AnswerRerun(int targets) {
    for (int i = 0; i < 2; ++i) {
      v1::RerunJobResponse response;
      *response.mutable_job() = MakeJob(targets);
      fake_.Answer("RerunJob", response);
    }
  }
};

TEST_F(JobControlTest, DevicesComeFromStdinByAnyOfTheirNames) {
  AnswerDevices(3);
  AnswerCreate(2);
  const auto first = MakeDevice(1, clock_.Now());
  const auto third = MakeDevice(3, clock_.Now());
  const std::string id = first.name().substr(first.name().rfind('/') + 1);
  input_ = absl::StrCat("# riga\n", id, "\n\n  ", third.identity(), "\r\n", first.name(), "\n");
  const Ran ran = Run({"job", "run", "--devices", "-", "--script", ":put 1", "--yes"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto request = fake_.LastRequest<v1::CreateJobRequest>("CreateJob");
  EXPECT_THAT(request.devices(), ElementsAre(first.name(), third.name()));
  EXPECT_EQ(request.filter(), "");
}

TEST_F(JobControlTest, UnknownNamesOnStdinRunNothing) {
  AnswerDevices(1);
  input_ = "nobody\nnowhere\n";
  const Ran ran = Run({"job", "run", "--devices", "-", "--script", ":put 1", "--yes"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("nobody, nowhere"));
  EXPECT_EQ(fake_.RequestCount("CreateJob"), 0U);
  input_ = "";
  EXPECT_EQ(Run({"job", "run", "--devices", "-", "--script", ":put 1", "--yes"}).code, 2);
}

TEST_F(JobControlTest, WavesAndTimesGoIntoTheRequest) {
  AnswerDevices(1);
  AnswerCreate(1);
  const Ran ran = Run({"job", "run", "--where", "name = \"*\"", "--script", ":put 1", "--yes",
                       "--canary", "2", "--batch", "50", "--max-fail", "0", "--not-before", "2h"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto request = fake_.LastRequest<v1::CreateJobRequest>("CreateJob");
  EXPECT_EQ(request.canary_count(), 2);
  EXPECT_EQ(request.batch_size(), 50);
  EXPECT_TRUE(request.has_max_failures());
  EXPECT_EQ(ToTime(request.not_before()), clock_.Now() + absl::Hours(2));
  EXPECT_EQ(ToTime(request.not_after()), clock_.Now() + absl::Hours(26));
}

TEST_F(JobControlTest, TimesThatAreNoneOrHavePassedAreRefused) {
  for (const char* time : {"soon", "2020-01-01T00:00:00Z", "-5m"}) {
    EXPECT_EQ(Run({"job", "run", "--device", "x", "--script", ":put 1",
                   absl::StrCat("--not-before=", time)})
                  .code,
              2)
        << time;
  }
}

TEST_F(JobControlTest, AStoppedJobSaysWhyAndHowFarItCame) {
  v1::GetJobResponse response;
  *response.mutable_job() = MakeJob(7);
  response.mutable_job()->set_stop_reason("1 device failed, none may");
  response.mutable_job()->mutable_waves()->set_canary_count(2);
  response.mutable_job()->mutable_waves()->set_batch_size(5);
  response.mutable_job()->mutable_waves()->set_wave_count(2);
  response.mutable_job()->mutable_waves()->set_open_wave(1);
  response.mutable_job()->mutable_waves()->set_failure_count(1);
  fake_.Answer("GetJob", response);
  fake_.Answer("ListJobTargets", v1::ListJobTargetsResponse());
  const Ran ran = Run({"job", "get", "3f8k2m9x0c1va"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("stopped: 1 device failed, none may"));
  EXPECT_THAT(ran.out, HasSubstr("2 canaries, then 5 at a time; wave 1 of 2 is open; 1 failed"));
}

TEST_F(JobControlTest, RerunCountsFirstAndThenMakesTheJob) {
  AnswerRerun(3);
  const Ran ran = Run({"job", "rerun", "3f8k2m9x0c1va", "--failed", "--canary", "1", "--yes"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto request = fake_.LastRequest<v1::RerunJobRequest>("RerunJob");
  EXPECT_EQ(request.name(), kJob);
  EXPECT_TRUE(request.failed());
  EXPECT_FALSE(request.not_started());
  EXPECT_EQ(request.canary_count(), 1);
  EXPECT_NE(request.request_id(), "");
  AnswerRerun(3);
  EXPECT_EQ(Run({"job", "rerun", "3f8k2m9x0c1va", "--failed"}).code, 2);
  EXPECT_EQ(fake_.RequestCount("RerunJob"), 3U);
}

TEST_F(JobControlTest, ReleaseTakesADeviceOrAJob) {
  EXPECT_EQ(Run({"job", "release"}).code, 2);
  v1::ReleaseJobsResponse response;
  response.set_device_count(1);
  response.set_target_count(2);
  fake_.Answer("ReleaseJobs", response);
  const std::string device = MakeDevice(1, clock_.Now()).name();
  const Ran ran = Run({"job", "release", "--device", device});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("2 jobs go on, on 1 device"));
  EXPECT_EQ(fake_.LastRequest<v1::ReleaseJobsRequest>("ReleaseJobs").device(), device);
  fake_.Answer("ReleaseJobs", v1::ReleaseJobsResponse());
  EXPECT_EQ(Run({"job", "release", "--device", device}).code, 1);
}

TEST_F(JobControlTest, CancelOnOneDeviceSaysHowManyWereTooLate) {
  v1::CancelDeviceJobsResponse response;
  response.set_cancelled_count(1);
  response.set_refused_count(1);
  fake_.Answer("CancelDeviceJobs", response);
  const std::string device = MakeDevice(1, clock_.Now()).name();
  EXPECT_EQ(Run({"job", "cancel", "--device", device, "--held"}).code, 6);
  EXPECT_TRUE(fake_.LastRequest<v1::CancelDeviceJobsRequest>("CancelDeviceJobs").only_held());
  EXPECT_EQ(Run({"job", "cancel"}).code, 2);
  EXPECT_EQ(Run({"job", "cancel", "3f8k2m9x0c1va", "--held"}).code, 2);
}

TEST_F(JobControlTest, WhatRunsIsStoppedOnlyWhereThatIsSaid) {
  for (const int stopping : {0, 2}) {
    v1::GetJobResponse job;
    *job.mutable_job() = MakeJob(3);
    fake_.Answer("GetJob", job);
    v1::CancelJobResponse response;
    *response.mutable_job() = MakeJob(3);
    response.set_cancelled_count(1);
    response.set_stopping_count(stopping);
    response.set_refused_count(2 - stopping);
    fake_.Answer("CancelJob", response);
  }
  const Ran plain = Run({"job", "cancel", "3f8k2m9x0c1va", "--yes"});
  EXPECT_EQ(plain.code, 6) << plain.err;
  EXPECT_FALSE(fake_.LastRequest<v1::CancelJobRequest>("CancelJob").stop_running());
  EXPECT_THAT(plain.err, HasSubstr("--running stops it there too"));
  const Ran stop = Run({"job", "cancel", "3f8k2m9x0c1va", "--running", "--yes"});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_TRUE(fake_.LastRequest<v1::CancelJobRequest>("CancelJob").stop_running());
  EXPECT_THAT(stop.err, HasSubstr("told 2 routers to stop it"));
  const std::string device = MakeDevice(1, clock_.Now()).name();
  EXPECT_EQ(Run({"job", "cancel", "--device", device, "--held", "--running"}).code, 2);
}

TEST_F(JobControlTest, ListIsNarrowed) {
  fake_.Answer("ListJobs", v1::ListJobsResponse());
  const std::string device = MakeDevice(1, clock_.Now()).name();
  EXPECT_EQ(Run({"job", "list", "--device", device, "--open", "--since", "24h"}).code, 0);
  const auto request = fake_.LastRequest<v1::ListJobsRequest>("ListJobs");
  EXPECT_EQ(request.device(), device);
  EXPECT_TRUE(request.only_open());
  EXPECT_FALSE(request.only_failed());
  EXPECT_EQ(ToTime(request.created_after()), clock_.Now() - absl::Hours(24));
}

}  // namespace
}  // namespace muster::cli
