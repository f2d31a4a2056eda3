// Agents through the API: how many are behind, and how they are brought up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "muster/v1/agent_service.grpc.pb.h"
#include "muster/v1/device_identity_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;

class AgentServiceTest : public testing::Test {
 protected:
  AgentServiceTest() : stub_(v1::AgentService::NewStub(server_.channel())) {
    operator_ = server_.MakeKey("default", v1::ROLE_OPERATOR);
  }

  v1::ListAgentsResponse List() {
    v1::ListAgentsRequest request;
    request.set_parent("organizations/default");
    v1::ListAgentsResponse response;
    EXPECT_TRUE(stub_->ListAgents(server_.Context(operator_).get(), request, &response).ok());
    return response;
  }
  StatusCode Upgrade(const v1::UpgradeAgentsRequest& given, v1::Job* job = nullptr) {
    v1::UpgradeAgentsRequest request = given;
    request.set_parent("organizations/default");
    v1::UpgradeAgentsResponse response;
    const auto status = stub_->UpgradeAgents(server_.Context(operator_).get(), request, &response);
    if (job != nullptr) *job = response.job();
    return status.error_code();
  }

  ApiTestServer server_;
  std::unique_ptr<v1::AgentService::Stub> stub_;
  std::string operator_;
};

TEST_F(AgentServiceTest, CountsWhatDevicesReportAndRefusesAnUpgradeOfNobody) {
  server_.EnrollDevice("default", "alpha");
  server_.EnrollDevice("default", "beta");
  const auto listed = List();
  ASSERT_EQ(listed.agents_size(), 1);
  EXPECT_EQ(listed.agents(0).device_count(), 2);
  EXPECT_NE(listed.current_version(), "");
  if (listed.behind_count() == 0) {
    EXPECT_EQ(Upgrade({}), StatusCode::FAILED_PRECONDITION);
  }
}

TEST_F(AgentServiceTest, NewUrlsAreAnUpgradeInWavesOfOneAndAHundred) {
  server_.EnrollDevice("default", "alpha");
  server_.EnrollDevice("default", "beta");
  v1::UpgradeAgentsRequest request;
  request.add_urls("https://edge-2.example.net");
  v1::Job job;
  ASSERT_EQ(Upgrade(request, &job), StatusCode::OK);
  EXPECT_EQ(job.target_count(), 2);
  EXPECT_EQ(job.waves().canary_count(), 1);
  EXPECT_EQ(job.waves().batch_size(), 100);
  EXPECT_EQ(job.agent_version(), List().current_version());
  for (const char* url : {"http://plain.example.net", "https://a b", "https://x\"y"}) {
    v1::UpgradeAgentsRequest bad;
    bad.add_urls(url);
    EXPECT_EQ(Upgrade(bad), StatusCode::INVALID_ARGUMENT) << url;
  }
  request.set_filter("site = ");
  EXPECT_EQ(Upgrade(request), StatusCode::INVALID_ARGUMENT);
}

TEST_F(AgentServiceTest, AnotherProfileTakesAlongThoseThatHaveADifferentOne) {
  server_.EnrollDevice("default", "alpha");
  v1::UpgradeAgentsRequest request;
  request.set_profile(v1::PROFILE_SLOW);
  request.set_validate_only(true);
  v1::Job job;
  ASSERT_EQ(Upgrade(request, &job), StatusCode::OK);
  EXPECT_EQ(job.target_count(), 1);
  request.set_profile(static_cast<v1::Profile>(77));
  EXPECT_EQ(Upgrade(request), StatusCode::INVALID_ARGUMENT);
  request.set_profile(v1::PROFILE_SLOW);
  request.set_ignore_windows(true);
  EXPECT_EQ(Upgrade(request), StatusCode::PERMISSION_DENIED) << "admins only";
}

TEST_F(AgentServiceTest, LivesThirtyDaysFromItsBeginning) {
  server_.EnrollDevice("default", "alpha");
  v1::UpgradeAgentsRequest request;
  request.add_urls("https://edge-2.example.net");
  const int64_t begin = absl::ToUnixSeconds(absl::Now() + absl::Hours(24 * 10));
  request.mutable_not_before()->set_seconds(begin);
  v1::Job job;
  ASSERT_EQ(Upgrade(request, &job), StatusCode::OK);
  EXPECT_EQ(job.not_before().seconds(), begin);
  EXPECT_EQ(job.not_after().seconds(), begin + 30 * 24 * 3600);
}

TEST_F(AgentServiceTest, UrlsOfOneDeviceAreSetAndTakenBack) {
  const std::string device = server_.EnrollDevice("default", "alpha");
  const auto stub = v1::DeviceIdentityService::NewStub(server_.channel());
  v1::SetDeviceUrlsRequest request;
  request.set_name(device);
  v1::SetDeviceUrlsResponse response;
  const auto set = [&] {
    return stub->SetDeviceUrls(server_.Context(operator_).get(), request, &response).error_code();
  };
  request.add_urls("https://edge-2.example.net");
  ASSERT_EQ(set(), StatusCode::OK);
  EXPECT_THAT(response.device().agent_urls(), testing::ElementsAre("https://edge-2.example.net"));
  request.set_urls(0, "http://plain.example.net");
  EXPECT_EQ(set(), StatusCode::INVALID_ARGUMENT);
  request.clear_urls();
  ASSERT_EQ(set(), StatusCode::OK);
  EXPECT_EQ(response.device().agent_urls_size(), 0);
}

}  // namespace
}  // namespace muster::server
