#include "cli/commands/device_find.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/command_test_support.h"
#include "muster/v1/device_service.pb.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;

TEST(MacPartTest, ReadsEveryNotation) {
  for (const char* text : {"48:a9:8a:00:11:22", "48-A9-8A-00-11-22", "48a9.8a00.1122",
                           "48A98A001122", "48 a9 8a 00 11 22"}) {
    EXPECT_EQ(MacPart(text), "48:a9:8a:00:11:22") << text;
  }
  EXPECT_EQ(MacPart("8a00"), "8a:00");
  EXPECT_EQ(MacPart("8a001"), "8a:00:1");
  for (const char* text : {"", "48a", "riga", "48a98a0011223", "203.0.113.255.255"}) {
    EXPECT_EQ(MacPart(text), "") << text;
  }
}

TEST(FindFilterTest, AsksForAllThatTheTextMayBe) {
  EXPECT_EQ(FindFilter("riga"),
            R"(display_name:"riga" OR identity:"riga" OR serial:"riga" OR name:"riga")");
  EXPECT_THAT(FindFilter("48A98A"), HasSubstr(R"(mac:"48:a9:8a")"));
  EXPECT_THAT(FindFilter("203.0.113.0/24"), HasSubstr(R"(address:"203.0.113.0/24")"));
  EXPECT_THAT(FindFilter("2001:db8::1"), HasSubstr(R"(address:"2001:db8::1")"));
  EXPECT_THAT(FindFilter(R"(a" OR name:*)"), HasSubstr(R"(identity:"a\" OR name:\*")"));
}

class DeviceFindTest : public CommandTest {};

TEST_F(DeviceFindTest, ShowsWhereTheTextWasFound) {
  muster::v1::ListDevicesResponse response;
  *response.add_devices() = MakeDevice(1, clock_.Now());
  *response.add_devices() = MakeDevice(2, clock_.Now());
  response.mutable_devices(1)->set_display_name("HC10000-spare");
  fake_.Answer("ListDevices", response);
  const Ran ran = Run({"device", "find", "hc10000"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  ExpectGolden("device_find.table", ran.out);
}

TEST_F(DeviceFindTest, NothingFoundIsNotFound) {
  fake_.Answer("ListDevices", muster::v1::ListDevicesResponse());
  const Ran ran = Run({"device", "find", "nowhere"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("\"nowhere\""));
}

}  // namespace
}  // namespace muster::cli
