#include <gmock/gmock.h>

#include "cli/commands/command_test_support.h"
#include "cli/output/values.h"
#include "common/ids/ids.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using testing::HasSubstr;
using testing::Not;

class DeviceTest : public CommandTest {
 protected:
  absl::Time now() const { return clock_.Now(); }

  // JSON and YAML follow the proto, which grows; other tests hold their form.
  void ExpectGoldenOfText(const std::string& stem, const std::string& format,
                          const std::string& text) {
    if (format == "json" || format == "yaml") {
      EXPECT_THAT(text, HasSubstr("serialNumber"));
    } else {
      ExpectGolden(stem + format, text);
    }
  }

  void AnswerList(const std::vector<Device>& devices) {
    muster::v1::ListDevicesResponse response;
    for (const Device& device : devices) *response.add_devices() = device;
    response.set_total_size(static_cast<int>(devices.size()));
    fake_.Answer("ListDevices", response);
  }

  void AnswerGet(const Device& device) {
    muster::v1::GetDeviceResponse response;
    *response.mutable_device() = device;
    fake_.Answer("GetDevice", response);
  }
};

TEST_F(DeviceTest, AreListedInEachFormat) {
  Device plain = MakeDevice(1, now());
  Device hostile = MakeDevice(2, now());
  hostile.set_identity("=x\x1B[31mred\x1B[0m\r\n\xE2\x80\xAE\xC2\x9Bme, \"you\"");
  hostile.mutable_status()->set_online(muster::v1::ONLINE_STATE_OFFLINE);
  Device silent = MakeDevice(3, now());
  silent.clear_status();
  silent.set_display_name("true");
  silent.mutable_status()->set_online(muster::v1::ONLINE_STATE_NEVER);
  for (const char* format : {"table", "wide", "json", "yaml", "csv", "name"}) {
    AnswerList({plain, hostile, silent});
    const Ran ran = Run({"device", "list", "-o", format});
    EXPECT_EQ(ran.code, 0) << ran.err;
    for (const char* raw : {"\x1B", "\xE2\x80\xAE", "\xC2\x9B", "\r"})
      EXPECT_THAT(ran.out, Not(HasSubstr(raw)));
    ExpectGoldenOfText("device_list.", format, ran.out);
  }
}

TEST_F(DeviceTest, ATableFitsTheTerminal) {
  Device device = MakeDevice(1, now());
  device.set_display_name("a very long name of a router that stands in a cellar in Riga");
  AnswerList({device});
  console_.out_is_terminal = true;
  console_.width = 100;
  const Ran ran = Run({"device", "list"});
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  EXPECT_THAT(ran.out, HasSubstr("a very long name of a rou..."));
}

TEST_F(DeviceTest, ColorsAreForTerminalsWithoutNoColor) {
  const auto shows_color = [&] {
    AnswerList({MakeDevice(1, now())});
    return Run({"device", "list"}).out.find("\x1B[32m") != std::string::npos;
  };
  EXPECT_FALSE(shows_color());
  console_.out_is_terminal = true;
  environment_["TERM"] = "xterm";
  EXPECT_TRUE(shows_color());
  environment_["NO_COLOR"] = "1";
  EXPECT_FALSE(shows_color());
}

TEST_F(DeviceTest, LimitAndFilterReachTheServerAndACutListIsSaid) {
  muster::v1::ListDevicesResponse response;
  *response.add_devices() = MakeDevice(1, now());
  response.set_total_size(7);
  response.set_next_page_token("more");
  fake_.Answer("ListDevices", response);
  const Ran ran = Run({"device", "list", "--where", "online = true", "--limit", "1", "--deleted"});
  EXPECT_THAT(ran.err, HasSubstr("the first 1 of 7"));
  const auto request = fake_.LastRequest<muster::v1::ListDevicesRequest>("ListDevices");
  EXPECT_EQ(request.filter(), "online = true");
  EXPECT_EQ(request.page_size(), 1);
  EXPECT_TRUE(request.show_deleted());
}

TEST_F(DeviceTest, DetailsShowHealthLinksAndEvents) {
  Device device = MakeDevice(1, now());
  auto* link = device.mutable_status()->add_links();
  link->set_link("muster-gw");
  link->set_address("192.0.2.1");
  link->set_rtt_us(1234);
  link->set_jitter_us(210);
  link->set_loss_permille(15);
  auto* event = device.add_recent_events();
  *event->mutable_time() = ToTimestamp(now() - absl::Minutes(2));
  event->set_kind("version-changed");
  event->set_message("from 7.14 to \x1B[1m7.15.3");
  device.set_notes("line one\nline two");
  for (const char* format : {"table", "wide", "json", "yaml", "csv"}) {
    AnswerGet(device);
    AnswerGet(device);
    const Ran ran = Run({"device", "get", FormatId(1001), "-o", format});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, Not(HasSubstr("\x1B")));
    ExpectGoldenOfText("device_get.", format, ran.out);
  }
}

TEST_F(DeviceTest, AreFoundByDisplayNameOrIdentity) {
  AnswerList({MakeDevice(1, now())});
  AnswerGet(MakeDevice(1, now()));
  EXPECT_EQ(Run({"device", "get", "MikroTik-1"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::ListDevicesRequest>("ListDevices").filter(),
            "display_name = \"MikroTik-1\" OR identity = \"MikroTik-1\"");
  EXPECT_EQ(fake_.LastRequest<muster::v1::GetDeviceRequest>("GetDevice").name(),
            MakeDevice(1, now()).name());
}

TEST_F(DeviceTest, QuotesInNamesCanNotChangeTheFilter) {
  AnswerList({});
  EXPECT_EQ(Run({"device", "get", "a\" OR name = \"*\\"}).code, 3);
  EXPECT_EQ(fake_.LastRequest<muster::v1::ListDevicesRequest>("ListDevices").filter(),
            R"(display_name = "a\" OR name = \"\*\\" OR identity = "a\" OR name = \"\*\\")");
}

TEST_F(DeviceTest, AStarInANameIsNoWildcard) {
  AnswerList({MakeDevice(1, now())});
  EXPECT_EQ(Run({"device", "delete", "*"}).code, 3);
  EXPECT_EQ(fake_.RequestCount("DeleteDevice"), 0u);
}

TEST_F(DeviceTest, AnAmbiguousNameListsTheCandidates) {
  Device first = MakeDevice(1, now());
  Device second = MakeDevice(2, now());
  second.set_display_name("MikroTik-1");
  AnswerList({first, second});
  const Ran ran = Run({"device", "delete", "MikroTik-1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr(FormatId(1001)));
  EXPECT_THAT(ran.err, HasSubstr(FormatId(1002)));
  EXPECT_EQ(fake_.RequestCount("DeleteDevice"), 0u);
}

TEST_F(DeviceTest, SetSendsOnlyWhatWasGiven) {
  muster::v1::UpdateDeviceResponse response;
  *response.mutable_device() = MakeDevice(1, now());
  fake_.Answer("UpdateDevice", response);
  const std::string name = MakeDevice(1, now()).name();
  EXPECT_EQ(Run({"device", "set", name, "--name", "core", "--notes", "", "--label", "role=core",
                 "--remove-label", "new"})
                .code,
            0);
  const auto request = fake_.LastRequest<muster::v1::UpdateDeviceRequest>("UpdateDevice");
  EXPECT_EQ(request.device().name(), name);
  EXPECT_EQ(request.device().display_name(), "core");
  EXPECT_EQ(request.device().labels().at("role"), "core");
  EXPECT_THAT(request.update_mask().paths(),
              testing::ElementsAre("display_name", "notes", "labels.role", "labels.new"));
}

TEST_F(DeviceTest, DeleteAsksOnATerminalOnly) {
  const std::string name = MakeDevice(1, now()).name();
  fake_.Answer("DeleteDevice", muster::v1::DeleteDeviceResponse());
  EXPECT_EQ(Run({"device", "delete", name}).code, 0);
  console_.in_is_terminal = true;
  input_ = "n\n";
  EXPECT_EQ(Run({"device", "delete", name}).code, 1);
  EXPECT_EQ(fake_.RequestCount("DeleteDevice"), 1u);
  input_ = "y\n";
  fake_.Answer("DeleteDevice", muster::v1::DeleteDeviceResponse());
  EXPECT_EQ(Run({"device", "delete", name}).code, 0);
  EXPECT_EQ(fake_.RequestCount("DeleteDevice"), 2u);
}

}  // namespace
}  // namespace muster::cli
