#include "server/devices/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routeros/script/agent.h"
#include "routeros/script/texts.h"

namespace muster::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNow = int64_t{1'790'000'000} * 1'000'000;
constexpr int64_t kMinute = int64_t{60} * 1'000'000;

// A device with which nothing is wrong.
DiagnosisFacts Healthy() {
  DiagnosisFacts facts;
  facts.now_us = kNow;
  facts.device.id = DeviceId{1000};
  facts.device.agent_version = std::string(routeros::AgentVersion()) + "+3";
  facts.device.rights = std::string(routeros::kFullPolicy);
  DeviceStatus& status = facts.device.status;
  status.online = OnlineState::kOnline;
  status.last_check_in_us = kNow - 5'000'000;
  status.edge = "west";
  status.router_clock = absl::FormatTime(
      "%Y-%m-%d %H:%M:%S", absl::FromUnixMicros(kNow) + absl::Hours(2), absl::UTCTimeZone());
  status.disk_free_bytes = 5 << 20;
  status.memory_free_bytes = 50;
  status.memory_total_bytes = 100;
  DeviceContacts contacts;
  contacts.contacts.push_back({ContactKind::kCheckIn, kNow - 5'000'000, 200, "0"});
  facts.contacts = contacts;
  return facts;
}

std::vector<std::string> Codes(const DiagnosisFacts& facts) {
  std::vector<std::string> codes;
  for (const DiagnosisFinding& finding : Diagnose(facts)) {
    codes.push_back(finding.code);
    EXPECT_FALSE(finding.message.empty()) << finding.code;
    EXPECT_FALSE(finding.next_step.empty()) << finding.code;
  }
  return codes;
}

TEST(DiagnoseTest, FindsNothingWrongWithAHealthyDevice) {
  EXPECT_THAT(Codes(Healthy()), IsEmpty());
}

TEST(DiagnoseTest, SaysWhatIsWrong) {
  struct Case {
    const char* name;
    void (*spoil)(DiagnosisFacts&);
    std::vector<std::string> codes;
  };
  const Case cases[] = {
      {"deleted",
       [](DiagnosisFacts& f) {
         f.device.delete_time_us = kNow - kMinute;
         f.device.jobs_held = true;
       },
       {"deleted"}},
      {"offline",
       [](DiagnosisFacts& f) { f.device.status.online = OnlineState::kOffline; },
       {"offline"}},
      {"edge away",
       [](DiagnosisFacts& f) {
         f.device.status.online = OnlineState::kUnknown;
         f.contacts = absl::UnavailableError("edge west is not connected");
       },
       {"edge-silent", "no-contacts"}},
      {"never",
       [](DiagnosisFacts& f) {
         f.device.status = DeviceStatus();
         f.contacts = absl::FailedPreconditionError("never");
       },
       {"never-checked-in"}},
      {"token refused",
       [](DiagnosisFacts& f) {
         f.contacts->contacts.insert(f.contacts->contacts.begin(),
                                     {ContactKind::kRefused, kNow, 401, "the token is revoked"});
       },
       {"token-refused"}},
      {"held", [](DiagnosisFacts& f) { f.device.jobs_held = true; }, {"jobs-held"}},
      {"old agent", [](DiagnosisFacts& f) { f.device.agent_version = "0.1"; }, {"agent-old"}},
      {"rights",
       [](DiagnosisFacts& f) { f.device.rights = "ftp,read,write,policy,test,password,sniff"; },
       {"rights-missing"}},
      {"rights lost since",
       [](DiagnosisFacts& f) { f.device.rights += ",no-write"; },
       {"rights-missing"}},
      {"owner removed", [](DiagnosisFacts& f) { f.device.rights += ",no-owner"; }, {"owner-gone"}},
      {"clock",
       [](DiagnosisFacts& f) { f.device.status.router_clock = "1970-01-02 00:00:10"; },
       {"clock-wrong"}},
      {"version",
       [](DiagnosisFacts& f) { f.device.routeros_version = "next (testing)"; },
       {"version-unreadable"}},
      {"disk", [](DiagnosisFacts& f) { f.device.status.disk_free_bytes = 20'000; }, {"disk-full"}},
      {"memory", [](DiagnosisFacts& f) { f.device.status.memory_free_bytes = 3; }, {"memory-full"}},
      {"flash",
       [](DiagnosisFacts& f) { f.device.status.bad_blocks_millipercent = 2; },
       {"flash-worn"}},
      {"errors", [](DiagnosisFacts& f) { f.device.status.agent_errors = 2; }, {"agent-errors"}},
      {"reboots",
       [](DiagnosisFacts& f) {
         for (int i = 0; i < 3; ++i) f.events.push_back({f.device.id, kNow - kMinute, "rebooted"});
       },
       {"reboots"}},
      {"job",
       [](DiagnosisFacts& f) {
         f.open_targets.resize(1);
         f.open_targets[0].state = JobTargetState::kSent;
         f.open_targets[0].update_time_us = kNow - 90 * kMinute;
       },
       {"job-without-end"}},
      {"worst first",
       [](DiagnosisFacts& f) {
         f.device.agent_version = "0.1";
         f.device.status.disk_free_bytes = 20'000;
         f.device.jobs_held = true;
       },
       {"jobs-held", "disk-full", "agent-old"}},
  };
  for (const Case& c : cases) {
    DiagnosisFacts facts = Healthy();
    c.spoil(facts);
    EXPECT_EQ(Codes(facts), c.codes) << c.name;
  }
}

TEST(DiagnoseTest, ARefusalThatIsOverIsOnlyAWarning) {
  DiagnosisFacts facts = Healthy();
  facts.contacts->contacts.push_back({ContactKind::kRefused, kNow - kMinute, 503, "upstream"});
  const auto findings = Diagnose(facts);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].level, FindingLevel::kWarning);
  EXPECT_THAT(findings[0].message, HasSubstr("1 of its last 2 calls"));
  EXPECT_THAT(findings[0].message, HasSubstr("HTTP 503, upstream"));
}

TEST(ClockSkewTest, LeavesTheTimeZoneOut) {
  absl::Time at;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, "2026-11-22T11:36:02Z", &at, nullptr));
  const auto skew = [&](const char* clock) { return ClockSkew(clock, at); };
  EXPECT_EQ(skew("2026-11-22 11:36:02"), absl::ZeroDuration());
  EXPECT_EQ(skew("2026-11-22 13:36:05"), absl::Seconds(3));
  EXPECT_EQ(skew("2026-11-22 06:05:52"), -absl::Seconds(10));
  EXPECT_EQ(skew("nov/22/2026 17:21:02"), absl::ZeroDuration());
  EXPECT_EQ(skew("2026-11-22 11:41:02"), absl::Minutes(5));
  EXPECT_EQ(skew("2026-11-24 11:36:02"), absl::Hours(48));
  for (const char* none : {"", "nonsense", "2026-13-40 00:00:00"}) {
    EXPECT_EQ(skew(none), std::nullopt) << none;
  }
}

TEST(MissingRightsTest, ComparesLists) {
  EXPECT_THAT(MissingRights("read,test", "read,write,test,policy"), ElementsAre("write", "policy"));
  EXPECT_THAT(MissingRights("read,write", "read"), IsEmpty());
  EXPECT_THAT(MissingRights("read,write,no-write", "read,write"), ElementsAre("write"));
  EXPECT_THAT(HeldRights("read,write,test,no-write,no-owner"), ElementsAre("read", "test"));
  EXPECT_TRUE(OwnerIsGone("read,no-owner"));
  EXPECT_FALSE(OwnerIsGone("read,no-write"));
}

}  // namespace
}  // namespace muster::server
