#include <gmock/gmock.h>

#include <fstream>

#include "cli/commands/command_test_support.h"
#include "cli/output/values.h"
#include "common/ids/ids.h"

namespace muster::cli {
namespace {

using muster::v1::Job;
using muster::v1::JobTarget;
using muster::v1::JobTargetState;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kJob = "organizations/default/jobs/3f8k2m9x0c1va";

class JobTest : public CommandTest {
 protected:
  absl::Time now() const { return clock_.Now(); }

  JobTarget Target(int number, JobTargetState state) const {
    const auto device = MakeDevice(number, now());
    JobTarget target;
    target.set_device(device.name());
    target.set_device_title(device.identity());
    target.set_state(state);
    target.set_number(40 + number);
    target.set_attempt(1);
    target.set_times_sent(1);
    if (state == muster::v1::JOB_TARGET_STATE_SUCCEEDED)
      target.set_output("done\non \x1B[5mrouter\n");
    if (state == muster::v1::JOB_TARGET_STATE_FAILED) {
      target.set_phase("run");
      target.set_error("no such item");
    }
    return target;
  }

  Job MakeJob(const std::vector<JobTarget>& targets, bool ended) const {
    Job job;
    job.set_name(kJob);
    job.set_filter("online = true");
    job.set_script(":put done");
    job.set_creator("apiKeys/0000000000001");
    job.set_target_count(static_cast<int>(targets.size()));
    *job.mutable_create_time() = ToTimestamp(now() - absl::Seconds(9));
    *job.mutable_not_after() = ToTimestamp(now() + absl::Hours(24));
    std::map<JobTargetState, int> counts;
    for (const JobTarget& target : targets) ++counts[target.state()];
    for (const auto& [state, count] : counts) {
      auto* state_count = job.add_state_counts();
      state_count->set_state(state);
      state_count->set_count(count);
    }
    if (ended) *job.mutable_end_time() = ToTimestamp(now());
    return job;
  }

  void AnswerMatches(int count) {
    muster::v1::ListDevicesResponse response;
    for (int i = 1; i <= count; ++i) *response.add_devices() = MakeDevice(i, now());
    response.set_total_size(count);
    fake_.Answer("ListDevices", response);
  }

  void AnswerCreate(const Job& job) {
    muster::v1::CreateJobResponse response;
    *response.mutable_job() = job;
    fake_.Answer("CreateJob", response);
  }

  void AnswerWatch(const std::vector<JobTarget>& targets, bool ended) {
    muster::v1::WatchJobResponse response;
    for (const JobTarget& target : targets) *response.add_targets() = target;
    *response.mutable_job() = MakeJob(targets, ended);
    fake_.Answer("WatchJob", response);
  }

  // Runs on as many devices as there are states, with --wait.
  Ran RunToTheEnd(const std::vector<JobTargetState>& states,
                  const std::vector<std::string>& more = {}) {
    std::vector<JobTarget> targets, queued;
    for (const JobTargetState state : states) {
      targets.push_back(Target(static_cast<int>(targets.size()) + 1, state));
      queued.push_back(
          Target(static_cast<int>(queued.size()) + 1, muster::v1::JOB_TARGET_STATE_QUEUED));
    }
    AnswerMatches(static_cast<int>(states.size()));
    AnswerCreate(MakeJob(queued, false));
    AnswerWatch(queued, false);
    AnswerWatch(targets, true);
    std::vector<std::string> arguments = {"job",      "run",       "--where", "online = true",
                                          "--script", ":put done", "--wait",  "--yes"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  static constexpr auto kSucceeded = muster::v1::JOB_TARGET_STATE_SUCCEEDED;
  static constexpr auto kFailed = muster::v1::JOB_TARGET_STATE_FAILED;
  static constexpr auto kExpired = muster::v1::JOB_TARGET_STATE_EXPIRED;
};

TEST_F(JobTest, TheExitCodeSaysHowManySucceeded) {
  EXPECT_EQ(RunToTheEnd({kSucceeded, kSucceeded}).code, 0);
  EXPECT_EQ(RunToTheEnd({kFailed, kExpired}).code, 1);
  EXPECT_EQ(RunToTheEnd({kSucceeded, kFailed}).code, 6);
  EXPECT_EQ(RunToTheEnd({kSucceeded}).code, 0);
}

TEST_F(JobTest, ResultsAreShownInEachFormat) {
  for (const char* format : {"table", "wide", "json", "yaml", "csv", "name"}) {
    const Ran ran = RunToTheEnd({kSucceeded, kFailed}, {"-o", format});
    EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("\x1B")));
    ExpectGolden(absl::StrCat("job_run_wait.", format), ran.out);
  }
}

TEST_F(JobTest, OneDeviceShowsItsWholeOutput) {
  const Ran ran = RunToTheEnd({kSucceeded});
  ExpectGolden("job_run_one.table", ran.out);
  EXPECT_THAT(ran.out, HasSubstr("done\non router\n"));
}

TEST_F(JobTest, ProgressIsForTerminals) {
  EXPECT_THAT(RunToTheEnd({kSucceeded, kFailed}).err, Not(HasSubstr("\r")));
  console_.err_is_terminal = true;
  const Ran ran = RunToTheEnd({kSucceeded, kFailed});
  EXPECT_THAT(ran.err, HasSubstr("\r\x1B[K0 of 2 ended: 2 queued"));
}

TEST_F(JobTest, ManyDevicesWantYesWhereThereIsNobodyToAsk) {
  AnswerMatches(2);
  const Ran ran = Run({"job", "run", "--where", "online = true", "--script", ":put x"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("2 devices match"));
  EXPECT_THAT(ran.err, HasSubstr("--yes"));
  EXPECT_EQ(fake_.RequestCount("CreateJob"), 0u);
}

TEST_F(JobTest, ManyDevicesAreAskedForOnATerminal) {
  console_.in_is_terminal = true;
  for (const char* no : {"n\n", "\n", ""}) {
    AnswerMatches(2);
    input_ = no;
    EXPECT_EQ(Run({"job", "run", "--where", "online = true", "--script", ":put x"}).code, 1);
  }
  EXPECT_EQ(fake_.RequestCount("CreateJob"), 0u);
  AnswerMatches(2);
  AnswerCreate(MakeJob({Target(1, kFailed), Target(2, kFailed)}, false));
  input_ = "y\n";
  EXPECT_EQ(Run({"job", "run", "--where", "online = true", "--script", ":put x"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::CreateJobRequest>("CreateJob").filter(), "online = true");
}

TEST_F(JobTest, OneMatchNeedsNoQuestionAndStaysThatOne) {
  AnswerMatches(1);
  AnswerCreate(MakeJob({Target(1, kFailed)}, false));
  EXPECT_EQ(Run({"job", "run", "--where", "site = \"riga\"", "--script", ":put x"}).code, 0);
  const auto request = fake_.LastRequest<muster::v1::CreateJobRequest>("CreateJob");
  EXPECT_EQ(request.filter(), "");
  EXPECT_EQ(request.device(), MakeDevice(1, now()).name());
}

TEST_F(JobTest, NoMatchIsNotFound) {
  AnswerMatches(0);
  EXPECT_EQ(
      Run({"job", "run", "--where", "site = \"nowhere\"", "--script", ":put x", "--yes"}).code, 3);
  EXPECT_EQ(Run({"job", "run", "--where", " ", "--script", ":put x", "--yes"}).code, 2);
}

TEST_F(JobTest, EverythingGivenReachesTheServer) {
  AnswerCreate(MakeJob({Target(1, kFailed)}, false));
  const std::string device = MakeDevice(1, now()).name();
  EXPECT_EQ(
      Run({"job", "run", "--device", device, "--script", "[:put \"x, y\"]", "--expires", "7d",
           "--timeout", "90s", "--idempotent", "--ends-with", "reboot", "--description", "weekly"})
          .code,
      0);
  const auto request = fake_.LastRequest<muster::v1::CreateJobRequest>("CreateJob");
  EXPECT_EQ(request.parent(), "organizations/default");
  EXPECT_EQ(request.device(), device);
  EXPECT_EQ(request.script(), "[:put \"x, y\"]");
  EXPECT_EQ(ToTime(request.not_after()), now() + absl::Hours(168));
  EXPECT_EQ(request.timeout().seconds(), 90);
  EXPECT_TRUE(request.idempotent());
  EXPECT_EQ(request.ends_with(), muster::v1::JOB_END_REBOOT);
  EXPECT_EQ(request.description(), "weekly");
  EXPECT_NE(request.request_id(), "");
  EXPECT_FALSE(request.validate_only());
}

TEST_F(JobTest, ScriptsComeFromFilesAndStdinUnchanged) {
  const std::string device = MakeDevice(1, now()).name();
  const std::string script = ":put \"\\$a\"\r\n# \xC3\xA4\n";
  std::ofstream(folder_ + "/script.rsc", std::ios::binary) << script;
  AnswerCreate(MakeJob({Target(1, kFailed)}, false));
  EXPECT_EQ(Run({"job", "run", "--device", device, "--script-file", folder_ + "/script.rsc"}).code,
            0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::CreateJobRequest>("CreateJob").script(), script);
  AnswerCreate(MakeJob({Target(1, kFailed)}, false));
  input_ = ":put stdin";
  EXPECT_EQ(Run({"job", "run", "--device", device, "--script-file", "-"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::CreateJobRequest>("CreateJob").script(), ":put stdin");
  EXPECT_EQ(Run({"job", "run", "--device", device, "--script", std::string(70000, 'x')}).code, 1);
  input_ = ":put caf\xE9";
  EXPECT_EQ(Run({"job", "run", "--device", device, "--script-file", "-"}).code, 1);
  input_ = "\xEF\xBB\xBF:put bom";
  AnswerCreate(MakeJob({Target(1, kFailed)}, false));
  EXPECT_EQ(Run({"job", "run", "--device", device, "--script-file", "-"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::CreateJobRequest>("CreateJob").script(), ":put bom");
}

TEST_F(JobTest, ADryRunCreatesNothing) {
  AnswerMatches(2);
  AnswerMatches(2);
  AnswerCreate(MakeJob({Target(1, kFailed), Target(2, kFailed)}, false));
  const Ran ran =
      Run({"job", "run", "--where", "online = true", "--script", ":put x", "--dry-run"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("nothing was done"));
  EXPECT_TRUE(fake_.LastRequest<muster::v1::CreateJobRequest>("CreateJob").validate_only());
}

TEST_F(JobTest, ADryRunThatFailsDoesNotSayThatItMayHaveBeenDone) {
  environment_["MUSTER_RETRY_FOR"] = "0s";
  const std::string device = MakeDevice(1, clock_.Now()).name();
  const grpc::Status down(grpc::StatusCode::UNAVAILABLE, "going down");
  fake_.Fail("CreateJob", down);
  fake_.Fail("CreateJob", down);
  fake_.Fail("RerunJob", down);
  fake_.Fail("UpgradeAgents", down);
  const Ran real = Run({"job", "run", "--device", device, "--script", ":put x"});
  EXPECT_EQ(real.code, 5);
  EXPECT_THAT(real.err, HasSubstr("may or may not"));
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"job", "run", "--device", device, "--script", ":put x", "--dry-run"},
           {"job", "rerun", "3f8k2m9x0c1va"},
           {"agent", "upgrade", "--where", "site = riga"}}) {
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.code, 5) << arguments[1] << ": " << ran.err;
    EXPECT_THAT(ran.err, Not(HasSubstr("may or may not"))) << arguments[1];
  }
}

TEST_F(JobTest, WatchGoesOnAfterALostConnection) {
  environment_["MUSTER_RETRY_FOR"] = "5s";
  AnswerWatch({Target(1, muster::v1::JOB_TARGET_STATE_SENT)}, false);
  fake_.Fail("WatchJob", grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"));
  fake_.Fail("WatchJob", grpc::Status(grpc::StatusCode::CANCELLED, "cut"));
  AnswerWatch({Target(1, kSucceeded)}, true);
  const Ran ran = Run({"job", "watch", "3f8k2m9x0c1va"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "MikroTik-1: sent\nMikroTik-1: succeeded: done on router\n");
  EXPECT_THAT(ran.err, HasSubstr("1 of 1 ended: 1 succeeded"));
}

TEST_F(JobTest, WatchWritesLinesOfJson) {
  AnswerWatch({Target(1, kSucceeded), Target(2, kFailed)}, true);
  const Ran ran = Run({"job", "watch", kJob, "-o", "json"});
  EXPECT_EQ(ran.code, 6);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 2);
  EXPECT_THAT(ran.out, HasSubstr("\"state\":\"JOB_TARGET_STATE_FAILED\""));
  EXPECT_EQ(Run({"job", "watch", kJob, "-o", "csv"}).code, 2);
}

TEST_F(JobTest, WatchOfAnUnknownJobIsNotFound) {
  fake_.Fail("WatchJob", grpc::Status(grpc::StatusCode::NOT_FOUND, "no such job"));
  EXPECT_EQ(Run({"job", "watch", kJob}).code, 3);
}

TEST_F(JobTest, GetShowsTheJobItsTargetsOrOneOfThem) {
  const std::vector<JobTarget> targets = {Target(1, kSucceeded), Target(2, kFailed)};
  const auto answer = [&] {
    muster::v1::GetJobResponse job;
    *job.mutable_job() = MakeJob(targets, true);
    fake_.Answer("GetJob", job);
    muster::v1::ListJobTargetsResponse list;
    for (const JobTarget& target : targets) *list.add_targets() = target;
    fake_.Answer("ListJobTargets", list);
  };
  for (const char* format : {"table", "json"}) {
    answer();
    ExpectGolden(absl::StrCat("job_get.", format),
                 Run({"job", "get", "3f8k2m9x0c1va", "-o", format}).out);
  }
  answer();
  ExpectGolden("job_get_targets.csv", Run({"job", "get", kJob, "--targets", "-o", "csv"}).out);
  answer();
  ExpectGolden("job_get_device.table",
               Run({"job", "get", kJob, "--device", targets[1].device()}).out);
  answer();
  EXPECT_EQ(Run({"job", "get", kJob, "--device", MakeDevice(9, now()).name()}).code, 3);
}

TEST_F(JobTest, AreListed) {
  muster::v1::ListJobsResponse response;
  *response.add_jobs() = MakeJob({Target(1, kSucceeded), Target(2, kFailed)}, true);
  fake_.Answer("ListJobs", response);
  ExpectGolden("job_list.table", Run({"job", "list"}).out);
}

TEST_F(JobTest, CancelSaysWhereItCameTooLate) {
  const auto cancel = [&](int cancelled, int refused, const std::vector<std::string>& arguments) {
    muster::v1::GetJobResponse job;
    *job.mutable_job() = MakeJob({Target(1, kFailed), Target(2, kFailed)}, false);
    fake_.Answer("GetJob", job);
    muster::v1::CancelJobResponse response;
    *response.mutable_job() = job.job();
    response.set_cancelled_count(cancelled);
    response.set_refused_count(refused);
    fake_.Answer("CancelJob", response);
    return Run(arguments);
  };
  EXPECT_EQ(cancel(2, 0, {"job", "cancel", kJob, "--yes"}).code, 0);
  EXPECT_EQ(cancel(1, 1, {"job", "cancel", kJob, "--yes"}).code, 6);
  const Ran late = cancel(0, 2, {"job", "cancel", kJob, "--yes"});
  EXPECT_EQ(late.code, 1);
  EXPECT_THAT(late.err, HasSubstr("too late on 2"));
  const size_t count = fake_.RequestCount("CancelJob");
  EXPECT_EQ(cancel(2, 0, {"job", "cancel", kJob}).code, 2);
  EXPECT_EQ(fake_.RequestCount("CancelJob"), count);
}

}  // namespace
}  // namespace muster::cli
