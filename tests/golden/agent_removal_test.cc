// Leaving: after a release, or the offline line, a router is what it was before it joined.
#include <gmock/gmock.h>

#include "routeros/script/agent.h"
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kFirst = 1'763'805'433'000'000;

class AgentRemovalTest : public AgentTestBase {
 protected:
  // What somebody has that looks a little like ours.
  void AddOwnThings() {
    const simulator::RunResult added = router().Run(
        "/system script add name=muster-mine source=\":put 1\"\n"
        "/system script add name=my-muster-beat source=\":put 2\"\n"
        "/system scheduler add name=muster-backup interval=1d on-event=\"/system script run "
        "muster-mine\"\n"
        "/ppp secret add name=mustermann password=x\n"
        "/ip dns static add name=muster.example.net address=192.0.2.9 comment=muster\n"
        "/ip address add address=192.0.2.1/24 interface=ether1 comment=\"Muster agent\"\n"
        "/file print file=muster-notes\n");
    ASSERT_TRUE(added.ok) << added.error;
  }
  std::string State() {
    std::string text = router().Export("", true);
    text.erase(0, text.find('\n'));  // the date
    for (const auto& row : router().Rows(*router().tree().Menu("/certificate")).rows) {
      absl::StrAppend(&text, "certificate ", row.Text("name"), "\n");
    }
    for (const auto& row : router().Rows(*router().tree().Menu("/file")).rows) {
      absl::StrAppend(&text, "file ", row.Text("name"), "\n");
    }
    return text;
  }
  // Joined, renewed once with all that a text can bring, and with jobs behind it.
  void LiveAWhile() {
    edge().dns_address = "192.0.2.10";
    Join();
    routeros::AgentTerms offer;
    offer.urls = {FakeEdge::kUrl, "https://second.example.net"};
    offer.root_sha256 = kRootSha256;
    offer.new_root_pem = kForeignPem;
    offer.new_root_sha256 = kForeignSha256;
    offer.generation = 1;
    offer.token = "m1.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    offer.dns_address = "192.0.2.10";
    edge().further_tokens = {offer.token};
    edge().offer = offer;
    router().RunFor(absl::Minutes(3));
    ASSERT_EQ(edge().beats.back().facts.agent_version, "3+1") << world_.Errors();
    edge().Queue(kFirst, ":put 1");
    ASSERT_NE(world_.Await(kFirst), nullptr);
    router().RunFor(absl::Minutes(20));
  }
  bool AnythingLeft() {
    const simulator::RunResult globals =
        router().Run(":return [:len [/system script environment find where name~\"^muster\"]]");
    return simulator::ToText(globals.value) != "0";
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, AgentRemovalTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentRemovalTest, AReleaseTakesAwayEverythingThatJoiningMade) {
  AddOwnThings();
  const std::string before = State();
  LiveAWhile();
  EXPECT_THAT(State(), HasSubstr("muster-beat"));
  edge().Queue(kFirst + 1, routeros::RenderRemoval());
  const auto* result = world_.Await(kFirst + 1);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(State(), before);
  EXPECT_FALSE(AnythingLeft());
  edge().attempts = 0;
  router().RunFor(absl::Hours(1));
  EXPECT_EQ(edge().attempts, 0);
  router().Reboot(simulator::PowerDown::kClean);
  router().RunFor(absl::Minutes(5));
  EXPECT_EQ(edge().attempts, 0);
  EXPECT_EQ(State(), before);
}

TEST_P(AgentRemovalTest, TheOfflineLineDoesTheSame) {
  AddOwnThings();
  const std::string before = State();
  LiveAWhile();
  edge().away = true;
  router().RunFor(absl::Minutes(5));
  const simulator::RunResult removed = router().Run(routeros::RenderRemovalLine());
  EXPECT_TRUE(removed.ok) << removed.error;
  EXPECT_EQ(State(), before);
  EXPECT_FALSE(AnythingLeft());
  EXPECT_TRUE(router().Run(routeros::RenderRemovalLine()).ok) << "twice does no harm";
  EXPECT_EQ(State(), before);
}

TEST_P(AgentRemovalTest, WorksWithoutThePppMenu) {
  world_.options.ppp_package = false;
  const std::string before = State();
  Join();
  ASSERT_TRUE(router().Run(routeros::RenderRemovalLine()).ok);
  EXPECT_EQ(State(), before);
}

TEST_P(AgentRemovalTest, AMonitoredRouterIsFreedByTheLine) {
  edge().monitor_only = true;
  const std::string before = State();
  Join();
  router().RunFor(absl::Minutes(2));
  ASSERT_TRUE(router().Run(routeros::RenderRemovalLine()).ok);
  EXPECT_EQ(State(), before);
}

TEST_P(AgentRemovalTest, JoinsAgainAfterwards) {
  Join();
  ASSERT_TRUE(router().Run(routeros::RenderRemovalLine()).ok);
  edge().beats.clear();
  ASSERT_TRUE(world_.Join().ok);
  ASSERT_EQ(edge().enrolments.size(), 2u);
  EXPECT_TRUE(edge().enrolments[1].token.empty());
  router().RunFor(absl::Minutes(2));
  EXPECT_GE(edge().beats.size(), 4u);
}

// Each thing that joining adds stands in the preview, and nothing that it doesn't add.
TEST_P(AgentRemovalTest, ThePreviewNamesWhatJoiningAdds) {
  const auto family = routeros::FamilyOf(*routeros::ParseVersion(GetParam()));
  const auto preview = routeros::RenderPreview(
      {FakeEdge::kUrl, kRootSha256, FakeEdge::kClaim, false, routeros::Profile::kNormal, {}, ""},
      *family);
  ASSERT_TRUE(preview.ok());
  std::vector<std::string> added;
  world_.watch.on_event = [&](simulator::Router&, const simulator::Event& event) {
    if (event.kind == simulator::EventKind::kRowAdded) {
      added.push_back(absl::StrCat(event.name, " ", event.text));
    }
  };
  Join();
  for (const char* menu : {"/system/script", "/system/scheduler"}) {
    for (const auto& row : router().Rows(*router().tree().Menu(menu)).rows) {
      EXPECT_THAT(*preview, HasSubstr(row.Text("name")));
    }
  }
  EXPECT_THAT(*preview, HasSubstr(kRootSha256));
  EXPECT_EQ(absl::StrContains(*preview, "netwatch"), !world_.options.version.IsV6());
  EXPECT_THAT(*preview, Not(HasSubstr(FakeEdge::kClaim)));
  EXPECT_THAT(*preview, Not(HasSubstr("dns static")));
  EXPECT_GE(added.size(), 8u);
}

TEST(RemovalLineTest, IsOneLineOfAThousandCharacters) {
  const std::string line = routeros::RenderRemovalLine();
  EXPECT_LE(line.size(), routeros::kLongestBootstrapLine);
  for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  EXPECT_EQ(line.find('?'), std::string::npos);
}

}  // namespace
}  // namespace muster::golden
