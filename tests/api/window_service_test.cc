// Maintenance windows through the API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/window_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

class WindowServiceTest : public testing::Test {
 protected:
  WindowServiceTest()
      : stub_(v1::WindowService::NewStub(server_.channel())),
        jobs_(v1::JobService::NewStub(server_.channel())) {
    admin_ = server_.MakeKey("default", v1::ROLE_ADMIN);
    operator_ = server_.MakeKey("default", v1::ROLE_OPERATOR);
    device_ = server_.EnrollDevice("default", "alpha");
    server_.CheckIn(device_);
  }

  v1::SetWindowRequest Request(const std::string& times) {
    v1::SetWindowRequest request;
    request.mutable_window()->set_name("organizations/default/windows/night");
    request.mutable_window()->set_device(device_);
    request.mutable_window()->set_times(times);
    request.mutable_window()->set_time_zone("UTC");
    return request;
  }
  StatusCode Set(const v1::SetWindowRequest& request, v1::MaintenanceWindow* window = nullptr) {
    v1::SetWindowResponse response;
    const auto status = stub_->SetWindow(server_.Context(admin_).get(), request, &response);
    if (window != nullptr) *window = response.window();
    return status.error_code();
  }
  v1::Job Create(bool ignore, const std::string& key, StatusCode expected = StatusCode::OK) {
    v1::CreateJobRequest request;
    request.set_parent("organizations/default");
    request.set_device(device_);
    request.set_script(":put 1");
    request.set_ignore_windows(ignore);
    v1::CreateJobResponse response;
    const auto status = jobs_->CreateJob(server_.Context(key).get(), request, &response);
    EXPECT_EQ(status.error_code(), expected) << status.error_message();
    return response.job();
  }
  v1::JobTarget TargetOf(const v1::Job& job) {
    v1::ListJobTargetsRequest request;
    request.set_parent(job.name());
    v1::ListJobTargetsResponse response;
    EXPECT_TRUE(jobs_->ListJobTargets(server_.Context(admin_).get(), request, &response).ok());
    return response.targets(0);
  }
  // A quarter of an hour that begins `hours` from now, in UTC.
  static std::string QuarterIn(int hours) {
    const absl::Time start = absl::Now() + absl::Hours(hours);
    return absl::FormatTime("daily %H:%M-", start, absl::UTCTimeZone()) +
           absl::FormatTime("%H:%M", start + absl::Minutes(15), absl::UTCTimeZone());
  }

  ApiTestServer server_;
  std::unique_ptr<v1::WindowService::Stub> stub_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::string admin_;
  std::string operator_;
  std::string device_;
};

TEST_F(WindowServiceTest, AClosedWindowHoldsTheJobAndSaysUntilWhen) {
  v1::MaintenanceWindow window;
  ASSERT_EQ(Set(Request(QuarterIn(12)), &window), StatusCode::OK);
  EXPECT_FALSE(window.open());
  const v1::Job job = Create(false, operator_);
  server_.CheckIn(device_);
  EXPECT_EQ(TargetOf(job).state(), v1::JOB_TARGET_STATE_QUEUED);
  EXPECT_EQ(TargetOf(job).wait_reason(),
            "waits for window night, which opens " + window.next_change());
  Create(true, operator_, StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(TargetOf(Create(true, admin_)).state(), v1::JOB_TARGET_STATE_AT_EDGE);
}

TEST_F(WindowServiceTest, AnOpenOneLetsItGoAndDeletingListsItNoMore) {
  v1::MaintenanceWindow window;
  ASSERT_EQ(Set(Request("daily 00:00-24:00"), &window), StatusCode::OK);
  EXPECT_TRUE(window.open());
  EXPECT_EQ(TargetOf(Create(false, operator_)).state(), v1::JOB_TARGET_STATE_AT_EDGE);
  v1::ListWindowsRequest list;
  list.set_parent("organizations/default");
  v1::ListWindowsResponse listed;
  ASSERT_TRUE(stub_->ListWindows(server_.Context(operator_).get(), list, &listed).ok());
  ASSERT_EQ(listed.windows_size(), 1);
  EXPECT_EQ(listed.windows(0).device(), device_);
  v1::DeleteWindowRequest remove;
  remove.set_name("organizations/default/windows/night");
  v1::DeleteWindowResponse removed;
  ASSERT_TRUE(stub_->DeleteWindow(server_.Context(admin_).get(), remove, &removed).ok());
  EXPECT_EQ(stub_->DeleteWindow(server_.Context(admin_).get(), remove, &removed).error_code(),
            StatusCode::NOT_FOUND);
}

TEST_F(WindowServiceTest, WrongOnesAreRefused) {
  EXPECT_EQ(Set(Request("sometimes")), StatusCode::INVALID_ARGUMENT);
  v1::SetWindowRequest request = Request("daily 01:00-02:00");
  request.mutable_window()->set_time_zone("Mars/Olympus");
  EXPECT_EQ(Set(request), StatusCode::INVALID_ARGUMENT);
  request = Request("daily 01:00-02:00");
  request.mutable_window()->set_site("riga");
  EXPECT_EQ(Set(request), StatusCode::INVALID_ARGUMENT);
  request.mutable_window()->clear_device();
  request.mutable_window()->clear_site();
  request.mutable_window()->set_label("role");
  EXPECT_EQ(Set(request), StatusCode::INVALID_ARGUMENT);
  request.mutable_window()->set_label("role=core");
  EXPECT_EQ(Set(request), StatusCode::OK);
}

TEST_F(WindowServiceTest, ARerunGoesPastWindowsWhereTheFirstJobDidAndTheCallerMay) {
  const v1::Job job = Create(true, admin_);
  v1::RerunJobRequest rerun;
  rerun.set_name(job.name());
  v1::RerunJobResponse response;
  EXPECT_EQ(jobs_->RerunJob(server_.Context(operator_).get(), rerun, &response).error_code(),
            StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(jobs_->RerunJob(server_.Context(admin_).get(), rerun, &response).ok());
  EXPECT_TRUE(response.job().ignore_windows());
}

}  // namespace
}  // namespace muster::server
