// Changing many devices at once: who is asked, and what a partial failure means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "cli/commands/command_test_support.h"
#include "muster/v1/device_service.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using testing::HasSubstr;
using testing::StartsWith;

class DeviceSetTest : public CommandTest {
 protected:
  void AnswerList(int count) {
    muster::v1::ListDevicesResponse response;
    for (int i = 1; i <= count; ++i) *response.add_devices() = MakeDevice(i, clock_.Now());
    response.set_total_size(count);
    fake_.Answer("ListDevices", response);
  }

  void AnswerUpdates(int count) {
    for (int i = 1; i <= count; ++i) {
      muster::v1::UpdateDeviceResponse response;
      *response.mutable_device() = MakeDevice(i, clock_.Now());
      fake_.Answer("UpdateDevice", response);
    }
  }
};

TEST_F(DeviceSetTest, AFilterShowsTheDevicesAndWantsYesWhereNobodyCanBeAsked) {
  AnswerList(3);
  const Ran ran = Run({"device", "set", "--where", "site = riga", "--site", "rix"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("3 devices match"));
  EXPECT_THAT(ran.err, HasSubstr("with --yes it is done"));
  EXPECT_EQ(fake_.RequestCount("UpdateDevice"), 0u);
}

TEST_F(DeviceSetTest, ATerminalIsAskedAndANoChangesNothing) {
  console_.in_is_terminal = true;
  input_ = "n\n";
  AnswerList(2);
  EXPECT_EQ(Run({"device", "set", "--where", "site = riga", "--site", "rix"}).code, 1);
  EXPECT_EQ(fake_.RequestCount("UpdateDevice"), 0u);
}

TEST_F(DeviceSetTest, EachDeviceIsChangedUnderARequestIdOfItsOwn) {
  AnswerList(3);
  AnswerUpdates(3);
  const Ran ran = Run({"device", "set", "--where", "site = riga", "--label", "ring=canary", "--yes",
                       "--request-id", "again"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("changed 3 of 3 devices"));
  EXPECT_EQ(fake_.RequestCount("UpdateDevice"), 3u);
  const auto request = fake_.LastRequest<muster::v1::UpdateDeviceRequest>("UpdateDevice");
  EXPECT_THAT(request.request_id(), StartsWith("again-"));
  EXPECT_EQ(request.device().labels().at("ring"), "canary");
}

TEST_F(DeviceSetTest, APartialFailureHasItsOwnExitCodeAndSaysWhich) {
  AnswerList(2);
  AnswerUpdates(1);
  fake_.Fail("UpdateDevice", grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "it was deleted"));
  const Ran ran = Run({"device", "set", "--where", "site = riga", "--notes", "x", "--yes"});
  EXPECT_EQ(ran.code, 6);
  EXPECT_THAT(ran.err, HasSubstr("it was deleted"));
  EXPECT_THAT(ran.err, HasSubstr("changed 1 of 2 devices"));
}

TEST_F(DeviceSetTest, OneMatchIsChangedAloneWhateverMatchesAMomentLater) {
  AnswerList(1);
  AnswerList(3);
  AnswerUpdates(3);
  const Ran ran = Run({"device", "set", "--where", "site = riga", "--site", "rix"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(fake_.RequestCount("UpdateDevice"), 1u) << "nobody was asked about more";
}

TEST_F(DeviceSetTest, EveryMatchIsCountedBeforeAnybodyIsAsked) {
  muster::v1::ListDevicesResponse first, second;
  for (int i = 1; i <= 20; ++i) *first.add_devices() = MakeDevice(i, clock_.Now());
  // As the server knew it at the time of the first page.
  first.set_total_size(20);
  first.set_next_page_token("more");
  for (int i = 21; i <= 25; ++i) *second.add_devices() = MakeDevice(i, clock_.Now());
  fake_.Answer("ListDevices", first);
  fake_.Answer("ListDevices", second);
  const Ran ran = Run({"device", "set", "--where", "site = riga", "--site", "rix"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("... and 5 more"));
  EXPECT_THAT(ran.err, HasSubstr("25 devices match"));
}

TEST_F(DeviceSetTest, ALongRequestIdStaysWithinWhatTheServerTakes) {
  AnswerList(1);
  AnswerUpdates(1);
  const std::string id(64, 'r');
  EXPECT_EQ(
      Run({"device", "set", "--where", "site = riga", "--site", "rix", "--request-id", id}).code,
      0);
  const auto sent = fake_.LastRequest<muster::v1::UpdateDeviceRequest>("UpdateDevice").request_id();
  EXPECT_LE(sent.size(), 64u);
  AnswerList(1);
  AnswerUpdates(1);
  Run({"device", "set", "--where", "site = riga", "--site", "rix", "--request-id", id});
  EXPECT_EQ(fake_.LastRequest<muster::v1::UpdateDeviceRequest>("UpdateDevice").request_id(), sent)
      << "a repetition is known by it";
}

TEST_F(DeviceSetTest, NamesComeFromStdin) {
  input_ = absl::StrCat(MakeDevice(1, clock_.Now()).name(), "\n\n  ",
                        MakeDevice(2, clock_.Now()).name(), "  \n");
  AnswerUpdates(2);
  EXPECT_EQ(Run({"device", "set", "-", "--site", "rix"}).code, 2) << "two devices want --yes";
  const Ran ran = Run({"device", "set", "-", "--site", "rix", "--yes"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(fake_.RequestCount("UpdateDevice"), 2u);
}

TEST_F(DeviceSetTest, WantsEitherADeviceOrAFilter) {
  EXPECT_EQ(Run({"device", "set", "--site", "rix"}).code, 2);
  EXPECT_EQ(Run({"device", "set", "a", "--where", "site = b", "--site", "rix"}).code, 2);
  EXPECT_EQ(Run({"device", "set", "--where", " ", "--site", "rix"}).code, 2);
  input_ = "\n";
  EXPECT_EQ(Run({"device", "set", "-", "--site", "rix", "--yes"}).code, 2);
}

TEST_F(DeviceSetTest, SeveralCanBeLookedAtByNamesOnStdin) {
  input_ = absl::StrCat(MakeDevice(1, clock_.Now()).name(), "\n",
                        MakeDevice(2, clock_.Now()).name(), "\n");
  muster::v1::GetDeviceResponse response;
  *response.mutable_device() = MakeDevice(1, clock_.Now());
  fake_.Answer("GetDevice", response);
  fake_.Fail("GetDevice", grpc::Status(grpc::StatusCode::NOT_FOUND, "there is none"));
  const Ran ran = Run({"device", "get", "-", "-o", "name"});
  EXPECT_EQ(ran.code, 6);
  EXPECT_EQ(ran.out, MakeDevice(1, clock_.Now()).name() + "\n");
}

}  // namespace
}  // namespace muster::cli
