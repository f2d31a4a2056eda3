#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "server/access/api_key_text.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

class JobServiceTest : public testing::Test {
 protected:
  JobServiceTest() : stub_(v1::JobService::NewStub(server_.channel())) {
    operator_ = server_.MakeKey("default", v1::ROLE_OPERATOR);
    viewer_ = server_.MakeKey("default", v1::ROLE_VIEWER);
  }

  v1::CreateJobRequest Request(const std::string& filter, const std::string& script) {
    v1::CreateJobRequest request;
    request.set_parent("organizations/default");
    request.set_filter(filter);
    request.set_script(script);
    return request;
  }

  v1::Job Create(const v1::CreateJobRequest& request, StatusCode expected = StatusCode::OK) {
    v1::CreateJobResponse response;
    status_ = stub_->CreateJob(server_.Context(operator_).get(), request, &response);
    EXPECT_EQ(status_.error_code(), expected) << status_.error_message();
    return response.job();
  }

  v1::Job Get(const std::string& name, const std::string& key) {
    v1::GetJobRequest request;
    request.set_name(name);
    v1::GetJobResponse response;
    EXPECT_TRUE(stub_->GetJob(server_.Context(key).get(), request, &response).ok());
    return response.job();
  }

  ApiTestServer server_;
  std::unique_ptr<v1::JobService::Stub> stub_;
  std::string operator_;
  std::string viewer_;
  grpc::Status status_;
  // What a watch tells until it is synced.
  struct Watched {
    std::set<std::string> targets;
    v1::Job job;
    std::string token;
  };
  Watched Watch(const std::string& job, const std::string& token) {
    v1::WatchJobRequest request;
    request.set_name(job);
    request.set_resume_token(token);
    const auto context = server_.Context(viewer_);
    const auto reader = stub_->WatchJob(context.get(), request);
    Watched watched;
    v1::WatchJobResponse message;
    do {
      if (!reader->Read(&message)) {
        ADD_FAILURE() << reader->Finish().error_message();
        return watched;
      }
      for (const v1::JobTarget& target : message.targets()) {
        EXPECT_TRUE(watched.targets.insert(target.device()).second) << "told twice";
      }
    } while (!message.synced());
    watched.job = message.job();
    watched.token = message.resume_token();
    context->TryCancel();
    reader->Finish();
    return watched;
  }
};

TEST_F(JobServiceTest, AJobRunsOnTheDevicesThatMatchAndIsWatchedToItsEnd) {
  const std::string a = server_.EnrollDevice("default", "alpha");
  const std::string b = server_.EnrollDevice("default", "beta");
  server_.EnrollDevice("default", "gamma");
  for (const std::string& device : {a, b}) server_.CheckIn(device);
  const v1::Job job = Create(Request("online = true", ":put hello"));
  EXPECT_EQ(job.target_count(), 2);
  EXPECT_EQ(job.script(), ":put hello");
  EXPECT_THAT(job.creator(), HasSubstr("apiKeys/"));

  v1::WatchJobRequest request;
  request.set_name(job.name());
  const auto context = server_.Context(viewer_);
  const auto reader = stub_->WatchJob(context.get(), request);
  v1::WatchJobResponse message;
  do {
    ASSERT_TRUE(reader->Read(&message));
  } while (!message.synced());
  std::map<std::string, v1::JobTarget> targets;
  server_.RunJob(a, true, "hello\n");
  server_.RunJob(b, false, "no such item");
  while (reader->Read(&message)) {
    for (const v1::JobTarget& target : message.targets()) targets[target.device()] = target;
    EXPECT_EQ(message.job().script(), "");
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(message.job().has_end_time());
  EXPECT_EQ(targets[a].state(), v1::JOB_TARGET_STATE_SUCCEEDED);
  EXPECT_EQ(targets[a].output(), "hello\n");
  EXPECT_EQ(targets[a].device_title(), "alpha");
  EXPECT_EQ(targets[b].state(), v1::JOB_TARGET_STATE_FAILED);
  EXPECT_EQ(targets[b].phase(), "run");

  // Watching a job that has ended gives everything and ends at once.
  const auto late_context = server_.Context(viewer_);
  const auto late = stub_->WatchJob(late_context.get(), request);
  ASSERT_TRUE(late->Read(&message));
  EXPECT_TRUE(message.synced());
  EXPECT_EQ(message.targets_size(), 2);
  while (late->Read(&message)) {
  }
  EXPECT_TRUE(late->Finish().ok());
}

TEST_F(JobServiceTest, AWatchGoesOnBehindItsTokenAndTellsOnlyWhatChangedSince) {
  const std::string a = server_.EnrollDevice("default", "alpha");
  const std::string b = server_.EnrollDevice("default", "beta");
  for (const std::string& device : {a, b}) server_.CheckIn(device);
  const v1::Job job = Create(Request("online = true", ":put hello"));
  const Watched first = Watch(job.name(), "");
  EXPECT_EQ(first.targets, (std::set<std::string>{a, b}));
  const Watched nothing = Watch(job.name(), first.token);
  EXPECT_TRUE(nothing.targets.empty());
  server_.RunJob(a, true, "hello\n");
  const Watched second = Watch(job.name(), nothing.token);
  EXPECT_EQ(second.targets, std::set<std::string>{a});
  EXPECT_TRUE(Watch(job.name(), second.token).targets.empty());
  EXPECT_EQ(Watch(job.name(), first.token).targets, std::set<std::string>{a}) << "good for ever";
  server_.RunJob(b, true, "hello\n");
  // It has ended: what is left is told, and then the end.
  const Watched last = Watch(job.name(), second.token);
  EXPECT_EQ(last.targets, std::set<std::string>{b});
  const Watched end = Watch(job.name(), last.token);
  EXPECT_TRUE(end.targets.empty());
  EXPECT_TRUE(end.job.has_end_time());
}

TEST_F(JobServiceTest, ATokenOfAnotherJobOrOfNoneIsRefused) {
  server_.CheckIn(server_.EnrollDevice("default", "gw"));
  const v1::Job one = Create(Request("name:*", ":put 1"));
  const v1::Job two = Create(Request("name:*", ":put 2"));
  const std::string token = Watch(one.name(), "").token;
  EXPECT_LE(token.size(), 256U);
  for (const std::string& wrong : {token, std::string("x"), token.substr(1)}) {
    const std::string& job = wrong == token ? two.name() : one.name();
    v1::WatchJobRequest request;
    request.set_name(job);
    request.set_resume_token(wrong);
    const auto context = server_.Context(viewer_);
    const auto reader = stub_->WatchJob(context.get(), request);
    v1::WatchJobResponse message;
    EXPECT_FALSE(reader->Read(&message));
    const grpc::Status status = reader->Finish();
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("leave it out to begin anew"));
  }
}

TEST_F(JobServiceTest, ViewersSeeNoScriptText) {
  server_.CheckIn(server_.EnrollDevice("default", "gw"));
  const v1::Job job = Create(Request("name:*", ":put canary"));
  EXPECT_EQ(Get(job.name(), operator_).script(), ":put canary");
  EXPECT_EQ(Get(job.name(), viewer_).script(), "");
  v1::ListJobsRequest request;
  request.set_parent("organizations/default");
  v1::ListJobsResponse response;
  ASSERT_TRUE(stub_->ListJobs(server_.Context(viewer_).get(), request, &response).ok());
  ASSERT_EQ(response.jobs_size(), 1);
  EXPECT_EQ(response.DebugString().find("canary"), std::string::npos);
}

TEST_F(JobServiceTest, TheSameRequestIdMakesOneJobAndAnotherContentIsRefused) {
  server_.CheckIn(server_.EnrollDevice("default", "gw"));
  v1::CreateJobRequest request = Request("name:*", ":put 1");
  request.set_request_id("r1");
  const v1::Job first = Create(request);
  const v1::Job second = Create(request);
  EXPECT_EQ(first.name(), second.name());
  request.set_script(":put 2");
  Create(request, StatusCode::ALREADY_EXISTS);
  request.set_request_id("r2");
  EXPECT_NE(Create(request).name(), first.name());
  request.set_request_id(std::string(65, 'x'));
  Create(request, StatusCode::INVALID_ARGUMENT);
}

TEST_F(JobServiceTest, ARepetitionAnswersTheFirstJobEvenWhenNothingMatchesAnyMore) {
  const std::string device = server_.EnrollDevice("default", "gw");
  server_.CheckIn(device, 90);
  v1::CreateJobRequest request = Request("cpu > 80", ":put 1");
  request.set_request_id("r1");
  const v1::Job first = Create(request);
  server_.CheckIn(device, 10);
  EXPECT_EQ(Create(request).name(), first.name());
  request.set_request_id("r2");
  Create(request, StatusCode::FAILED_PRECONDITION);
}

TEST_F(JobServiceTest, ValidateOnlyCountsAndMakesNothing) {
  server_.CheckIn(server_.EnrollDevice("default", "gw"));
  v1::CreateJobRequest request = Request("name:*", ":put 1");
  request.set_validate_only(true);
  const v1::Job job = Create(request);
  EXPECT_EQ(job.name(), "");
  EXPECT_EQ(job.target_count(), 1);
  v1::ListJobsRequest list;
  list.set_parent("organizations/default");
  v1::ListJobsResponse response;
  ASSERT_TRUE(stub_->ListJobs(server_.Context(viewer_).get(), list, &response).ok());
  EXPECT_EQ(response.jobs_size(), 0);
}

TEST_F(JobServiceTest, RefusesWhatCanNotRun) {
  const std::string device = server_.EnrollDevice("default", "old", "6.49.10");
  const std::string monitor = server_.EnrollDevice("default", "eye", "7.20.8", true);
  Create(Request("", ":put 1"), StatusCode::INVALID_ARGUMENT);
  v1::CreateJobRequest both = Request("name:*", ":put 1");
  both.set_device(device);
  Create(both, StatusCode::INVALID_ARGUMENT);
  Create(Request("name:*", ""), StatusCode::INVALID_ARGUMENT);
  Create(Request("name:*", std::string(65537, 'x')), StatusCode::INVALID_ARGUMENT);
  Create(Request("colour = red", ":put 1"), StatusCode::INVALID_ARGUMENT);
  Create(Request("identity = nobody", ":put 1"), StatusCode::FAILED_PRECONDITION);
  Create(Request("name:*", "/system reboot"), StatusCode::INVALID_ARGUMENT);
  Create(Request("identity = eye", ":put 1"), StatusCode::FAILED_PRECONDITION);
  v1::CreateJobRequest at = Request("name:*", ":put 1");
  at.mutable_not_after()->set_seconds(1000);
  Create(at, StatusCode::INVALID_ARGUMENT);
  v1::CreateJobRequest one = Request("", ":put 1");
  one.set_device(monitor);
  Create(one, StatusCode::FAILED_PRECONDITION);
  v1::CreateJobRequest reboot = Request("identity = old", "/system reboot");
  reboot.set_ends_with(v1::JOB_END_REBOOT);
  EXPECT_EQ(Create(reboot).ends_with(), v1::JOB_END_REBOOT);
}

TEST_F(JobServiceTest, AScriptTooLongForSomeDevicesNamesTheLimitAndTheFirst) {
  server_.EnrollDevice("default", "old-router", "6.49.10");
  server_.EnrollDevice("default", "new-router", "7.20.8");
  Create(Request("name:*", std::string(8000, ' ') + ":put 1"), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status_.error_message(), HasSubstr("old-router"));
  EXPECT_THAT(status_.error_message(), Not(HasSubstr("new-router")));
  EXPECT_EQ(Create(Request("version > 7", std::string(8000, ' ') + ":put 1")).target_count(), 1);
}

TEST_F(JobServiceTest, CancelStopsWhatWasNotSent) {
  const std::string device = server_.EnrollDevice("default", "gw");
  const v1::Job job = Create(Request("name:*", ":put 1"));
  v1::CancelJobRequest request;
  request.set_name(job.name());
  v1::CancelJobResponse response;
  ASSERT_TRUE(stub_->CancelJob(server_.Context(operator_).get(), request, &response).ok());
  EXPECT_EQ(response.cancelled_count(), 1);
  EXPECT_EQ(response.refused_count(), 0);
}

TEST_F(JobServiceTest, AnotherOrganizationCanNotUseADeviceOrDedupIntoIt) {
  server_.MakeOrganization("other");
  const std::string stranger = server_.MakeKey("other", v1::ROLE_ADMIN);
  const std::string device = server_.EnrollDevice("default", "gw");
  v1::CreateJobRequest request = Request("", ":put 1");
  request.set_device(device);
  request.set_request_id("same");
  const v1::Job job = Create(request);
  request.set_parent("organizations/other");
  v1::CreateJobResponse response;
  EXPECT_EQ(stub_->CreateJob(server_.Context(stranger).get(), request, &response).error_code(),
            StatusCode::NOT_FOUND);
  // The id of a foreign job under the own organization is as unknown.
  v1::GetJobRequest get;
  get.set_name(
      absl::StrCat("organizations/other/jobs/", job.name().substr(job.name().size() - 13)));
  v1::GetJobResponse got;
  EXPECT_EQ(stub_->GetJob(server_.Context(stranger).get(), get, &got).error_code(),
            StatusCode::NOT_FOUND);
  const std::string own = server_.EnrollDevice("other", "mine");
  request.set_device(own);
  ASSERT_TRUE(stub_->CreateJob(server_.Context(stranger).get(), request, &response).ok());
  EXPECT_NE(response.job().name().substr(response.job().name().size() - 13),
            job.name().substr(job.name().size() - 13));
}

TEST_F(JobServiceTest, AWatchEndsWithinFiveSecondsOfItsKeysRevocation) {
  server_.EnrollDevice("default", "gw");
  const v1::Job job = Create(Request("name:*", ":put 1"));
  v1::WatchJobRequest request;
  request.set_name(job.name());
  const auto context = server_.Context(viewer_);
  const auto reader = stub_->WatchJob(context.get(), request);
  v1::WatchJobResponse message;
  do {
    ASSERT_TRUE(reader->Read(&message));
  } while (!message.synced());
  v1::RevokeApiKeyRequest revoke;
  revoke.set_name(absl::StrCat("apiKeys/", FormatId(*IdOfApiKey(viewer_))));
  v1::RevokeApiKeyResponse revoked;
  const absl::Time began = absl::Now();
  ASSERT_TRUE(v1::ApiKeyService::NewStub(server_.channel())
                  ->RevokeApiKey(server_.Context(server_.root_key()).get(), revoke, &revoked)
                  .ok());
  while (reader->Read(&message)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_LT(absl::Now() - began, absl::Seconds(5));
}

TEST_F(JobServiceTest, AWatchEndsWithUnavailableWhenTheServerStops) {
  server_.EnrollDevice("default", "gw");
  const v1::Job job = Create(Request("name:*", ":put 1"));
  v1::WatchJobRequest request;
  request.set_name(job.name());
  const auto context = server_.Context(viewer_);
  const auto reader = stub_->WatchJob(context.get(), request);
  v1::WatchJobResponse message;
  do {
    ASSERT_TRUE(reader->Read(&message));
  } while (!message.synced());
  server_.StopApi();
  while (reader->Read(&message)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace muster::server
