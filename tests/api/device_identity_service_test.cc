#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "muster/v1/audit_service.grpc.pb.h"
#include "muster/v1/claim_service.grpc.pb.h"
#include "muster/v1/device_identity_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using v1::DeviceIdentityService;

class DeviceIdentityServiceTest : public testing::Test {
 protected:
  DeviceIdentityServiceTest()
      : stub_(DeviceIdentityService::NewStub(server_.channel())),
        claims_(v1::ClaimService::NewStub(server_.channel())),
        devices_(v1::DeviceService::NewStub(server_.channel())) {
    server_.MakeOrganization("other");
    admin_ = server_.MakeKey("default", v1::ROLE_ADMIN);
    device_ = server_.EnrollDevice("default", "gw-1");
    server_.CheckIn(device_);
  }

  template <typename Response, typename Request>
  StatusCode Call(grpc::Status (DeviceIdentityService::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                  const Request& request, Response* response = nullptr,
                  absl::string_view key = "") {
    Response unused;
    const auto context = server_.Context(key.empty() ? admin_ : key);
    status_ =
        (stub_.get()->*method)(context.get(), request, response == nullptr ? &unused : response);
    return status_.error_code();
  }

  template <typename Request>
  Request Named() {
    Request request;
    request.set_name(device_);
    return request;
  }

  v1::Device Get(const std::string& name) {
    v1::GetDeviceRequest request;
    request.set_name(name);
    v1::GetDeviceResponse response;
    status_ = devices_->GetDevice(server_.Context(server_.root_key()).get(), request, &response);
    return response.device();
  }

  ApiTestServer server_;
  std::unique_ptr<DeviceIdentityService::Stub> stub_;
  std::unique_ptr<v1::ClaimService::Stub> claims_;
  std::unique_ptr<v1::DeviceService::Stub> devices_;
  std::string admin_;
  std::string device_;
  grpc::Status status_;
};

TEST_F(DeviceIdentityServiceTest, ARotationShowsThatATokenIsOnItsWayAndWhichAgentBringsIt) {
  v1::RotateDeviceTokenResponse response;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::RotateDeviceToken,
                 Named<v1::RotateDeviceTokenRequest>(), &response),
            StatusCode::OK);
  EXPECT_TRUE(response.device().token_rotating());
  EXPECT_TRUE(response.device().agent_offered());
  EXPECT_TRUE(absl::EndsWith(response.device().wanted_agent_version(), "+1"));
}

TEST_F(DeviceIdentityServiceTest, ARevokedDeviceSaysSoAndCanNotBeRotated) {
  v1::RevokeDeviceTokenResponse response;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::RevokeDeviceToken,
                 Named<v1::RevokeDeviceTokenRequest>(), &response),
            StatusCode::OK);
  EXPECT_EQ(response.device().state(), v1::DEVICE_STATE_REVOKED);
  EXPECT_TRUE(response.device().has_token_revoke_time());
  EXPECT_EQ(
      Call(&DeviceIdentityService::Stub::RotateDeviceToken, Named<v1::RotateDeviceTokenRequest>()),
      StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status_.error_message(), testing::HasSubstr("claim create --replace"));
}

TEST_F(DeviceIdentityServiceTest, WhatIsNotHeldCanNotBeLetGo) {
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::AcceptDeviceIdentity,
                 Named<v1::AcceptDeviceIdentityRequest>()),
            StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::ResyncDevice, Named<v1::ResyncDeviceRequest>()),
            StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::AcceptDevice, Named<v1::AcceptDeviceRequest>()),
            StatusCode::OK);
}

TEST_F(DeviceIdentityServiceTest, AMoveTakesThePlatformKeyAndLeavesNothingBehind) {
  v1::MoveDeviceRequest request = Named<v1::MoveDeviceRequest>();
  request.set_organization("organizations/other");
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::MoveDevice, request), StatusCode::PERMISSION_DENIED);
  v1::MoveDeviceResponse response;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::MoveDevice, request, &response, server_.root_key()),
            StatusCode::OK)
      << status_.error_message();
  EXPECT_TRUE(absl::StartsWith(response.device().name(), "organizations/other/devices/"));
  Get(device_);
  EXPECT_EQ(status_.error_code(), StatusCode::NOT_FOUND);
  const v1::Device moved = Get(response.device().name());
  EXPECT_EQ(moved.identity(), "gw-1");
  ASSERT_EQ(moved.recent_events_size(), 1);
  EXPECT_EQ(moved.recent_events(0).kind(), "moved");
  request.set_name(response.device().name());
  request.set_organization("organizations/nowhere");
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::MoveDevice, request,
                 static_cast<v1::MoveDeviceResponse*>(nullptr), server_.root_key()),
            StatusCode::NOT_FOUND);
}

TEST_F(DeviceIdentityServiceTest, TheOldOrganizationSeesItsJobButNotWhatTheDeviceIsCalledNow) {
  const auto jobs = v1::JobService::NewStub(server_.channel());
  v1::CreateJobRequest create;
  create.set_parent("organizations/default");
  create.set_device(device_);
  create.set_script(":put 1");
  v1::CreateJobResponse created;
  ASSERT_TRUE(jobs->CreateJob(server_.Context(admin_).get(), create, &created).ok());
  server_.RunJob(device_, true, "1");
  v1::MoveDeviceRequest request = Named<v1::MoveDeviceRequest>();
  request.set_organization("organizations/other");
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::MoveDevice, request,
                 static_cast<v1::MoveDeviceResponse*>(nullptr), server_.root_key()),
            StatusCode::OK)
      << status_.error_message();
  v1::ListJobTargetsRequest list;
  list.set_parent(created.job().name());
  v1::ListJobTargetsResponse targets;
  ASSERT_TRUE(jobs->ListJobTargets(server_.Context(admin_).get(), list, &targets).ok());
  ASSERT_EQ(targets.targets_size(), 1);
  EXPECT_EQ(targets.targets(0).device_title(), FormatId(IdOfName(device_)));
  EXPECT_EQ(targets.targets(0).state(), v1::JOB_TARGET_STATE_SUCCEEDED);
}

TEST_F(DeviceIdentityServiceTest, AReleaseIsAJobAndItsSuccessATombstone) {
  v1::ReleaseDeviceRequest request = Named<v1::ReleaseDeviceRequest>();
  request.set_request_id("mine");
  v1::ReleaseDeviceResponse response;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ReleaseDevice, request, &response), StatusCode::OK)
      << status_.error_message();
  EXPECT_EQ(response.device().state(), v1::DEVICE_STATE_RELEASING);
  v1::ReleaseDeviceResponse again;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ReleaseDevice, request, &again), StatusCode::OK);
  EXPECT_EQ(again.job(), response.job());
  server_.RunJob(device_, true, "");
  EXPECT_EQ(Get(device_).state(), v1::DEVICE_STATE_RELEASED);
  v1::ReleaseDeviceResponse after;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ReleaseDevice, request, &after), StatusCode::OK)
      << status_.error_message();
  EXPECT_EQ(after.job(), response.job());
  request.set_request_id("another");
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::ReleaseDevice, request),
            StatusCode::FAILED_PRECONDITION);
}

TEST_F(DeviceIdentityServiceTest, ARepetitionGetsItsAnswerAlsoAfterTheDeviceWasDeleted) {
  v1::AcceptDeviceRequest request = Named<v1::AcceptDeviceRequest>();
  request.set_request_id("mine");
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::AcceptDevice, request), StatusCode::OK)
      << status_.error_message();
  v1::DeleteDeviceRequest gone;
  gone.set_name(device_);
  v1::DeleteDeviceResponse unused;
  ASSERT_TRUE(devices_->DeleteDevice(server_.Context(admin_).get(), gone, &unused).ok());
  v1::AcceptDeviceResponse again;
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::AcceptDevice, request, &again), StatusCode::OK)
      << status_.error_message();
  EXPECT_EQ(again.device().name(), device_);
  request.set_request_id("another");
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::AcceptDevice, request),
            StatusCode::FAILED_PRECONDITION);
}

TEST_F(DeviceIdentityServiceTest, OfflineAndPreviewChangeNothing) {
  v1::ReleaseDeviceRequest request = Named<v1::ReleaseDeviceRequest>();
  request.set_offline(true);
  v1::ReleaseDeviceResponse response;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ReleaseDevice, request, &response), StatusCode::OK);
  EXPECT_FALSE(response.removal_line().empty());
  EXPECT_EQ(Get(device_).state(), v1::DEVICE_STATE_ACTIVE);
}

TEST_F(DeviceIdentityServiceTest, ImportsAreListedPagedAndDeleted) {
  v1::ImportPreregistrationsRequest request;
  request.set_parent("organizations/default");
  for (const char* serial : {"HC1", "HC2", "HC3"}) {
    request.add_preregistrations()->set_serial_number(serial);
  }
  request.set_validate_only(true);
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ImportPreregistrations, request), StatusCode::OK);
  v1::ListPreregistrationsRequest list;
  list.set_parent("organizations/default");
  list.set_page_size(2);
  v1::ListPreregistrationsResponse page;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ListPreregistrations, list, &page), StatusCode::OK);
  EXPECT_EQ(page.preregistrations_size(), 0) << "validate_only imports nothing";
  request.set_validate_only(false);
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ImportPreregistrations, request), StatusCode::OK);
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ListPreregistrations, list, &page), StatusCode::OK);
  ASSERT_EQ(page.preregistrations_size(), 2);
  list.set_page_token(page.next_page_token());
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ListPreregistrations, list, &page), StatusCode::OK);
  ASSERT_EQ(page.preregistrations_size(), 1);
  EXPECT_EQ(page.preregistrations(0).serial_number(), "HC3");
  v1::DeletePreregistrationRequest remove;
  remove.set_parent("organizations/default");
  remove.set_serial_number("HC3");
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::DeletePreregistration, remove), StatusCode::OK);
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::DeletePreregistration, remove),
            StatusCode::NOT_FOUND);
}

TEST_F(DeviceIdentityServiceTest, ABadImportIsRefusedWhole) {
  v1::ImportPreregistrationsRequest request;
  request.set_parent("organizations/default");
  request.add_preregistrations()->set_serial_number("HC1");
  request.add_preregistrations()->set_serial_number("HC1");
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::ImportPreregistrations, request),
            StatusCode::INVALID_ARGUMENT);
  request.mutable_preregistrations(1)->set_serial_number(std::string(65, 'x'));
  EXPECT_EQ(Call(&DeviceIdentityService::Stub::ImportPreregistrations, request),
            StatusCode::INVALID_ARGUMENT);
  v1::ListPreregistrationsRequest list;
  list.set_parent("organizations/default");
  v1::ListPreregistrationsResponse page;
  ASSERT_EQ(Call(&DeviceIdentityService::Stub::ListPreregistrations, list, &page), StatusCode::OK);
  EXPECT_EQ(page.preregistrations_size(), 0);
}

TEST_F(DeviceIdentityServiceTest, AClaimSaysWhatItsDevicesWillBe) {
  v1::CreateClaimRequest request;
  request.set_parent("organizations/default");
  request.set_replaces_device(device_);
  request.set_profile(v1::PROFILE_METERED);
  request.set_approve(true);
  v1::CreateClaimResponse response;
  ASSERT_TRUE(claims_->CreateClaim(server_.Context(admin_).get(), request, &response).ok());
  EXPECT_EQ(response.claim().replaces_device(), device_);
  EXPECT_EQ(response.claim().profile(), v1::PROFILE_METERED);
  EXPECT_TRUE(response.claim().approve());
  request.set_max_devices(2);
  EXPECT_EQ(claims_->CreateClaim(server_.Context(admin_).get(), request, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
  request.set_max_devices(1);
  request.set_replaces_device("organizations/other/devices/" + FormatId(IdOfName(device_)));
  EXPECT_EQ(claims_->CreateClaim(server_.Context(admin_).get(), request, &response).error_code(),
            StatusCode::NOT_FOUND);
}

TEST_F(DeviceIdentityServiceTest, APreviewCreatesNoClaim) {
  v1::CreateClaimRequest request;
  request.set_parent("organizations/default");
  request.set_validate_only(true);
  v1::CreateClaimResponse response;
  ASSERT_TRUE(claims_->CreateClaim(server_.Context(admin_).get(), request, &response).ok());
  EXPECT_EQ(response.previews_size(), 5);
  EXPECT_TRUE(response.bootstrap_line().empty());
  v1::ListClaimsRequest list;
  list.set_parent("organizations/default");
  v1::ListClaimsResponse listed;
  ASSERT_TRUE(claims_->ListClaims(server_.Context(admin_).get(), list, &listed).ok());
  for (const v1::Claim& claim : listed.claims()) EXPECT_GT(claim.used_devices(), 0);
}

}  // namespace
}  // namespace muster::server
