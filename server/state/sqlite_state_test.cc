// The state over starts, copies and other nodes.
#include "server/state/sqlite_state.h"

#include <gmock/gmock.h>

#include <random>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::ElementsAre;
using testing::Not;

constexpr uint64_t kDevice = 100;

class SqliteStateTest : public StateFixture {
 protected:
  SqliteStateTest() { SetUpInstallation(); }

  // A state of another node that applied the same entries.
  std::string DumpOfReplica() {
    TempFolder other;
    auto replica = SqliteState::Open(other.path() + "/state.db");
    EXPECT_TRUE(replica.ok());
    for (const std::string& bytes : entries_) {
      const auto entry = DecodeEntry(bytes);
      EXPECT_TRUE(entry.ok()) << entry.status();
      std::vector<const Command*> commands;
      for (const Command& command : entry->entry.commands()) commands.push_back(&command);
      auto transaction = (*replica)->Begin();
      transaction->Apply(entry->header.index, commands);
      transaction->Commit();
    }
    return (*replica)->Dump();
  }
};

TEST_F(SqliteStateTest, FindsStatusRowsAfterAStartWithAndWithoutTheirSlab) {
  for (uint64_t id = 100; id < 110; ++id) MakeDevice(id);
  const std::string before = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), before);
  Pass(40);
  Beat("edge-b", 103, 0);
  const std::string later = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), later);
  EXPECT_EQ(state_->FindDevice(DeviceId{103})->status.edge, "edge-b");
}

TEST_F(SqliteStateTest, IgnoresBatchesThatWereNotTakenWhenItReplays) {
  MakeDevice(kDevice);
  Command gap = Batch("edge-a", 2);
  gap.mutable_edge_batch()->set_number(gap.edge_batch().number() + 5);
  gap.mutable_edge_batch()->add_check_ins()->set_device_id(kDevice);
  gap.mutable_edge_batch()->mutable_check_ins(0)->set_time_delta_us(1);
  EXPECT_EQ(Apply(gap).result.edge_batch().outcome(), internal::v1::BATCH_OUTCOME_GAP);
  const std::string before = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), before);
}

TEST_F(SqliteStateTest, RefusesAStartWhoseEntriesAreDamaged) {
  MakeDevice(kDevice);
  state_.reset();
  {
    auto db = *Database::Open(folder_.path() + "/state.db", Database::Mode::kReadWrite);
    std::string bytes = entries_.back();
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    db->Run("UPDATE entries SET bytes = ? WHERE idx = (SELECT max(idx) FROM entries)", Blob{bytes});
  }
  EXPECT_EQ(SqliteState::Open(folder_.path() + "/state.db").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStateTest, TrimsOnlyWhatSlabsDoNotNeed) {
  MakeDevice(kDevice);
  Pass(45);
  Beat("edge-a", kDevice, 0);
  auto transaction = state_->Begin();
  transaction->Apply(state_->AppliedPosition().index + 1, {});
  transaction->KeepEntry(
      EncodeEntry({state_->LogId(), state_->AppliedPosition().index + 1, 0, NowUs()}, {}));
  transaction->TrimEntries(0, NowUs());
  transaction->Commit();
  const std::string before = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), before);
}

TEST_F(SqliteStateTest, TakesEachBatchNumberOnceAndInOrder) {
  MakeDevice(kDevice);
  const Command first = Batch("edge-a", 1);
  const Command second = Batch("edge-a", 1);
  using internal::v1::BATCH_OUTCOME_DUPLICATE;
  using internal::v1::BATCH_OUTCOME_GAP;
  using internal::v1::BATCH_OUTCOME_TAKEN;
  EXPECT_EQ(Apply(second).result.edge_batch().outcome(), BATCH_OUTCOME_GAP);
  EXPECT_EQ(Apply(first).result.edge_batch().outcome(), BATCH_OUTCOME_TAKEN);
  EXPECT_EQ(Apply(first).result.edge_batch().outcome(), BATCH_OUTCOME_DUPLICATE);
  const auto outcomes = Apply({second, second});
  EXPECT_EQ(outcomes[0].result.edge_batch().outcome(), BATCH_OUTCOME_TAKEN);
  EXPECT_EQ(outcomes[1].result.edge_batch().outcome(), BATCH_OUTCOME_DUPLICATE);
}

TEST_F(SqliteStateTest, FencesAnOlderStreamAndKnowsTheLanesOfASpoolThatComesBack) {
  MakeDevice(kDevice);
  const Command old = Batch("edge-a", 2);
  const uint64_t last = old.edge_batch().number() - 1;
  EXPECT_EQ(Say("edge-a", "spool-edge-a").applied(1).number(), last);
  EXPECT_EQ(Apply(old).result.edge_batch().outcome(), internal::v1::BATCH_OUTCOME_FENCED);
  EXPECT_EQ(Say("edge-a", "another").applied(1).number(), 0U);
  EXPECT_EQ(Say("edge-a", "spool-edge-a").applied(1).number(), last);
  EXPECT_THAT(state_->ListAudit({}, 0, 1)[0].summary, testing::HasSubstr("used twice"));
}

TEST_F(SqliteStateTest, KeepsTheNeighboursOfABadItem) {
  MakeDevice(kDevice);
  Command command = Batch("edge-a", 2);
  auto& batch = *command.mutable_edge_batch();
  batch.add_check_ins()->set_device_id(999);
  auto* bad = batch.add_check_ins();
  bad->set_device_id(kDevice);
  bad->set_last_number(~uint64_t{0});
  auto* good = batch.add_check_ins();
  good->set_device_id(kDevice);
  good->set_time_delta_us(7);
  for (int i = 0; i < 3; ++i) batch.mutable_check_ins(i)->set_item(static_cast<uint32_t>(i));
  const auto result = Apply(command).result.edge_batch();
  ASSERT_EQ(result.refused_size(), 2);
  EXPECT_EQ(result.refused(0).code(), 3U);
  EXPECT_EQ(result.refused(1).item(), 1U);
  EXPECT_EQ(state_->FindDevice(DeviceId{kDevice})->status.last_check_in_us, NowUs() + 7);
}

TEST_F(SqliteStateTest, GivesTheFirstOutcomeToARepeatedRequest) {
  Command command = ClaimCommand(9, 1);
  command.mutable_actor()->set_principal("apiKeys/x");
  command.set_method("CreateClaim");
  command.mutable_request()->set_request_id("r1");
  command.mutable_request()->set_digest("d1");
  command.mutable_request()->set_sealed_answer("sealed");
  EXPECT_FALSE(Apply(command).repeated);
  Command again = ClaimCommand(10, 1);
  *again.mutable_actor() = command.actor();
  again.set_method(command.method());
  *again.mutable_request() = command.request();
  const Outcome outcome = Apply(again);
  EXPECT_TRUE(outcome.repeated);
  EXPECT_EQ(outcome.result.resource_id(), 9U);
  EXPECT_EQ(outcome.result.sealed_answer(), "sealed");
  EXPECT_FALSE(state_->FindClaim(ClaimId{10}).has_value());

  again.mutable_request()->set_digest("d2");
  EXPECT_EQ(Apply(again).status.code(), absl::StatusCode::kAlreadyExists);
  again.mutable_actor()->set_organization_id(5);
  EXPECT_TRUE(Apply(again).status.ok());
  Pass(605);
  Command late = ClaimCommand(11, 1);
  *late.mutable_actor() = command.actor();
  late.set_method(command.method());
  *late.mutable_request() = command.request();
  EXPECT_FALSE(Apply(late).repeated);
}

TEST_F(SqliteStateTest, EnrollsOneDeviceForAClaimHoweverOftenItIsTried) {
  ASSERT_TRUE(Apply(ClaimCommand(9, 1)).status.ok());
  std::vector<Command> commands;
  for (uint64_t i = 0; i < 100; ++i) {
    commands.push_back(EnrollCommand(9, 1000 + i, absl::StrCat("nonce-", i)));
  }
  int made = 0;
  for (const Outcome& outcome : Apply(commands)) {
    made += outcome.result.enroll().verdict() == internal::v1::ENROLL_VERDICT_OK ? 1 : 0;
  }
  EXPECT_EQ(made, 1);
  const Outcome again = Apply(EnrollCommand(9, 7777, "nonce-0"));
  EXPECT_EQ(again.result.enroll().device_id(), 1000U);
  EXPECT_EQ(again.result.enroll().sealed_secret(), "secret-1000");
  EXPECT_EQ(state_->FindClaim(ClaimId{9})->used_devices, 1U);
}

TEST_F(SqliteStateTest, JudgesClaimsByTimeAddressAndOrganization) {
  using internal::v1::EnrollVerdict;
  Command claim = ClaimCommand(9, 5);
  claim.mutable_create_claim()->set_allowed_source("10.0.0.0/9");
  claim.mutable_create_claim()->set_allowed_network(std::string("\x0a\0\0\0", 4));
  claim.mutable_create_claim()->set_allowed_prefix_bits(9);
  ASSERT_TRUE(Apply(claim).status.ok());
  Command enroll = EnrollCommand(9, 50, "n");
  enroll.mutable_enroll_device()->set_source_address(std::string("\x0a\x80\0\1", 4));
  EXPECT_EQ(Apply(enroll).result.enroll().verdict(),
            EnrollVerdict::ENROLL_VERDICT_CLAIM_WRONG_ADDRESS);
  enroll.mutable_enroll_device()->set_source_address(std::string("\x0a\x7f\0\1", 4));
  EXPECT_EQ(Apply(enroll).result.enroll().verdict(), EnrollVerdict::ENROLL_VERDICT_OK);
  EXPECT_EQ(Apply(EnrollCommand(8, 51, "n")).result.enroll().verdict(),
            EnrollVerdict::ENROLL_VERDICT_CLAIM_UNKNOWN);
  Pass(3'700);
  enroll = EnrollCommand(9, 52, "other");
  enroll.mutable_enroll_device()->set_source_address(std::string("\x0a\x7f\0\1", 4));
  EXPECT_EQ(Apply(enroll).result.enroll().verdict(), EnrollVerdict::ENROLL_VERDICT_CLAIM_EXPIRED);
  enroll.mutable_enroll_device()->set_held_device_id(50);
  enroll.mutable_enroll_device()->set_held_epoch(1);
  EXPECT_EQ(Apply(enroll).result.enroll().device_id(), 50U);
}

TEST_F(SqliteStateTest, NeverLetsTimeGoBack) {
  const int64_t now = NowUs();
  Command tick;
  tick.mutable_tick()->set_time_us(now - 5'000'000);
  Apply(tick);
  EXPECT_EQ(NowUs(), now);
}

TEST_F(SqliteStateTest, ChainsItsAudit) {
  MakeDevice(kDevice);
  const auto entries = state_->ListAudit({}, 0, 100);
  ASSERT_GE(entries.size(), 3U);
  for (size_t i = 1; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].sequence + 1, entries[i - 1].sequence);
    EXPECT_NE(entries[i].chain_hash, entries[i - 1].chain_hash);
  }
  EXPECT_EQ(entries[0].resource, absl::StrCat("organizations/default/devices/", FormatId(100)));
  EXPECT_EQ(state_->ListAudit({.organization = OrganizationId{999}}, 0, 100).size(), 0U);
}

TEST_F(SqliteStateTest, ListsItsAuditAsAskedForWhateverWasAskedBefore) {
  MakeDevice(kDevice);
  Command other;
  other.mutable_create_organization()->set_organization_id(kOrganization + 1);
  other.mutable_create_organization()->set_slug("other");
  ASSERT_TRUE(Apply(other).status.ok());
  for (int round = 0; round < 2; ++round) {
    for (const OrganizationId organization : {OrganizationId{}, OrganizationId{kOrganization}}) {
      for (const bool oldest_first : {false, true}) {
        AuditQuery query;
        query.organization = organization;
        query.oldest_first = oldest_first;
        const auto entries = state_->ListAudit(query, 0, 100);
        ASSERT_GE(entries.size(), 2U);
        for (size_t i = 0; i < entries.size(); ++i) {
          EXPECT_TRUE(!organization || entries[i].organization == organization);
          if (i == 0) continue;
          EXPECT_EQ(entries[i - 1].sequence < entries[i].sequence, oldest_first);
        }
      }
    }
  }
}

TEST_F(SqliteStateTest, KeepsEventsForADayButTheNewestTwentyForEver) {
  MakeDevice(kDevice);
  for (int i = 0; i < 30; ++i) {
    boot_ = absl::StrCat("boot-", i + 2);
    Beat("edge-a", kDevice, 0);
  }
  EXPECT_EQ(EventKinds(kDevice).size(), 31U);
  Command tick;
  tick.mutable_tick()->set_time_us(NowUs() + int64_t{90'000} * 1'000'000);
  Apply(tick);
  Pass(70);
  EXPECT_EQ(EventKinds(kDevice).size(), 20U);
}

TEST_F(SqliteStateTest, KeepsTheFactsThatASmallBeatDoesNotSay) {
  MakeDevice(kDevice);
  Pass(1);
  Command command = Batch("edge-a", 2);
  auto& check_in = *command.mutable_edge_batch()->add_check_ins();
  check_in.set_device_id(kDevice);
  check_in.set_interval_seconds(300);
  check_in.mutable_facts()->set_agent_version("2+1");
  check_in.mutable_facts()->set_format_hex(true);
  Apply(command);
  const Device device = *state_->FindDevice(DeviceId{kDevice});
  EXPECT_EQ(device.agent_version, "2+1");
  EXPECT_TRUE(device.format_hex);
  EXPECT_EQ(device.identity, absl::StrCat("router-", kDevice));
  EXPECT_EQ(device.routeros_version, "7.15.3 (stable)");
}

TEST_F(SqliteStateTest, RevokesAKeyForReadersThatHaveSeenIt) {
  EXPECT_EQ(state_->FindApiKeyByHash(Hash("root"))->revoke_time_us, 0);
  Command command;
  command.mutable_revoke_api_key()->set_api_key_id(1);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_NE(state_->FindApiKeyByHash(Hash("root"))->revoke_time_us, 0);
}

TEST_F(SqliteStateTest, KnowsTheCodePageOfEachDevicesOrganization) {
  MakeDevice(kDevice);
  EXPECT_EQ(state_->FindDeviceKey(DeviceId{kDevice})->code_page, kNoCodePage);
  Command command;
  command.mutable_update_organization()->set_organization_id(kOrganization);
  command.mutable_update_organization()->set_fallback_code_page(3);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(state_->FindDeviceKey(DeviceId{kDevice})->code_page, 3u);
  EXPECT_EQ(CountChanges(ChangeKind::kOrganization), 2);
  Open();
  EXPECT_EQ(state_->FindDeviceKey(DeviceId{kDevice})->code_page, 3u);
  EXPECT_EQ(DumpOfReplica(), state_->Dump());
  command.mutable_update_organization()->set_fallback_code_page(kHighestCodePage + 1);
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
  command.mutable_update_organization()->set_fallback_code_page(kNoCodePage);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(state_->FindDeviceKey(DeviceId{kDevice})->code_page, kNoCodePage);
  command.mutable_update_organization()->set_organization_id(kOrganization + 1);
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kNotFound);
}

TEST_F(SqliteStateTest, RefusesEverythingOfARevokedEdge) {
  MakeDevice(kDevice);
  Command command;
  command.mutable_revoke_edge()->set_edge_id("edge-a");
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(Beat("edge-a", kDevice, 0).result.edge_batch().outcome(),
            internal::v1::BATCH_OUTCOME_FENCED);
  Command hello;
  hello.mutable_edge_session()->set_edge_id("edge-a");
  hello.mutable_edge_session()->set_spool_id(std::string(16, 'x'));
  EXPECT_EQ(Apply(hello).status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteStateTest, ListsWhatAnEdgeHasToServe) {
  for (uint64_t id = 100; id < 105; ++id) MakeDevice(id);
  Beat("edge-b", 101, 0);
  const auto all = state_->ListEdgeDevices("edge-b", 0, 100);
  ASSERT_EQ(all.devices.size(), 1U);
  EXPECT_EQ(all.devices[0].id, DeviceId{101});
  EXPECT_EQ(all.next, 0U);
  std::vector<uint64_t> ids;
  uint64_t after = 0;
  do {
    const auto page = state_->ListEdgeDevices("edge-a", after, 2);
    for (const auto& device : page.devices) ids.push_back(device.id.value);
    after = page.next;
  } while (after != 0);
  EXPECT_THAT(ids, ElementsAre(100, 101, 102, 103, 104));
  EXPECT_EQ(state_->FindEdge("edge-a")->device_count, 4);
}

TEST_F(SqliteStateTest, ExpandsAndCancelsALargeJobInSteps) {
  constexpr uint64_t kMembers = 1'200;
  ASSERT_TRUE(Apply(ClaimCommand(9, 5'000)).status.ok());
  std::vector<Command> enrolments;
  std::vector<uint64_t> members;
  for (uint64_t id = 1'000; id < 1'000 + kMembers; ++id) {
    enrolments.push_back(EnrollCommand(9, id, absl::StrCat("nonce-", id)));
    members.push_back(id);
  }
  Apply(enrolments);
  ASSERT_TRUE(Apply(JobCommand(1, members)).status.ok());
  const auto counts = [this] { return state_->FindJob(JobId{1}, false)->state_counts; };
  EXPECT_EQ(state_->ListJobTargets(JobId{1}, DeviceId{}, 5'000).size(), 1'000U);
  EXPECT_EQ(counts()[1], kMembers);
  Command cancel;
  cancel.mutable_cancel_job()->set_job_id(1);
  cancel.mutable_cancel_job()->set_organization_id(kOrganization);
  EXPECT_EQ(Apply(cancel).result.cancel_job().cancelled_count(), kMembers);
  for (int step = 0; state_->NextJobToExpand() != 0; ++step) {
    ASSERT_LT(step, 10);
    Command expand;
    expand.mutable_expand_job()->set_job_id(state_->NextJobToExpand());
    ASSERT_TRUE(Apply(expand).status.ok());
  }
  EXPECT_EQ(counts()[static_cast<size_t>(JobTargetState::kCancelled)], kMembers);
  EXPECT_NE(state_->FindJob(JobId{1}, false)->end_time_us, 0);
}

// The control plane is restored from a copy that knows nothing of the last jobs.
TEST_F(SqliteStateTest, ReusesNoNumberAfterItWasRestoredFromAnOlderCopy) {
  MakeDevice(kDevice);
  state_.reset();
  std::filesystem::copy(folder_.path() + "/state.db", folder_.path() + "/older.db");
  Open();
  Apply(JobCommand(1, {kDevice}));
  const uint64_t number = NumberOf(1, kDevice);
  Event("edge-a", kDevice, number, 1, 1);
  const Session ahead = sessions_["edge-a"];
  const int64_t time = NowUs();

  state_.reset();
  std::filesystem::remove(folder_.path() + "/state.db-wal");
  std::filesystem::rename(folder_.path() + "/older.db", folder_.path() + "/state.db");
  Open();
  // The edge learns that the control plane went back, and makes a new spool id.
  EXPECT_LT(Say("edge-a", "spool-edge-a").applied(0).number(), ahead.numbers[1]);
  Say("edge-a", "new");
  Command tick;
  tick.mutable_tick()->set_time_us(time + 60'000'000);
  Apply(tick);
  ResultOf("edge-a", kDevice, number);
  EXPECT_THAT(EventKinds(kDevice), testing::Contains("orphan-result"));
  Beat("edge-a", kDevice, number);
  Apply(JobCommand(2, {kDevice}));
  EXPECT_GT(NumberOf(2, kDevice), number);
}

// Any sequence of commands gives the same state on another node, and over starts.
TEST_F(SqliteStateTest, GivesTheSameStateFromTheSameEntries) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const auto pick = [&random](uint64_t below) { return random() % below; };
  for (uint64_t id = 100; id < 106; ++id) MakeDevice(id);
  uint64_t next_job = 1;
  for (int step = 0; step < 400; ++step) {
    const uint64_t device = 100 + pick(7);
    const std::string edge = pick(2) == 0 ? "edge-a" : "edge-b";
    const auto job = state_->FindJobTarget(JobId{1 + pick(next_job)}, DeviceId{device});
    const uint64_t number = job.has_value() && pick(4) != 0 ? job->number : 1 + pick(1000);
    boot_ = absl::StrCat("boot-", pick(2));
    switch (pick(10)) {
      case 0:
        Apply(JobCommand(next_job++, {device}));
        break;
      case 1:
        Apply(JobCommand(next_job++, {100, 101, 102, 103, 104, 105}));
        break;
      case 2:
        if (number != 0) ResultOf(edge, device, number, 1 + static_cast<uint32_t>(pick(3)));
        break;
      case 3:
      case 4:
        Event(edge, device, number, 1 + static_cast<uint32_t>(pick(4)),
              1 + static_cast<uint32_t>(pick(3)));
        break;
      case 5: {
        Command command;
        command.mutable_cancel_job()->set_job_id(1 + pick(next_job));
        command.mutable_cancel_job()->set_organization_id(kOrganization);
        Apply(command);
        break;
      }
      case 6: {
        Command command;
        command.mutable_release_hold()->set_device_id(device);
        command.mutable_release_hold()->set_organization_id(kOrganization);
        Apply(command);
        break;
      }
      case 7:
        Pass(static_cast<int64_t>(pick(200)));
        break;
      default:
        Beat(edge, device, pick(3) == 0 ? 0 : number, pick(2) == 0 ? number : 0);
    }
    if (step % 100 == 99) {
      const std::string before = state_->Dump();
      Open();
      EXPECT_EQ(state_->Dump(), before);
    }
  }
  EXPECT_EQ(DumpOfReplica(), state_->Dump());
}

}  // namespace
}  // namespace muster::server
