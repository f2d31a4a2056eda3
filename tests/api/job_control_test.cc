// Waves, repetition and held jobs through the API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

class JobControlTest : public testing::Test {
 protected:
  JobControlTest() : stub_(v1::JobService::NewStub(server_.channel())) {
    operator_ = server_.MakeKey("default", v1::ROLE_OPERATOR);
    for (const char* identity : {"alpha", "beta", "gamma", "delta"}) {
      devices_.push_back(server_.EnrollDevice("default", identity));
    }
  }

  v1::CreateJobRequest Request() {
    v1::CreateJobRequest request;
    request.set_parent("organizations/default");
    request.set_script(":put hello");
    return request;
  }
  v1::Job Create(const v1::CreateJobRequest& request, StatusCode expected = StatusCode::OK) {
    v1::CreateJobResponse response;
    const auto status = stub_->CreateJob(server_.Context(operator_).get(), request, &response);
    EXPECT_EQ(status.error_code(), expected) << status.error_message();
    return response.job();
  }
  v1::Job Get(const std::string& name) {
    v1::GetJobRequest request;
    request.set_name(name);
    v1::GetJobResponse response;
    EXPECT_TRUE(stub_->GetJob(server_.Context(operator_).get(), request, &response).ok());
    return response.job();
  }
  std::map<std::string, v1::JobTarget> Targets(const std::string& job) {
    v1::ListJobTargetsRequest request;
    request.set_parent(job);
    v1::ListJobTargetsResponse response;
    EXPECT_TRUE(stub_->ListJobTargets(server_.Context(operator_).get(), request, &response).ok());
    std::map<std::string, v1::JobTarget> targets;
    for (const auto& target : response.targets()) targets[target.device()] = target;
    return targets;
  }
  std::vector<std::string> List(const v1::ListJobsRequest& narrow) {
    v1::ListJobsRequest request = narrow;
    request.set_parent("organizations/default");
    v1::ListJobsResponse response;
    EXPECT_TRUE(stub_->ListJobs(server_.Context(operator_).get(), request, &response).ok());
    std::vector<std::string> names;
    for (const v1::Job& job : response.jobs()) names.push_back(job.name());
    return names;
  }
  v1::Job Rerun(const v1::RerunJobRequest& request, StatusCode expected = StatusCode::OK) {
    v1::RerunJobResponse response;
    const auto status = stub_->RerunJob(server_.Context(operator_).get(), request, &response);
    EXPECT_EQ(status.error_code(), expected) << status.error_message();
    return response.job();
  }
  bool Ends(const std::string& job) {
    return server_.WaitForState([&] { return Get(job).has_end_time(); });
  }

  ApiTestServer server_;
  std::unique_ptr<v1::JobService::Stub> stub_;
  std::string operator_;
  std::vector<std::string> devices_;
};

TEST_F(JobControlTest, TheCanaryIsADeviceThatIsOnlineAndItsFailureStopsTheJob) {
  server_.CheckIn(devices_[2]);
  v1::CreateJobRequest request = Request();
  request.set_filter("name = \"*\"");
  request.set_canary_count(1);
  const v1::Job job = Create(request);
  EXPECT_EQ(job.waves().wave_count(), 2);
  ASSERT_TRUE(server_.WaitForState([&] { return Get(job.name()).waves().open_wave() == 1; }));
  EXPECT_EQ(Targets(job.name())[devices_[2]].wave(), 1);
  EXPECT_EQ(Targets(job.name())[devices_[0]].wave(), 2);
  ASSERT_TRUE(server_.WaitForState(
      [&] { return Targets(job.name())[devices_[2]].state() == v1::JOB_TARGET_STATE_AT_EDGE; }));
  server_.RunJob(devices_[2], false, "no such item");
  ASSERT_TRUE(Ends(job.name()));
  EXPECT_EQ(Get(job.name()).stop_reason(), "1 device failed, none may");
  const v1::JobTarget other = Targets(job.name())[devices_[0]];
  EXPECT_EQ(other.state(), v1::JOB_TARGET_STATE_CANCELLED);
  EXPECT_THAT(other.error(), HasSubstr("not started: 1 device failed"));

  // Once more: where it failed, then where it was not started.
  v1::RerunJobRequest rerun;
  rerun.set_name(job.name());
  rerun.set_failed(true);
  const v1::Job again = Rerun(rerun);
  EXPECT_EQ(again.target_count(), 1);
  EXPECT_EQ(again.script(), ":put hello");
  EXPECT_EQ(again.waves().canary_count(), 1);
  EXPECT_EQ(Targets(again.name()).begin()->first, devices_[2]);
  rerun.set_not_started(true);
  rerun.set_validate_only(true);
  EXPECT_EQ(Rerun(rerun).target_count(), 4);
  rerun.set_validate_only(false);
  rerun.set_request_id("once");
  const v1::Job both = Rerun(rerun);
  EXPECT_EQ(Rerun(rerun).name(), both.name());
}

TEST_F(JobControlTest, ARerunOfNobodyIsRefused) {
  server_.CheckIn(devices_[0]);
  v1::CreateJobRequest request = Request();
  request.set_device(devices_[0]);
  const v1::Job job = Create(request);
  server_.RunJob(devices_[0], true, "hello");
  ASSERT_TRUE(Ends(job.name()));
  v1::RerunJobRequest rerun;
  rerun.set_name(job.name());
  rerun.set_failed(true);
  Rerun(rerun, StatusCode::FAILED_PRECONDITION);
  rerun.set_failed(false);
  EXPECT_EQ(Rerun(rerun).target_count(), 1);
}

TEST_F(JobControlTest, NamedDevicesCountOnceAndMustAllBeThere) {
  v1::CreateJobRequest request = Request();
  for (const size_t at : {0, 1, 0}) request.add_devices(devices_[at]);
  EXPECT_EQ(Create(request).target_count(), 2);
  request.set_filter("name = \"*\"");
  Create(request, StatusCode::INVALID_ARGUMENT);
  request.clear_filter();
  request.add_devices("organizations/default/devices/0000000000001");
  Create(request, StatusCode::NOT_FOUND);
  request.set_canary_count(-1);
  Create(request, StatusCode::INVALID_ARGUMENT);
}

TEST_F(JobControlTest, TheListIsNarrowed) {
  for (const std::string& device : devices_) server_.CheckIn(device);
  v1::CreateJobRequest request = Request();
  request.set_device(devices_[0]);
  const v1::Job failed = Create(request);
  server_.RunJob(devices_[0], false, "no");
  request.set_device(devices_[1]);
  const v1::Job open = Create(request);
  v1::ListJobsRequest narrow;
  narrow.set_only_failed(true);
  EXPECT_THAT(List(narrow), testing::ElementsAre(failed.name()));
  narrow.Clear();
  narrow.set_only_open(true);
  EXPECT_THAT(List(narrow), testing::ElementsAre(open.name()));
  narrow.set_device(devices_[0]);
  EXPECT_THAT(List(narrow), testing::IsEmpty());
  narrow.Clear();
  narrow.set_device(devices_[0]);
  EXPECT_THAT(List(narrow), testing::ElementsAre(failed.name()));
  narrow.Clear();
  narrow.mutable_created_after()->set_seconds(failed.create_time().seconds() + 3600);
  EXPECT_THAT(List(narrow), testing::IsEmpty());
}

TEST_F(JobControlTest, JobsOfOneDeviceAreCancelledAlone) {
  v1::CreateJobRequest request = Request();
  request.set_filter("name = \"*\"");
  const v1::Job first = Create(request);
  const v1::Job second = Create(request);
  v1::CancelDeviceJobsRequest cancel;
  cancel.set_device(devices_[3]);
  cancel.set_job(first.name());
  v1::CancelDeviceJobsResponse response;
  ASSERT_TRUE(stub_->CancelDeviceJobs(server_.Context(operator_).get(), cancel, &response).ok());
  EXPECT_EQ(response.cancelled_count(), 1);
  EXPECT_EQ(Targets(first.name())[devices_[3]].state(), v1::JOB_TARGET_STATE_CANCELLED);
  EXPECT_EQ(Targets(second.name())[devices_[3]].state(), v1::JOB_TARGET_STATE_QUEUED);
  cancel.clear_job();
  cancel.set_only_held(true);
  ASSERT_TRUE(stub_->CancelDeviceJobs(server_.Context(operator_).get(), cancel, &response).ok());
  EXPECT_EQ(response.cancelled_count(), 0);
  cancel.set_only_held(false);
  ASSERT_TRUE(stub_->CancelDeviceJobs(server_.Context(operator_).get(), cancel, &response).ok());
  EXPECT_EQ(response.cancelled_count(), 1);
  EXPECT_EQ(Targets(second.name())[devices_[0]].state(), v1::JOB_TARGET_STATE_QUEUED);
}

TEST_F(JobControlTest, AllJobsOfADeviceAreCancelledHoweverManyWait) {
  // More than one command cancels; made past the API, which would take long.
  constexpr int kJobs = 1'050;
  const uint64_t device = IdOfName(devices_[0]);
  for (int job = 0; job < kJobs; ++job) {
    internal::v1::Command command;
    command.mutable_actor()->set_principal("musterd");
    auto& create = *command.mutable_create_job();
    create.set_job_id(1'000 + job);
    create.set_organization_id(
        server_.state().FindOrganizationBySlug("default").value_or(Organization{}).id.value);
    create.set_script(":put hello");
    create.set_device_id(device);
    create.add_members(device);
    server_.log().ProposeAsync(std::move(command), [](const absl::StatusOr<Applied>&) {});
  }
  ASSERT_TRUE(server_.WaitForState(
      [&] { return server_.state().FindJob(JobId{1'000 + kJobs - 1}, false).has_value(); }));
  v1::CancelDeviceJobsRequest cancel;
  cancel.set_device(devices_[0]);
  cancel.set_request_id("all");
  v1::CancelDeviceJobsResponse response;
  ASSERT_TRUE(stub_->CancelDeviceJobs(server_.Context(operator_).get(), cancel, &response).ok());
  EXPECT_EQ(response.cancelled_count(), kJobs);
  EXPECT_EQ(response.refused_count(), 0);
  EXPECT_TRUE(server_.state().ListOpenTargets(DeviceId{device}, 10).empty());
}

}  // namespace
}  // namespace muster::server
