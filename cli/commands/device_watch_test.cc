#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/command_test_support.h"
#include "muster/v1/device_service.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using muster::v1::DeviceChangeKind;
using muster::v1::WatchDevicesResponse;
using testing::HasSubstr;

class DeviceWatchTest : public CommandTest {
 protected:
  void Add(WatchDevicesResponse* message, DeviceChangeKind kind, const Device& device) {
    message->add_changes()->set_kind(kind);
    *message->mutable_changes()->rbegin()->mutable_device() = device;
  }
  Device MakeSite(int number, const std::string& site) {
    Device device = MakeDevice(number, clock_.Now());
    device.set_site(site);
    return device;
  }
  // The stream's last word, so that the command ends.
  void EndForGood() {
    fake_.Fail("WatchDevices", grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "enough"));
  }
};

TEST_F(DeviceWatchTest, WritesALineForEachDeviceAndEachChange) {
  WatchDevicesResponse first, second;
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(1, "riga"));
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(2, "riga"));
  first.set_synced(true);
  Add(&second, muster::v1::DEVICE_CHANGE_KIND_CHANGED, MakeSite(1, "rix"));
  Add(&second, muster::v1::DEVICE_CHANGE_KIND_REMOVED, MakeSite(2, "riga"));
  fake_.Answer("WatchDevices", first);
  fake_.Answer("WatchDevices", second);
  EndForGood();
  const Ran ran = Run({"device", "watch", "--where", "site:*"});
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(ran.out,
            "added    MikroTik-1: online, 7.15.3, 203.0.113.7, riga\n"
            "added    MikroTik-2: online, 7.15.3, 203.0.113.7, riga\n"
            "changed  MikroTik-1: online, 7.15.3, 203.0.113.7, rix\n"
            "removed  MikroTik-2: online, 7.15.3, 203.0.113.7, riga\n");
  EXPECT_THAT(ran.err, HasSubstr("2 devices; changes follow"));
  EXPECT_EQ(fake_.LastRequest<muster::v1::WatchDevicesRequest>("WatchDevices").filter(), "site:*");
}

TEST_F(DeviceWatchTest, AfterALostConnectionOnlyWhatIsNewIsSaid) {
  WatchDevicesResponse first, again;
  for (int i = 1; i <= 3; ++i) {
    Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(i, "riga"));
  }
  first.set_synced(true);
  Add(&again, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(1, "riga"));
  Add(&again, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(2, "rix"));
  again.set_synced(true);
  fake_.Answer("WatchDevices", first);
  fake_.Fail("WatchDevices", grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  fake_.Answer("WatchDevices", again);
  EndForGood();
  const Ran ran = Run({"device", "watch"});
  const size_t third = ran.out.find("MikroTik-3");
  EXPECT_EQ(ran.out.substr(ran.out.find('\n', third) + 1),
            "changed  MikroTik-2: online, 7.15.3, 203.0.113.7, rix\n"
            "removed  MikroTik-3: online, 7.15.3, 203.0.113.7, riga\n");
}

TEST_F(DeviceWatchTest, GoesOnFromTheTokenOfTheLastMessage) {
  WatchDevicesResponse first, again;
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(1, "riga"));
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(2, "riga"));
  first.set_synced(true);
  first.set_resume_token("there");
  // One that it knew, one that is new, one that never matched.
  Add(&again, muster::v1::DEVICE_CHANGE_KIND_CHANGED, MakeSite(2, "rix"));
  Add(&again, muster::v1::DEVICE_CHANGE_KIND_CHANGED, MakeSite(3, "riga"));
  Add(&again, muster::v1::DEVICE_CHANGE_KIND_REMOVED, MakeSite(4, "riga"));
  again.set_synced(true);
  fake_.Answer("WatchDevices", first);
  fake_.Fail("WatchDevices", grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  fake_.Answer("WatchDevices", again);
  EndForGood();
  const Ran ran = Run({"device", "watch"});
  EXPECT_EQ(ran.out.substr(ran.out.find("changed")),
            "changed  MikroTik-2: online, 7.15.3, 203.0.113.7, rix\n"
            "added    MikroTik-3: online, 7.15.3, 203.0.113.7, riga\n");
}

TEST_F(DeviceWatchTest, AListingGoesOnOverALostConnection) {
  WatchDevicesResponse first, rest;
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(1, "riga"));
  first.set_resume_token("in the middle");
  Add(&rest, muster::v1::DEVICE_CHANGE_KIND_CHANGED, MakeSite(2, "riga"));
  rest.set_synced(true);
  rest.set_resume_token("there");
  fake_.Answer("WatchDevices", first);
  fake_.Fail("WatchDevices", grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  fake_.Answer("WatchDevices", rest);
  EndForGood();
  const Ran ran = Run({"device", "watch"});
  EXPECT_EQ(ran.out,
            "added    MikroTik-1: online, 7.15.3, 203.0.113.7, riga\n"
            "added    MikroTik-2: online, 7.15.3, 203.0.113.7, riga\n");
  EXPECT_THAT(ran.err, HasSubstr("2 devices; changes follow"));
}

TEST_F(DeviceWatchTest, ATokenThatIsRefusedIsLeftOut) {
  WatchDevicesResponse first, again;
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(1, "riga"));
  first.set_synced(true);
  first.set_resume_token("there");
  again.set_synced(true);
  fake_.Answer("WatchDevices", first);
  fake_.Fail("WatchDevices", grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "restored"));
  fake_.Answer("WatchDevices", again);
  EndForGood();
  const Ran ran = Run({"device", "watch"});
  EXPECT_THAT(ran.out, HasSubstr("removed  MikroTik-1")) << "the whole list says who is gone";
  EXPECT_EQ(fake_.LastRequest<muster::v1::WatchDevicesRequest>("WatchDevices").resume_token(), "");
}

TEST_F(DeviceWatchTest, AlsoAsJsonOnlyWhatIsNewIsSaidAfterALostConnection) {
  WatchDevicesResponse first, again;
  Device beaten = MakeSite(1, "riga");
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, beaten);
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(2, "riga"));
  first.set_synced(true);
  // A check-in later, and nothing else.
  beaten.mutable_status()->mutable_last_check_in_time()->set_seconds(4711);
  Add(&again, muster::v1::DEVICE_CHANGE_KIND_ADDED, beaten);
  Add(&again, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(2, "rix"));
  again.set_synced(true);
  for (const bool status : {false, true}) {
    fake_.Answer("WatchDevices", first);
    fake_.Fail("WatchDevices", grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
    fake_.Answer("WatchDevices", again);
    EndForGood();
    const Ran ran = status ? Run({"device", "watch", "--status", "-o", "json"})
                           : Run({"device", "watch", "-o", "json"});
    EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), status ? 4 : 3) << ran.out;
  }
}

TEST_F(DeviceWatchTest, AStreamThatTheServerEndsWellIsBegunAnew) {
  WatchDevicesResponse first;
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(1, "riga"));
  first.set_synced(true);
  fake_.Answer("WatchDevices", first);
  fake_.Answer("WatchDevices", WatchDevicesResponse());
  fake_.Answer("WatchDevices", first);
  EndForGood();
  EXPECT_EQ(Run({"device", "watch"}).code, 4);
  EXPECT_EQ(fake_.RequestCount("WatchDevices"), 4u) << "one for each message and end";
}

TEST_F(DeviceWatchTest, JsonIsAMessageALine) {
  WatchDevicesResponse first;
  Add(&first, muster::v1::DEVICE_CHANGE_KIND_ADDED, MakeSite(1, "riga"));
  fake_.Answer("WatchDevices", first);
  EndForGood();
  const Ran ran = Run({"device", "watch", "--status", "-o", "json"});
  EXPECT_THAT(ran.out, HasSubstr(R"("kind":"DEVICE_CHANGE_KIND_ADDED")"));
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1);
  EXPECT_TRUE(fake_.LastRequest<muster::v1::WatchDevicesRequest>("WatchDevices").include_status());
  EXPECT_EQ(Run({"device", "watch", "-o", "csv"}).code, 2);
}

}  // namespace
}  // namespace muster::cli
