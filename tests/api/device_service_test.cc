#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "server/grpc_api/position_text.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::SizeIs;

class DeviceServiceTest : public testing::Test {
 protected:
  DeviceServiceTest() : stub_(v1::DeviceService::NewStub(server_.channel())) {
    server_.MakeOrganization("other");
    admin_ = server_.MakeKey("default", v1::ROLE_ADMIN);
    stranger_ = server_.MakeKey("other", v1::ROLE_ADMIN);
  }

  v1::ListDevicesResponse List(const std::string& filter, int page_size = 0,
                               const std::string& token = "",
                               StatusCode expected = StatusCode::OK) {
    v1::ListDevicesRequest request;
    request.set_parent("organizations/default");
    request.set_filter(filter);
    request.set_page_size(page_size);
    request.set_page_token(token);
    v1::ListDevicesResponse response;
    status_ = stub_->ListDevices(server_.Context(admin_).get(), request, &response);
    EXPECT_EQ(status_.error_code(), expected) << filter << ": " << status_.error_message();
    return response;
  }

  std::vector<std::string> Names(const std::string& filter) {
    std::vector<std::string> names;
    const v1::ListDevicesResponse response = List(filter);
    for (const v1::Device& device : response.devices()) names.push_back(device.identity());
    std::sort(names.begin(), names.end());
    return names;
  }

  v1::Device Get(const std::string& name) {
    v1::GetDeviceRequest request;
    request.set_name(name);
    v1::GetDeviceResponse response;
    EXPECT_TRUE(stub_->GetDevice(server_.Context(admin_).get(), request, &response).ok());
    return response.device();
  }

  StatusCode Update(const v1::UpdateDeviceRequest& request, v1::Device* device = nullptr) {
    v1::UpdateDeviceResponse response;
    status_ = stub_->UpdateDevice(server_.Context(admin_).get(), request, &response);
    if (device != nullptr) *device = response.device();
    return status_.error_code();
  }

  ApiTestServer server_;
  std::unique_ptr<v1::DeviceService::Stub> stub_;
  std::string admin_;
  std::string stranger_;
  grpc::Status status_;
};

TEST_F(DeviceServiceTest, ShowsWhatTheRouterReported) {
  const std::string name = server_.EnrollDevice("default", "gw-1", "7.20.8");
  EXPECT_EQ(Get(name).status().online(), v1::ONLINE_STATE_NEVER);
  server_.CheckIn(name, 42);
  const v1::Device device = Get(name);
  EXPECT_EQ(device.identity(), "gw-1");
  EXPECT_EQ(device.model(), "RB5009");
  EXPECT_EQ(device.routeros_version(), "7.20.8");
  EXPECT_EQ(device.status().online(), v1::ONLINE_STATE_ONLINE);
  EXPECT_EQ(device.status().cpu_load_percent(), 42);
  EXPECT_EQ(device.status().source_address(), "203.0.113.7");
  EXPECT_EQ(device.status().edge(), "edges/west");
  EXPECT_FALSE(device.status().has_disk_free_bytes());
  ASSERT_FALSE(device.recent_events().empty());
  EXPECT_EQ(device.recent_events(device.recent_events_size() - 1).kind(), "enrolled");
}

TEST_F(DeviceServiceTest, FiltersByStatusAndFacts) {
  const std::string a = server_.EnrollDevice("default", "alpha", "7.20.8");
  const std::string b = server_.EnrollDevice("default", "beta", "6.49.10");
  server_.EnrollDevice("default", "gamma", "7.8");
  server_.EnrollDevice("other", "foreign", "7.20.8");
  server_.CheckIn(a, 90);
  server_.CheckIn(b, 10);
  EXPECT_THAT(Names(""), ElementsAre("alpha", "beta", "gamma"));
  EXPECT_THAT(Names("online = true"), ElementsAre("alpha", "beta"));
  EXPECT_THAT(Names("cpu > 50"), ElementsAre("alpha"));
  EXPECT_THAT(Names("memory = 75"), ElementsAre("alpha", "beta"));
  EXPECT_THAT(Names("version < 7.10"), ElementsAre("beta", "gamma"));
  EXPECT_THAT(Names("online = never OR cpu < 50"), ElementsAre("beta", "gamma"));
  EXPECT_THAT(Names("name = " + a), ElementsAre("alpha"));
  EXPECT_THAT(Names("last_check_in > 1m identity = a*"), ElementsAre("alpha"));
}

TEST_F(DeviceServiceTest, ABadFilterIsABadRequestWithItsField) {
  List("online = maybe", 0, "", StatusCode::INVALID_ARGUMENT);
  google::rpc::Status rich;
  ASSERT_TRUE(rich.ParseFromString(status_.error_details()));
  google::rpc::BadRequest bad;
  bool found = false;
  for (const auto& detail : rich.details()) found = found || detail.UnpackTo(&bad);
  ASSERT_TRUE(found);
  EXPECT_EQ(bad.field_violations(0).field(), "filter");
  EXPECT_THAT(bad.field_violations(0).description(), testing::HasSubstr("character 10"));
}

TEST_F(DeviceServiceTest, PagesThroughAllOfThemOnce) {
  std::set<std::string> made;
  for (int i = 0; i < 7; ++i) made.insert(server_.EnrollDevice("default", absl::StrCat("d", i)));
  std::set<std::string> seen;
  std::string token;
  do {
    const v1::ListDevicesResponse page = List("identity = d*", 3, token);
    EXPECT_EQ(page.total_size(), 7);
    EXPECT_LE(page.devices_size(), 3);
    for (const v1::Device& device : page.devices()) {
      EXPECT_TRUE(seen.insert(device.name()).second);
    }
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_EQ(seen, made);
  EXPECT_EQ(List("", -1, "", StatusCode::INVALID_ARGUMENT).devices_size(), 0);
}

TEST_F(DeviceServiceTest, APageTokenIsGoodForItsListingAlone) {
  for (int i = 0; i < 3; ++i) server_.EnrollDevice("default", absl::StrCat("d", i));
  const std::string token = List("identity = d*", 1).next_page_token();
  ASSERT_FALSE(token.empty());
  List("", 1, token, StatusCode::INVALID_ARGUMENT);
  List("identity = d1", 1, token, StatusCode::INVALID_ARGUMENT);
  std::string changed = token;
  changed[5] = changed[5] == 'A' ? 'B' : 'A';
  List("identity = d*", 1, changed, StatusCode::INVALID_ARGUMENT);
  v1::ListDevicesRequest request;
  request.set_parent("organizations/other");
  request.set_filter("identity = d*");
  request.set_page_token(token);
  v1::ListDevicesResponse response;
  EXPECT_EQ(stub_->ListDevices(server_.Context(stranger_).get(), request, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(DeviceServiceTest, ChangesOnlyWhatTheMaskNames) {
  v1::UpdateDeviceRequest request;
  request.mutable_device()->set_name(server_.EnrollDevice("default", "gw"));
  request.mutable_device()->set_display_name("Gateway");
  request.mutable_device()->set_notes("rack 3");
  request.mutable_device()->set_site("berlin");
  (*request.mutable_device()->mutable_labels())["ring"] = "canary";
  (*request.mutable_device()->mutable_labels())["tier"] = "1";
  EXPECT_EQ(Update(request), StatusCode::INVALID_ARGUMENT) << "no mask";
  for (const char* path : {"display_name", "site", "labels.ring", "labels.gone"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  v1::Device device;
  ASSERT_EQ(Update(request, &device), StatusCode::OK) << status_.error_message();
  EXPECT_EQ(device.display_name(), "Gateway");
  EXPECT_EQ(device.site(), "berlin");
  EXPECT_EQ(device.notes(), "");
  EXPECT_THAT(device.labels(), SizeIs(1));
  EXPECT_THAT(Names("labels.ring = canary"), ElementsAre("gw"));

  request.mutable_device()->clear_labels();
  request.mutable_update_mask()->clear_paths();
  request.mutable_update_mask()->add_paths("labels");
  ASSERT_EQ(Update(request, &device), StatusCode::OK);
  EXPECT_THAT(device.labels(), SizeIs(0));
  request.mutable_update_mask()->add_paths("identity");
  EXPECT_EQ(Update(request), StatusCode::INVALID_ARGUMENT);
}

TEST_F(DeviceServiceTest, RefusesValuesOutsideOfTheLimits) {
  v1::UpdateDeviceRequest request;
  request.mutable_device()->set_name(server_.EnrollDevice("default", "gw"));
  for (const char* path : {"display_name", "labels"})
    request.mutable_update_mask()->add_paths(path);
  request.mutable_device()->set_display_name("a\x1b[31m");
  EXPECT_EQ(Update(request), StatusCode::INVALID_ARGUMENT);
  request.mutable_device()->set_display_name(std::string(129, 'x'));
  EXPECT_EQ(Update(request), StatusCode::INVALID_ARGUMENT);
  request.mutable_device()->set_display_name("fine");
  (*request.mutable_device()->mutable_labels())["bad key"] = "x";
  EXPECT_EQ(Update(request), StatusCode::INVALID_ARGUMENT);
}

TEST_F(DeviceServiceTest, LetsHeldJobsGoOnButHoldsNone) {
  v1::UpdateDeviceRequest request;
  request.mutable_device()->set_name(server_.EnrollDevice("default", "gw"));
  request.mutable_update_mask()->add_paths("jobs_held");
  EXPECT_EQ(Update(request), StatusCode::OK) << status_.error_message();
  request.mutable_device()->set_jobs_held(true);
  EXPECT_EQ(Update(request), StatusCode::INVALID_ARGUMENT);
}

TEST_F(DeviceServiceTest, AStaleEtagIsAborted) {
  v1::UpdateDeviceRequest request;
  request.mutable_device()->set_name(server_.EnrollDevice("default", "gw"));
  request.mutable_device()->set_notes("one");
  request.mutable_update_mask()->add_paths("notes");
  const std::string etag = Get(request.device().name()).etag();
  ASSERT_FALSE(etag.empty());
  request.mutable_device()->set_etag(etag);
  EXPECT_EQ(Update(request), StatusCode::OK) << status_.error_message();
  EXPECT_EQ(Update(request), StatusCode::ABORTED);
}

TEST_F(DeviceServiceTest, ARepetitionWithItsEtagGetsTheFirstAnswer) {
  v1::UpdateDeviceRequest request;
  request.mutable_device()->set_name(server_.EnrollDevice("default", "gw"));
  request.mutable_device()->set_notes("one");
  request.mutable_device()->set_etag(Get(request.device().name()).etag());
  request.mutable_update_mask()->add_paths("notes");
  request.set_request_id("once");
  EXPECT_EQ(Update(request), StatusCode::OK) << status_.error_message();
  const std::string etag = Get(request.device().name()).etag();
  EXPECT_EQ(Update(request), StatusCode::OK) << status_.error_message();
  EXPECT_EQ(Get(request.device().name()).etag(), etag);
  request.set_request_id("another");
  EXPECT_EQ(Update(request), StatusCode::ABORTED);
}

TEST_F(DeviceServiceTest, ADeletedDeviceIsATombstone) {
  const std::string name = server_.EnrollDevice("default", "gw");
  v1::DeleteDeviceRequest request;
  request.set_name(name);
  request.set_request_id("once");
  v1::DeleteDeviceResponse response;
  ASSERT_TRUE(stub_->DeleteDevice(server_.Context(admin_).get(), request, &response).ok());
  EXPECT_TRUE(response.device().has_delete_time());
  EXPECT_TRUE(stub_->DeleteDevice(server_.Context(admin_).get(), request, &response).ok());
  EXPECT_EQ(List("").devices_size(), 0);
  v1::ListDevicesRequest list;
  list.set_parent("organizations/default");
  list.set_show_deleted(true);
  v1::ListDevicesResponse all;
  ASSERT_TRUE(stub_->ListDevices(server_.Context(admin_).get(), list, &all).ok());
  EXPECT_EQ(all.devices_size(), 1);
  EXPECT_TRUE(Get(name).has_delete_time());
}

TEST_F(DeviceServiceTest, ATrailerSaysTheLogPositionAndACallMayWaitForIt) {
  auto context = server_.Context(admin_);
  v1::ListDevicesRequest request;
  request.set_parent("organizations/default");
  v1::ListDevicesResponse response;
  ASSERT_TRUE(stub_->ListDevices(context.get(), request, &response).ok());
  const auto& trailers = context->GetServerTrailingMetadata();
  const auto found = trailers.find("muster-position");
  ASSERT_NE(found, trailers.end());
  const std::string position(found->second.data(), found->second.size());
  context = server_.Context(admin_);
  context->AddMetadata("muster-position", position);
  EXPECT_TRUE(stub_->ListDevices(context.get(), request, &response).ok());
  context = server_.Context(admin_);
  context->AddMetadata("muster-position", "nonsense");
  EXPECT_EQ(stub_->ListDevices(context.get(), request, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
  context = server_.Context(admin_);
  context->AddMetadata("muster-position", std::string(32, '0') + ":1");
  EXPECT_EQ(stub_->ListDevices(context.get(), request, &response).error_code(),
            StatusCode::FAILED_PRECONDITION);
}

TEST_F(DeviceServiceTest, CallsThatWaitForAPositionThatNeverComesLeaveRoomForOthers) {
  const Position applied = server_.log().AppliedPosition();
  const std::string never = FormatPosition({applied.log_id, applied.index + 1'000'000});
  v1::ListDevicesRequest request;
  request.set_parent("organizations/default");
  std::atomic<int> refused = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 80; ++i) {
    callers.emplace_back([&] {
      const auto context = server_.Context(admin_);
      context->AddMetadata("muster-position", never);
      v1::ListDevicesResponse response;
      const auto status = stub_->ListDevices(context.get(), request, &response);
      EXPECT_FALSE(status.ok());
      if (status.error_code() == StatusCode::RESOURCE_EXHAUSTED) ++refused;
    });
  }
  v1::ListDevicesResponse response;
  EXPECT_TRUE(stub_->ListDevices(server_.Context(admin_).get(), request, &response).ok());
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace muster::server
