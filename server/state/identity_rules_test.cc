// Who a device is: joining again, replacement, clones, restored copies, moves, tokens, release.
#include "server/state/hardware.h"
#include "server/state/schema.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using internal::v1::EnrollResult;

constexpr uint64_t kOther = 12;

class IdentityRulesTest : public StateFixture {
 protected:
  IdentityRulesTest() {
    SetUpInstallation();
    Command command;
    command.mutable_create_organization()->set_organization_id(kOther);
    command.mutable_create_organization()->set_slug("other");
    EXPECT_TRUE(Apply(command).status.ok());
  }

  Command EnrollSerial(uint64_t claim, uint64_t device, const std::string& nonce,
                       const std::string& serial) {
    Command command = EnrollCommand(claim, device, nonce);
    command.mutable_enroll_device()->mutable_facts()->set_serial_number(serial);
    return command;
  }
  EnrollResult Enroll(const Command& command) {
    const Outcome outcome = Apply(command);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    return outcome.result.enroll();
  }

  // A device with a serial number that has checked in once.
  void Join(uint64_t id, const std::string& serial) {
    ASSERT_TRUE(Apply(ClaimCommand(id, 1)).status.ok());
    ASSERT_EQ(Enroll(EnrollSerial(id, id, "nonce", serial)).verdict(),
              internal::v1::ENROLL_VERDICT_OK);
    Beat("edge-a", id, 0);
  }

  // A check-in with facts.
  void BeatAs(uint64_t device, const std::string& serial, uint64_t last = 0,
              bool next_token = false, const std::string& agent = "2") {
    Pass(1);
    Command command = Batch("edge-a", 2);
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(device);
    check_in.set_interval_seconds(30);
    check_in.set_boot(boot_);
    check_in.set_last_number(last);
    check_in.set_next_token(next_token);
    check_in.mutable_facts()->set_serial_number(serial);
    check_in.mutable_facts()->set_routeros_version("7.15.3 (stable)");
    check_in.mutable_facts()->set_agent_version(agent);
    EXPECT_TRUE(Apply(command).status.ok());
  }

  Command ReplaceClaim(uint64_t claim, uint64_t device) {
    Command command = ClaimCommand(claim, 1);
    command.mutable_create_claim()->set_replaces_device_id(device);
    return command;
  }

  template <typename Fill>
  Outcome Ask(Fill fill) {
    Command command;
    auto* message = fill(command);
    message->set_device_id(kDevice);
    message->set_organization_id(kOrganization);
    return Apply(command);
  }
  Outcome AcceptIdentity() {
    return Ask([](Command& command) { return command.mutable_accept_identity(); });
  }
  Outcome Resync() {
    return Ask([](Command& command) { return command.mutable_resync_device(); });
  }
  Outcome Accept() {
    return Ask([](Command& command) { return command.mutable_accept_device(); });
  }
  Outcome Revoke() {
    return Ask([](Command& command) { return command.mutable_revoke_token(); });
  }
  Outcome Rotate(const std::string& secret = "secret-next") {
    return Ask([&](Command& command) {
      command.mutable_rotate_token()->set_proposed_sealed_secret(secret);
      command.mutable_rotate_token()->set_agent_version("2");
      return command.mutable_rotate_token();
    });
  }
  Outcome Release(uint64_t job) {
    return Ask([&](Command& command) {
      command.mutable_release_device()->set_job_id(job);
      command.mutable_release_device()->set_script("/system script remove");
      command.mutable_release_device()->set_ttl_us(3'600'000'000);
      return command.mutable_release_device();
    });
  }
  Outcome Move() {
    return Ask([](Command& command) {
      command.mutable_move_device()->set_to_organization_id(kOther);
      return command.mutable_move_device();
    });
  }

  Device Get() const { return *state_->FindDevice(DeviceId{kDevice}); }
  DeviceKeyRecord Key() const { return *state_->FindDeviceKey(DeviceId{kDevice}); }
  bool HasEvent(uint64_t device, const std::string& kind) const {
    return CountEvents(device, kind) > 0;
  }
  int64_t CountEvents(uint64_t device, const std::string& kind) const {
    const std::vector<std::string> kinds = EventKinds(device);
    return std::count(kinds.begin(), kinds.end(), kind);
  }
  std::string LastAudit() const { return state_->ListAudit({}, 0, 1)[0].summary; }

  static constexpr uint64_t kDevice = 5;
};

TEST_F(IdentityRulesTest, ASerialNumberThatIsKnownIsAnEventAtBothAndNothingMore) {
  Join(kDevice, "HC1");
  Join(6, "HC1");
  EXPECT_TRUE(HasEvent(kDevice, "serial-known"));
  EXPECT_TRUE(HasEvent(6, "serial-known"));
  EXPECT_FALSE(Get().jobs_held);
}

TEST_F(IdentityRulesTest, AnotherOrganizationHearsNothingOfASerialNumber) {
  Join(kDevice, "HC1");
  Command claim = ClaimCommand(77, 1);
  claim.mutable_create_claim()->set_organization_id(kOther);
  ASSERT_TRUE(Apply(claim).status.ok());
  Enroll(EnrollSerial(77, 77, "nonce", "HC1"));
  EXPECT_FALSE(HasEvent(kDevice, "serial-known"));
  EXPECT_FALSE(HasEvent(77, "serial-known"));
}

TEST_F(IdentityRulesTest, AReplacementKeepsIdAndHistoryGetsTheNextEpochAndHoldsTheQueue) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  ASSERT_EQ(StateOf(50, kDevice), JobTargetState::kAtEdge);
  ASSERT_TRUE(Apply(ReplaceClaim(90, kDevice)).status.ok());
  Command enroll = EnrollSerial(90, kDevice, "other-nonce", "HC2");
  enroll.mutable_enroll_device()->set_proposed_sealed_secret("secret-new");
  const EnrollResult result = Enroll(enroll);
  EXPECT_EQ(result.verdict(), internal::v1::ENROLL_VERDICT_OK);
  EXPECT_EQ(result.device_id(), kDevice);
  EXPECT_EQ(result.epoch(), 2u);
  EXPECT_EQ(result.sealed_secret(), "secret-new");
  EXPECT_FALSE(result.created());
  EXPECT_EQ(Key().least_epoch, 2u);
  EXPECT_TRUE(HasEvent(kDevice, "enrolled"));
  EXPECT_TRUE(HasEvent(kDevice, "replaced"));
  EXPECT_EQ(Get().hold_kind, HoldKind::kReplaced);
  EXPECT_EQ(StateOf(50, kDevice), JobTargetState::kHeld);
  EXPECT_GT(CountChanges(ChangeKind::kDeviceRevoked), 0);
  // The new board is the accepted one, and its fresh counter is no restored copy.
  BeatAs(kDevice, "HC2", 0);
  EXPECT_FALSE(HasEvent(kDevice, "hardware-changed"));
  EXPECT_FALSE(HasEvent(kDevice, "router-state-went-back"));
  // The same nonce again is a lost reply.
  EXPECT_EQ(Enroll(enroll).epoch(), 2u);
}

TEST_F(IdentityRulesTest, ANonceFromBeforeAReplacementMakesNoTokenOfTheDevice) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Apply(ReplaceClaim(90, kDevice)).status.ok());
  Enroll(EnrollSerial(90, kDevice, "other-nonce", "HC2"));
  EXPECT_EQ(Enroll(EnrollSerial(kDevice, 999, "nonce", "HC1")).verdict(),
            internal::v1::ENROLL_VERDICT_CLAIM_USED_UP);
}

TEST_F(IdentityRulesTest, AClaimThatReplacesWantsALiveDeviceOfItsOrganization) {
  Join(kDevice, "HC1");
  EXPECT_EQ(Apply(ReplaceClaim(90, 404)).status.code(), absl::StatusCode::kNotFound);
  Command foreign = ReplaceClaim(91, kDevice);
  foreign.mutable_create_claim()->set_organization_id(kOther);
  EXPECT_EQ(Apply(foreign).status.code(), absl::StatusCode::kNotFound);
  Command many = ReplaceClaim(92, kDevice);
  many.mutable_create_claim()->set_max_devices(2);
  EXPECT_EQ(Apply(many).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(IdentityRulesTest, APendingDeviceGetsNoJobUntilItIsAccepted) {
  Command claim = ClaimCommand(kDevice, 1);
  claim.mutable_create_claim()->set_approve(true);
  ASSERT_TRUE(Apply(claim).status.ok());
  Enroll(EnrollSerial(kDevice, kDevice, "nonce", "HC1"));
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(Get().hold_kind, HoldKind::kPending);
  EXPECT_EQ(Get().status.online, OnlineState::kOnline);
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  EXPECT_EQ(StateOf(50, kDevice), JobTargetState::kHeld);
  Command release;
  release.mutable_release_hold()->set_device_id(kDevice);
  release.mutable_release_hold()->set_organization_id(kOrganization);
  EXPECT_EQ(Apply(release).status.code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Accept().status.ok());
  EXPECT_EQ(LastAudit(), "accepted the device");
  EXPECT_FALSE(Get().jobs_held);
  EXPECT_EQ(StateOf(50, kDevice), JobTargetState::kAtEdge);
  EXPECT_TRUE(HasEvent(kDevice, "accepted"));
  EXPECT_TRUE(Accept().status.ok());
}

TEST_F(IdentityRulesTest, AnotherBoardHoldsTheQueueUntilItsIdentityIsAccepted) {
  Join(kDevice, "HC1");
  BeatAs(kDevice, "HC1");
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  BeatAs(kDevice, "HC2");
  EXPECT_EQ(Get().hold_kind, HoldKind::kHardwareChanged);
  EXPECT_TRUE(HasEvent(kDevice, "hardware-changed"));
  EXPECT_EQ(StateOf(50, kDevice), JobTargetState::kHeld);
  EXPECT_NE(Target(50, kDevice).error.find("serial HC2"), std::string::npos);
  EXPECT_EQ(Resync().status.code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(AcceptIdentity().status.ok());
  EXPECT_EQ(LastAudit(), "accepted its hardware: serial HC2");
  EXPECT_EQ(StateOf(50, kDevice), JobTargetState::kAtEdge);
  BeatAs(kDevice, "HC2");
  EXPECT_FALSE(Get().jobs_held);
  EXPECT_EQ(AcceptIdentity().status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(IdentityRulesTest, TwoSerialNumbersInTurnsAreAClone) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  BeatAs(kDevice, "HC2");
  BeatAs(kDevice, "HC1");
  EXPECT_EQ(Get().hold_kind, HoldKind::kClone);
  EXPECT_EQ(CountEvents(kDevice, "clone"), 1);
  EXPECT_EQ(StateOf(50, kDevice), JobTargetState::kHeld);
  const size_t events = EventKinds(kDevice).size();
  for (int i = 0; i < 10; ++i) BeatAs(kDevice, i % 2 == 0 ? "HC2" : "HC1");
  EXPECT_EQ(EventKinds(kDevice).size(), events) << "two routers fill the list";
  BeatAs(kDevice, "HC2");
  ASSERT_TRUE(AcceptIdentity().status.ok());
  BeatAs(kDevice, "HC2");
  EXPECT_FALSE(Get().jobs_held);
}

TEST_F(IdentityRulesTest, AVersionThatIsNoneIsAnEventOnce) {
  Join(kDevice, "HC1");
  for (int i = 0; i < 3; ++i) {
    Pass(1);
    Command command = Batch("edge-a", 2);
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(kDevice);
    check_in.set_interval_seconds(30);
    check_in.set_boot(boot_);
    check_in.mutable_facts()->set_serial_number("HC1");
    check_in.mutable_facts()->set_routeros_version(i == 0 ? "7.21beta3" : "next");
    ASSERT_TRUE(Apply(command).status.ok());
    EXPECT_EQ(CountEvents(kDevice, "version-unreadable"), i == 0 ? 0 : 1);
  }
}

TEST_F(IdentityRulesTest, AReleaseThatFailsBringsTheHoldOfACloneBack) {
  Join(kDevice, "HC1");
  BeatAs(kDevice, "HC2");
  BeatAs(kDevice, "HC1");
  ASSERT_EQ(Get().hold_kind, HoldKind::kClone);
  const std::string reason = Get().hold_reason;
  Command command;
  auto& release = *command.mutable_release_device();
  release.set_device_id(kDevice);
  release.set_organization_id(kOrganization);
  release.set_job_id(60);
  release.set_script("/system script remove");
  release.set_ttl_us(3'600'000'000);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_FALSE(Get().jobs_held);
  ASSERT_TRUE(ResultOf("edge-a", kDevice, Target(60, kDevice).number, 2).status.ok());
  ASSERT_TRUE(HasEvent(kDevice, "release-failed"));
  EXPECT_EQ(Get().hold_kind, HoldKind::kClone);
  EXPECT_EQ(Get().hold_reason, reason);
  ASSERT_TRUE(Apply(JobCommand(61, {kDevice})).status.ok());
  EXPECT_EQ(StateOf(61, kDevice), JobTargetState::kHeld);
}

TEST_F(IdentityRulesTest, ABootThatReturnsIsAClone) {
  Join(kDevice, "HC1");
  boot_ = "boot-2";
  Beat("edge-a", kDevice, 0);
  EXPECT_FALSE(Get().jobs_held) << "a reboot is none";
  boot_ = "boot-1";
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(Get().hold_kind, HoldKind::kClone);
  EXPECT_TRUE(HasEvent(kDevice, "clone"));
}

TEST_F(IdentityRulesTest, StateThatWentBackGoesOnAfterResync) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  const uint64_t first = NumberOf(50, kDevice);
  Beat("edge-a", kDevice, first);
  ResultOf("edge-a", kDevice, first);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(Get().hold_kind, HoldKind::kStateWentBack);
  ASSERT_TRUE(Apply(JobCommand(51, {kDevice})).status.ok());
  EXPECT_EQ(StateOf(51, kDevice), JobTargetState::kHeld);
  EXPECT_EQ(AcceptIdentity().status.code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Resync().status.ok());
  EXPECT_TRUE(HasEvent(kDevice, "resynced"));
  EXPECT_EQ(StateOf(51, kDevice), JobTargetState::kAtEdge);
  EXPECT_GT(NumberOf(51, kDevice), first);
  Beat("edge-a", kDevice, 0);
  EXPECT_FALSE(Get().jobs_held);
}

TEST_F(IdentityRulesTest, StateThatGoesBackAndForthIsAClone) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  const uint64_t first = NumberOf(50, kDevice);
  Beat("edge-a", kDevice, first);
  ResultOf("edge-a", kDevice, first);
  Beat("edge-a", kDevice, 0);
  Beat("edge-a", kDevice, first);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(Get().hold_kind, HoldKind::kClone);
  EXPECT_EQ(CountEvents(kDevice, "router-state-went-back"), 1);
}

TEST_F(IdentityRulesTest, ARotatedTokenIsTheOnlyOneWhenTheNewAgentReports) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Rotate().status.ok());
  EXPECT_EQ(Key().next_epoch, 2u);
  EXPECT_EQ(Key().sealed_next_secret, "secret-next");
  EXPECT_EQ(Key().least_epoch, 1u);
  const std::optional<AgentOffer> offer = state_->FindAgentOffer(DeviceId{kDevice});
  ASSERT_TRUE(offer.has_value());
  EXPECT_TRUE(offer->offered);
  EXPECT_EQ(offer->agent_version, "2");
  EXPECT_EQ(offer->generation, 1u);
  // Again while it is on its way changes nothing.
  ASSERT_TRUE(Rotate("secret-other").status.ok());
  EXPECT_EQ(Key().sealed_next_secret, "secret-next");
  BeatAs(kDevice, "HC1", 0, true);
  BeatAs(kDevice, "HC1", 0, true);
  EXPECT_EQ(Key().least_epoch, 1u);
  Open();
  EXPECT_EQ(Key().next_epoch, 2u) << "a restart keeps what is on its way";
  BeatAs(kDevice, "HC1", 0, true, "2+1");
  EXPECT_EQ(Key().least_epoch, 2u);
  EXPECT_EQ(Key().sealed_secret, "secret-next");
  EXPECT_EQ(Key().next_epoch, 0u);
  EXPECT_TRUE(HasEvent(kDevice, "token-rotated"));
  const auto revocations = state_->ListRevocations({}, 10);
  ASSERT_EQ(revocations.size(), 1u);
  EXPECT_EQ(revocations[0].least_epoch, 2u);
}

TEST_F(IdentityRulesTest, ATrialThatFailsLeavesTheOldTokenGood) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Rotate().status.ok());
  for (int i = 0; i < 5; ++i) {
    BeatAs(kDevice, "HC1", 0, true);
    BeatAs(kDevice, "HC1", 0, true);
    BeatAs(kDevice, "HC1", 0, false);
  }
  EXPECT_EQ(Key().least_epoch, 1u);
  // Small bodies don't name the agent: a long row of beats proves it too.
  for (int i = 0; i < 6; ++i) BeatAs(kDevice, "HC1", 0, true);
  EXPECT_EQ(Key().least_epoch, 2u);
}

TEST_F(IdentityRulesTest, ARevokedTokenIsRefusedUntilTheDeviceIsReplaced) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Revoke().status.ok());
  EXPECT_EQ(LastAudit(), "revoked the device's tokens");
  EXPECT_TRUE(Key().deleted) << "its items count for nothing";
  EXPECT_GT(Get().revoke_time_us, 0);
  EXPECT_EQ(Get().least_epoch, 2u);
  EXPECT_EQ(Rotate().status.code(), absl::StatusCode::kFailedPrecondition);
  // The token that it holds makes another device of it.
  ASSERT_TRUE(Apply(ClaimCommand(80, 1)).status.ok());
  Command again = EnrollSerial(80, 80, "nonce-2", "HC1");
  again.mutable_enroll_device()->set_held_device_id(kDevice);
  again.mutable_enroll_device()->set_held_epoch(1);
  EXPECT_EQ(Enroll(again).device_id(), 80u);
  ASSERT_TRUE(Apply(ReplaceClaim(90, kDevice)).status.ok());
  EXPECT_EQ(Enroll(EnrollSerial(90, kDevice, "nonce-3", "HC1")).epoch(), 3u);
  EXPECT_FALSE(Key().deleted);
  EXPECT_EQ(Get().revoke_time_us, 0);
}

TEST_F(IdentityRulesTest, AReleaseEndsInATombstoneThatEdgesAnswer) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  ASSERT_TRUE(Apply(JobCommand(51, {kDevice})).status.ok());
  ASSERT_TRUE(Release(60).status.ok());
  EXPECT_EQ(StateOf(51, kDevice), JobTargetState::kCancelled);
  EXPECT_EQ(StateOf(50, kDevice), JobTargetState::kAtEdge) << "what is out ends first";
  EXPECT_EQ(Release(61).status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Apply(JobCommand(52, {kDevice})).status.code(), absl::StatusCode::kFailedPrecondition);
  Beat("edge-a", kDevice, NumberOf(50, kDevice));
  ResultOf("edge-a", kDevice, NumberOf(50, kDevice));
  ASSERT_EQ(StateOf(60, kDevice), JobTargetState::kAtEdge);
  EXPECT_EQ(Get().delete_time_us, 0);
  ResultOf("edge-a", kDevice, NumberOf(60, kDevice));
  EXPECT_GT(Get().delete_time_us, 0);
  EXPECT_GT(Get().release_time_us, 0);
  EXPECT_TRUE(Key().released);
  EXPECT_TRUE(state_->ListRevocations({}, 10).empty()) << "its token must be known to get X";
  EXPECT_EQ(state_->ListEdgeDevices("edge-a", 0, 10).devices.size(), 1u);
  EXPECT_TRUE(HasEvent(kDevice, "released"));
  Open();
  EXPECT_TRUE(Key().released);
}

TEST_F(IdentityRulesTest, AReleaseThatFailsLeavesTheDevice) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Release(60).status.ok());
  ResultOf("edge-a", kDevice, NumberOf(60, kDevice), 2);
  EXPECT_EQ(Get().delete_time_us, 0);
  EXPECT_FALSE(Get().release_job);
  EXPECT_TRUE(HasEvent(kDevice, "release-failed"));
  EXPECT_TRUE(Release(61).status.ok());
}

TEST_F(IdentityRulesTest, AMoveTakesIdTokenAndFactsAndLeavesTheRest) {
  Join(kDevice, "HC1");
  Command update;
  update.mutable_update_device()->set_device_id(kDevice);
  update.mutable_update_device()->set_organization_id(kOrganization);
  update.mutable_update_device()->set_site("riga");
  update.mutable_update_device()->set_notes("the customer owes us");
  ASSERT_TRUE(Apply(update).status.ok());
  EXPECT_TRUE(HasEvent(kDevice, "site-changed"));
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  EXPECT_EQ(Move().status.code(), absl::StatusCode::kFailedPrecondition) << "a job is at the edge";
  Beat("edge-a", kDevice, NumberOf(50, kDevice));
  ResultOf("edge-a", kDevice, NumberOf(50, kDevice));
  Command later = JobCommand(51, {kDevice});
  later.mutable_create_job()->set_not_before_us(NowUs() + 60'000'000);
  ASSERT_TRUE(Apply(later).status.ok());
  ASSERT_TRUE(Move().status.ok());
  EXPECT_EQ(StateOf(51, kDevice), JobTargetState::kCancelled);
  const Device device = Get();
  EXPECT_EQ(device.organization, OrganizationId{kOther});
  EXPECT_EQ(device.site, "");
  EXPECT_EQ(device.notes, "");
  EXPECT_EQ(device.serial_number, "HC1");
  EXPECT_EQ(Key().token_organization, OrganizationId{kOrganization})
      << "the router keeps its token";
  EXPECT_EQ(EventKinds(kDevice), std::vector<std::string>{"moved"});
  EXPECT_EQ(Apply(JobCommand(52, {kDevice})).status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(state_->ListAudit({.organization = OrganizationId{kOrganization}}, 0, 1)[0].summary,
            "moved the device to organizations/other");
  Open();
  EXPECT_EQ(Key().token_organization, OrganizationId{kOrganization});
  Beat("edge-a", kDevice, NumberOf(50, kDevice));
  EXPECT_EQ(Get().status.online, OnlineState::kOnline);
}

TEST_F(IdentityRulesTest, RunningTheLineAgainTakesTheTermsOfItsClaim) {
  Join(kDevice, "HC1");
  ASSERT_TRUE(Rotate().status.ok());
  ASSERT_TRUE(Apply(JobCommand(50, {kDevice})).status.ok());
  ASSERT_TRUE(Apply(JobCommand(51, {kDevice})).status.ok());
  Command claim = ClaimCommand(80, 1);
  claim.mutable_create_claim()->set_monitor_only(true);
  claim.mutable_create_claim()->set_profile(2);
  ASSERT_TRUE(Apply(claim).status.ok());
  Command again = EnrollSerial(80, 80, "nonce-2", "HC1");
  again.mutable_enroll_device()->set_held_device_id(kDevice);
  again.mutable_enroll_device()->set_held_epoch(1);
  EXPECT_EQ(Enroll(again).device_id(), kDevice);
  EXPECT_TRUE(Get().monitor_only);
  EXPECT_EQ(Get().profile, Profile::kMetered);
  EXPECT_EQ(StateOf(51, kDevice), JobTargetState::kCancelled);
  EXPECT_FALSE(state_->FindAgentOffer(DeviceId{kDevice}).has_value());
  EXPECT_EQ(Rotate().status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(IdentityRulesTest, WhatWasImportedIsGivenToTheSerialNumberThatJoins) {
  Command import;
  import.mutable_import_devices()->set_organization_id(kOrganization);
  auto& one = *import.mutable_import_devices()->add_devices();
  one.set_serial_number("HC1");
  one.set_display_name("riga-core");
  one.set_site("riga");
  auto& label = *one.add_labels();
  label.set_key("role");
  label.set_value("core");
  ASSERT_TRUE(Apply(import).status.ok());
  EXPECT_EQ(state_->ListPreregistrations(OrganizationId{kOrganization}, "", 10).size(), 1u);
  Join(kDevice, "HC1");
  EXPECT_EQ(Get().display_name, "riga-core");
  EXPECT_EQ(Get().site, "riga");
  EXPECT_EQ(Get().labels.at("role"), "core");
  EXPECT_TRUE(HasEvent(kDevice, "preregistered"));
  EXPECT_TRUE(state_->ListPreregistrations(OrganizationId{kOrganization}, "", 10).empty());
}

TEST_F(IdentityRulesTest, AnImportWithOneBadRowChangesNothing) {
  Command import;
  import.mutable_import_devices()->set_organization_id(kOrganization);
  import.mutable_import_devices()->add_devices()->set_serial_number("HC1");
  import.mutable_import_devices()->add_devices()->set_serial_number("HC1");
  EXPECT_EQ(Apply(import).status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(state_->ListPreregistrations(OrganizationId{kOrganization}, "", 10).empty());
}

TEST_F(IdentityRulesTest, AVersion1FileKnowsSerialNumbersAndHoldsAfterItsMigration) {
  Join(kDevice, "HC1");
  state_.reset();
  auto old = Database::Open(folder_.path() + "/old.db", Database::Mode::kReadWrite);
  ASSERT_TRUE(old.ok());
  ASSERT_TRUE(PrepareSchema(**old, 1).ok());
  internal::v1::Facts facts;
  facts.set_serial_number("HC7");
  (*old)->Run(
      "INSERT INTO devices (id, organization, dense, display_name, notes, site, labels, facts, "
      "facts_hash, sealed_secret, monitor_only, held, least_epoch, create_us, update_us, "
      "delete_us, delete_index, version, last_given, highest_reported, expected_last) "
      "VALUES (1, 1, 0, '', '', '', x'', ?, 0, x'', 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0)",
      Blob{facts.SerializeAsString()});
  ASSERT_TRUE(PrepareSchema(**old).ok());
  Query query(**old, "SELECT serial, hardware, hold_kind, profile FROM devices");
  ASSERT_TRUE(query.Step());
  EXPECT_EQ(query.Text(0), "HC7");
  EXPECT_EQ(query.Text(1), "serial HC7");
  EXPECT_EQ(query.Int(2), 1);
  EXPECT_EQ(query.Int(3), 1);
}

TEST(HardwareTest, BoardsAreToldApartByTheSameKindOfMark) {
  EXPECT_TRUE(IsOtherHardware("serial A", "serial B"));
  EXPECT_FALSE(IsOtherHardware("serial A", "serial A"));
  EXPECT_FALSE(IsOtherHardware("serial A", "software-id X"));
  EXPECT_FALSE(IsOtherHardware("serial A", ""));
  EXPECT_FALSE(IsOtherHardware("", "serial A"));
}

}  // namespace
}  // namespace muster::server
