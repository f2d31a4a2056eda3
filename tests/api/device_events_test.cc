// What happened to devices, as ListDeviceEvents tells it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/event_kinds/event_kinds.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class DeviceEventsTest : public testing::Test {
 protected:
  DeviceEventsTest()
      : stub_(v1::DeviceService::NewStub(server_.channel())),
        viewer_(server_.MakeKey("default", v1::ROLE_VIEWER)),
        device_(server_.EnrollDevice("default", "gw")) {}

  // The words that come back, newest first.
  std::vector<std::string> List(const std::vector<std::string>& kinds) {
    v1::ListDeviceEventsRequest request;
    request.set_parent("organizations/default");
    for (const std::string& kind : kinds) request.add_kinds(kind);
    v1::ListDeviceEventsResponse response;
    status_ = stub_->ListDeviceEvents(server_.Context(viewer_).get(), request, &response);
    std::vector<std::string> words;
    for (const v1::DeviceEvent& event : response.events()) words.push_back(event.kind());
    return words;
  }

  ApiTestServer server_;
  std::unique_ptr<v1::DeviceService::Stub> stub_;
  std::string viewer_;
  std::string device_;
  grpc::Status status_;
};

TEST_F(DeviceEventsTest, ListsThoseOfTheKindsThatAreWanted) {
  EXPECT_THAT(List({}), Contains("enrolled"));
  EXPECT_THAT(List({"clone", "enrolled"}), ElementsAre("enrolled"));
  EXPECT_THAT(List({"clone"}), IsEmpty());
  EXPECT_TRUE(status_.ok()) << status_.error_message();
}

TEST_F(DeviceEventsTest, TakesEachKindOfTheList) {
  for (const EventKindText& kind : EventKinds()) {
    List({std::string(kind.word)});
    EXPECT_TRUE(status_.ok()) << kind.word << ": " << status_.error_message();
  }
}

TEST_F(DeviceEventsTest, RefusesAWordThatIsNoKindAndSaysWhichThereAre) {
  List({"enrolled", "clon"});
  EXPECT_EQ(status_.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status_.error_message(), HasSubstr("\"clon\""));
  for (const EventKindText& kind : EventKinds()) {
    EXPECT_THAT(status_.error_message(), HasSubstr(std::string(kind.word)));
  }
  google::rpc::Status details;
  google::rpc::BadRequest bad;
  ASSERT_TRUE(details.ParseFromString(status_.error_details()));
  bool found = false;
  for (const auto& detail : details.details()) found = found || detail.UnpackTo(&bad);
  ASSERT_TRUE(found);
  EXPECT_EQ(bad.field_violations(0).field(), "kinds");
  for (const char* word : {"", "Clone", "enrolled,clone"}) {
    List({word});
    EXPECT_EQ(status_.error_code(), StatusCode::INVALID_ARGUMENT) << word;
  }
}

TEST_F(DeviceEventsTest, WhatIsQuotedIsCleanAndShort) {
  List({absl::StrCat("\x1B[31m", std::string(100'000, 'x'))});
  EXPECT_EQ(status_.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status_.error_message(), Not(HasSubstr("\x1B")));
  EXPECT_LT(status_.error_message().size(), 1'500U);
}

TEST_F(DeviceEventsTest, AnEventOfAKindThatThisProgramDoesNotKnowIsShown) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(absl::StrCat(server_.data_dir(), "/state.db").c_str(), &db), SQLITE_OK);
  sqlite3_busy_timeout(db, 5000);
  EXPECT_EQ(
      sqlite3_exec(db, "UPDATE events SET kind = 'of-another-program'", nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(db);
  EXPECT_THAT(List({}), Contains("of-another-program"));
  List({"of-another-program"});
  EXPECT_EQ(status_.error_code(), StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace muster::server
