#include "routeros/check/script_check.h"

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "routeros/check/console_dumps.h"

namespace muster::routeros {
namespace {

constexpr absl::string_view kDump = R"({
  "put": ["message"], "if": ["condition", "do", "else"], "local": ["do", "name", "value"],
  "parse": ["value"], "execute": ["as-string", "file", "script"],
  "ip": {"address": {
    "add": ["address", "comment", "copy-from", "interface"], "find": ["where"],
    "print": ["as-value", "where"], "remove": ["numbers"],
    "get": ["number", "value-name"], "set": ["address", "comment", "interface", "numbers"]}},
  "system": {"reboot": [], "reset-configuration": ["no-defaults"],
    "backup": {"load": ["name", "password"]},
    "package": {"update": {"install": ["ignore-missing"]}},
    "script": {"add": ["name", "policy", "source"], "run": ["number"]}}
})";

std::string FindingsOf(const ScriptReport& report) {
  return absl::StrJoin(report.findings, "\n", [](std::string* out, const Finding& finding) {
    absl::StrAppend(out, finding.ToText());
  });
}

class CheckTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tree = ParseConsoleDump({7, 20, 8, ""}, kDump);
    ASSERT_TRUE(tree.ok()) << tree.status();
    tree_ = *std::move(tree);
  }

  std::string WithTree(absl::string_view script) {
    return FindingsOf(CheckScript(script, {7, 20, 8, ""}, tree_.get()));
  }
  static std::string Without(absl::string_view script, const Version& version) {
    return FindingsOf(CheckScript(script, version));
  }

  std::unique_ptr<language::CommandTree> tree_;
};

TEST_F(CheckTest, AGoodScriptHasNoFinding) {
  EXPECT_EQ(WithTree("/ip address add address=10.0.0.1/24 interface=ether1\n"
                     ":if ([:put 1] = 1) do={ /ip/address/remove [find where comment=x] }"),
            "");
}

TEST_F(CheckTest, NamesLineAndColumn) {
  EXPECT_EQ(WithTree("\n/ip address add adress=10.0.0.1/24"),
            "line 2 column 17: bad parameter adress");
  EXPECT_EQ(WithTree("/ip address ad address=1.1.1.1"), "line 1 column 13: bad command name ad");
  EXPECT_EQ(WithTree(":put \"abc"), "line 1 column 6: expected closing quote");
}

TEST_F(CheckTest, FindsEveryUnknownNameNotOnlyTheFirst) {
  EXPECT_EQ(WithTree("/ip address add adress=1.1.1.1\n/ip adress print\n/ip address add bad=1"),
            "line 1 column 17: bad parameter adress\n"
            "line 2 column 5: bad command name adress\n"
            "line 3 column 17: bad parameter bad");
}

TEST_F(CheckTest, AMistypedCommandOfTheLanguageIsASyntaxError) {
  const ScriptReport report = CheckScript(":putt 1", {7, 20, 8, ""});
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kSyntax);
}

TEST_F(CheckTest, WithoutADumpMenusAreTaken) {
  EXPECT_EQ(Without("/interface wireless set [find default-name=wlan1] ssid=a\n"
                    "/ip route\nadd gateway=10.0.0.1\n:log info \"x\"\nset [find dynamic=no] "
                    "comment=a",
                    {6, 49, 10, ""}),
            "");
  EXPECT_EQ(Without("/ipp address print", {6, 49, 10, ""}),
            "line 1 column 2: bad command name ipp");
}

TEST_F(CheckTest, ABareWordInAnExpressionIsNamedAndTheCheckGoesOn) {
  EXPECT_EQ(WithTree(":if ([:put 1] = null) do={ :put \"a }"),
            "line 1 column 17: syntax error: null is no value\n"
            "line 1 column 33: expected closing quote");
}

TEST_F(CheckTest, FindsWhatCameWithALaterVersion) {
  EXPECT_EQ(Without("/tool netwatch add host=1.1.1.1 type=icmp", {7, 1, 0, ""}),
            "line 1 column 1: /tool/netwatch/add type came with 7.4");
  EXPECT_EQ(Without("/ip/address/print", {6, 49, 10, ""}),
            "line 1 column 4: expected command name");
  EXPECT_EQ(Without(":put \"a?\"", {6, 49, 10, ""}),
            "line 1 column 8: question mark asks for help before RouterOS 7.1; write \\?");
}

TEST_F(CheckTest, LooksIntoScriptsInsideOfTheScript) {
  EXPECT_EQ(WithTree("/system script add name=a source=\":putt 1\""),
            "line 1 column 27: in the script of source, line 1 column 1: bad command name putt");
  EXPECT_EQ(WithTree("/system script add name=a source={ :put ( }"),
            "line 1 column 27: in the script of source, line 1 column 9: syntax error");
  EXPECT_EQ(WithTree(":put [:parse \":onlynewer 1\"]"), "");
}

struct RiskCase {
  const char* script;
  bool reboots, installs, resets, loads_backup;
};

TEST_F(CheckTest, TellsWhatTheScriptDoesToTheRouter) {
  const RiskCase cases[] = {
      {"/system reboot", true, false, false, false},
      {"/system\nreboot", true, false, false, false},
      {"/system/reboot", true, false, false, false},
      {":if (true) do={ /system package update install }", false, true, false, false},
      {":execute \"/system reset-configuration no-defaults=yes\"", false, false, true, false},
      {"[:parse \"/system backup load name=a\"]", false, false, false, true},
      {":local f do={ /system reboot }", true, false, false, false},
      {"/system script add name=a source=\"/system reboot\"", false, false, false, false},
      {":put \"/system reboot\"", false, false, false, false},
  };
  for (const RiskCase& c : cases) {
    for (const language::CommandTree* tree : {tree_.get(), (language::CommandTree*)nullptr}) {
      const ScriptReport report = CheckScript(c.script, {7, 20, 8, ""}, tree);
      EXPECT_EQ(FindingsOf(report), "") << c.script;
      EXPECT_EQ(report.reboots, c.reboots) << c.script;
      EXPECT_EQ(report.installs, c.installs) << c.script;
      EXPECT_EQ(report.resets, c.resets) << c.script;
      EXPECT_EQ(report.loads_backup, c.loads_backup) << c.script;
    }
  }
}

TEST_F(CheckTest, RefusesADumpThatIsNone) {
  EXPECT_FALSE(ParseConsoleDump({7, 20, 8, ""}, "").ok());
  EXPECT_FALSE(ParseConsoleDump({7, 20, 8, ""}, "[1]").ok());
  EXPECT_FALSE(ParseConsoleDump({7, 20, 8, ""}, R"({"a": 5})").ok());
  EXPECT_FALSE(ParseConsoleDump({7, 20, 8, ""}, R"({"a": [5]})").ok());
  EXPECT_TRUE(absl::IsNotFound(ConsoleDumps::Read("/nonexistent").status()));
}

TEST(ConsoleDumpsTest, PicksTheNearestLowerTreeOfTheFamily) {
  const char* data = std::getenv("MUSTER_TEST_DATA");
  auto dumps = ConsoleDumps::Read(absl::StrCat(data == nullptr ? "" : data, "/routeros-trees"));
  if (absl::IsNotFound(dumps.status())) GTEST_SKIP() << "set MUSTER_TEST_DATA; " << dumps.status();
  ASSERT_TRUE(dumps.ok()) << dumps.status();
  const struct {
    const char* version;
    const char* tree;
  } cases[] = {{"7.1", "7.9"},       {"7.10.2", "7.10.2"}, {"7.11", "7.11.3"}, {"7.12.2", "7.12.2"},
               {"7.15.3", "7.13.5"}, {"7.17", "7.18.2"},   {"7.21", "7.20.8"}, {"7.24", "7.24"}};
  for (const auto& c : cases) {
    EXPECT_EQ(FormatVersion(dumps->Nearest(*ParseVersion(c.version))->version()), c.tree)
        << c.version;
  }
  EXPECT_EQ(dumps->Nearest(*ParseVersion("6.49.10")), nullptr);
}

}  // namespace
}  // namespace muster::routeros
