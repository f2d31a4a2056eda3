#include "cli/commands/command_test_support.h"
#include "common/ids/ids.h"
#include "gmock/gmock.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using testing::HasSubstr;

class IdentityTest : public CommandTest {
 protected:
  absl::Time now() { return clock_.Now(); }
  Device device() {
    Device made = MakeDevice(1, now());
    made.set_state(muster::v1::DEVICE_STATE_ACTIVE);
    return made;
  }
  template <typename Response>
  void AnswerDevice(const std::string& method) {
    Response response;
    *response.mutable_device() = device();
    fake_.Answer(method, response);
  }
  // Names are looked up before anything is changed.
  void AnswerFleet() {
    muster::v1::ListDevicesResponse fleet;
    *fleet.add_devices() = device();
    *fleet.add_devices() = MakeDevice(2, now());
    fake_.Answer("ListDevices", fleet);
  }
};

TEST_F(IdentityTest, EachDecisionIsOneCallThatNamesTheDevice) {
  const std::string name = device().name();
  AnswerDevice<muster::v1::AcceptDeviceResponse>("AcceptDevice");
  EXPECT_EQ(Run({"device", "accept", name}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::AcceptDeviceRequest>("AcceptDevice").name(), name);
  EXPECT_FALSE(
      fake_.LastRequest<muster::v1::AcceptDeviceRequest>("AcceptDevice").request_id().empty());
  AnswerDevice<muster::v1::AcceptDeviceIdentityResponse>("AcceptDeviceIdentity");
  EXPECT_EQ(Run({"device", "accept-identity", name}).code, 0);
  AnswerDevice<muster::v1::ResyncDeviceResponse>("ResyncDevice");
  EXPECT_EQ(Run({"device", "resync", name}).code, 0);
  AnswerDevice<muster::v1::MoveDeviceResponse>("MoveDevice");
  EXPECT_EQ(Run({"device", "move", name, "--to", "other"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::MoveDeviceRequest>("MoveDevice").organization(),
            "organizations/other");
  AnswerDevice<muster::v1::SetDeviceUrlsResponse>("SetDeviceUrls");
  EXPECT_EQ(Run({"device", "urls", name, "--url", "https://a", "--url", "https://b"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::SetDeviceUrlsRequest>("SetDeviceUrls").urls_size(), 2);
  AnswerDevice<muster::v1::SetDeviceProfileResponse>("SetDeviceProfile");
  EXPECT_EQ(Run({"device", "profile", name, "metered"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::SetDeviceProfileRequest>("SetDeviceProfile").profile(),
            muster::v1::PROFILE_METERED);
  EXPECT_EQ(Run({"device", "profile", name, "fast"}).code, 2);
}

TEST_F(IdentityTest, NamesComeFromStdinAndOneFailureDoesNotEndTheRest) {
  const std::string first = device().name();
  const std::string second = MakeDevice(2, now()).name();
  input_ = first + "\n" + second + "\n";
  AnswerFleet();
  EXPECT_EQ(Run({"device", "delete", "-"}).code, 2) << "nobody was asked";
  EXPECT_EQ(fake_.RequestCount("DeleteDevice"), 0u);
  AnswerFleet();
  AnswerDevice<muster::v1::DeleteDeviceResponse>("DeleteDevice");
  fake_.Fail("DeleteDevice", grpc::Status(grpc::StatusCode::NOT_FOUND, "gone already"));
  input_ = first + "\n" + second + "\n";
  const Ran ran = Run({"device", "delete", "-", "--yes"});
  EXPECT_EQ(ran.code, 6) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("gone already"));
  EXPECT_THAT(ran.err, HasSubstr("done for 1 of 2 devices"));
  EXPECT_EQ(fake_.LastRequest<muster::v1::DeleteDeviceRequest>("DeleteDevice").name(), second);
  AnswerFleet();
  input_ = "nobody\n" + first + "\n";
  EXPECT_EQ(Run({"device", "delete", "-", "--yes"}).code, 3) << "a wrong name changes nothing";
  EXPECT_EQ(fake_.RequestCount("DeleteDevice"), 2u);
  AnswerDevice<muster::v1::SetDeviceProfileResponse>("SetDeviceProfile");
  AnswerFleet();
  input_ = first + "\n";
  EXPECT_EQ(Run({"device", "profile", "-", "slow"}).code, 0);
}

TEST_F(IdentityTest, FastBeatsAreAskedForAtMostFiveMinutes) {
  const std::string name = device().name();
  EXPECT_EQ(Run({"device", "beat", name, "--for", "6m"}).code, 2);
  EXPECT_EQ(Run({"device", "beat", name, "--for", "1s"}).code, 2);
  muster::v1::RequestFastBeatsResponse response;
  response.mutable_expected_beat_time()->set_seconds(absl::ToUnixSeconds(now()) + 12);
  fake_.Answer("RequestFastBeats", response);
  const Ran ran = Run({"device", "beat", name, "--for", "90s"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("every 2 s for 1m30s from its next beat on, in about 12s"));
  EXPECT_EQ(fake_.LastRequest<muster::v1::RequestFastBeatsRequest>("RequestFastBeats")
                .duration()
                .seconds(),
            90);
}

TEST_F(IdentityTest, EventsOfAllDevicesAreListed) {
  muster::v1::ListDeviceEventsResponse response;
  auto& event = *response.add_events();
  event.mutable_time()->set_seconds(absl::ToUnixSeconds(now()) - 60);
  event.set_kind("clone");
  event.set_message("two routers report as it");
  event.set_device(device().name());
  event.set_device_title("riga-core");
  fake_.Answer("ListDeviceEvents", response);
  const Ran ran = Run({"event", "list", "--kind", "clone", "--kind", "released", "--since", "2h"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("riga-core"));
  const auto request = fake_.LastRequest<muster::v1::ListDeviceEventsRequest>("ListDeviceEvents");
  EXPECT_EQ(request.kinds_size(), 2);
  EXPECT_EQ(request.since().seconds(), absl::ToUnixSeconds(now() - absl::Hours(2)));
  EXPECT_EQ(Run({"event", "list", "--since", "soon"}).code, 2);
}

TEST_F(IdentityTest, TokensAreRotatedOrRevokedAndRevokingAsks) {
  const std::string name = device().name();
  AnswerDevice<muster::v1::RotateDeviceTokenResponse>("RotateDeviceToken");
  EXPECT_EQ(Run({"device", "token", "rotate", name}).code, 0);
  EXPECT_EQ(Run({"device", "token", "shake", name}).code, 2);
  console_.in_is_terminal = true;
  input_ = "n\n";
  EXPECT_EQ(Run({"device", "token", "revoke", name}).code, 1);
  EXPECT_EQ(fake_.RequestCount("RevokeDeviceToken"), 0u);
  AnswerDevice<muster::v1::RevokeDeviceTokenResponse>("RevokeDeviceToken");
  EXPECT_EQ(Run({"device", "token", "revoke", name, "--yes"}).code, 0);
}

TEST_F(IdentityTest, AReleaseSaysItsJobAndOfflineOnlyPrintsALine) {
  const std::string name = device().name();
  muster::v1::ReleaseDeviceResponse response;
  *response.mutable_device() = device();
  response.set_job("organizations/default/jobs/" + FormatId(7));
  fake_.Answer("ReleaseDevice", response);
  EXPECT_THAT(Run({"device", "release", name}).err, HasSubstr(FormatId(7)));
  muster::v1::ReleaseDeviceResponse offline;
  offline.set_removal_line(":put gone");
  fake_.Answer("ReleaseDevice", offline);
  EXPECT_EQ(Run({"device", "release", name, "--offline"}).out, ":put gone\n");
  EXPECT_TRUE(fake_.LastRequest<muster::v1::ReleaseDeviceRequest>("ReleaseDevice").offline());
}

TEST_F(IdentityTest, AHeldDeviceSaysWhy) {
  Device held = device();
  held.set_jobs_held(true);
  held.set_hold_kind("clone");
  held.set_hold_reason("clone: two routers");
  held.set_state(muster::v1::DEVICE_STATE_REVOKED);
  held.set_token_rotating(true);
  muster::v1::GetDeviceResponse response;
  *response.mutable_device() = held;
  fake_.Answer("GetDevice", response);
  const Ran ran = Run({"device", "get", held.name()});
  EXPECT_THAT(ran.out, HasSubstr("yes: clone: two routers"));
  EXPECT_THAT(ran.out, HasSubstr("revoked"));
}

TEST_F(IdentityTest, ClaimsSayHowTheirDevicesAreToBe) {
  muster::v1::CreateClaimResponse response;
  response.set_bootstrap_line(":put line");
  fake_.Answer("CreateClaim", response);
  const Ran ran = Run({"claim", "create", "--replace", device().name(), "--approve", "--profile",
                       "slow", "--monitor-only", "--edge", "one", "--edge", "two"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("not yet tried on hardware"));
  const auto request = fake_.LastRequest<muster::v1::CreateClaimRequest>("CreateClaim");
  EXPECT_EQ(request.replaces_device(), device().name());
  EXPECT_TRUE(request.approve());
  EXPECT_TRUE(request.monitor_only());
  EXPECT_EQ(request.profile(), muster::v1::PROFILE_SLOW);
  EXPECT_EQ(request.edge(), "edges/one");
  EXPECT_EQ(request.fallback_edges(0), "edges/two");
}

TEST_F(IdentityTest, APreviewShowsEachFamilyAndCreatesNothing) {
  muster::v1::CreateClaimResponse response;
  auto* preview = response.add_previews();
  preview->set_family("7.17");
  preview->set_text("script muster-beat");
  fake_.Answer("CreateClaim", response);
  const Ran ran = Run({"claim", "create", "--preview"});
  EXPECT_EQ(ran.out, "RouterOS 7.17:\nscript muster-beat\n");
  EXPECT_THAT(ran.err, HasSubstr("nothing was created"));
  EXPECT_TRUE(fake_.LastRequest<muster::v1::CreateClaimRequest>("CreateClaim").validate_only());
}

}  // namespace
}  // namespace muster::cli
