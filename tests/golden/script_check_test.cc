// Every generated script against the console trees of real routers, and mistakes planted in it.
#include "tests/golden/script_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "routeros/check/console_dumps.h"
#include "routeros/check/script_check.h"
#include "routeros/script/agent.h"
#include "tests/golden/golden_terms.h"

namespace muster::golden {
namespace {

class ScriptCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("MUSTER_TEST_DATA");
    auto dumps =
        routeros::ConsoleDumps::Read(absl::StrCat(data == nullptr ? "" : data, "/routeros-trees"));
    if (absl::IsNotFound(dumps.status())) {
      GTEST_SKIP() << dumps.status().message() << "; set MUSTER_TEST_DATA to the folder with "
                   << "routeros-trees to check generated scripts against real console trees";
    }
    ASSERT_TRUE(dumps.ok()) << dumps.status();
    dumps_ = *std::move(dumps);
  }

  // No console of 6.x is known: the oldest dump, less what the deny list names.
  const routeros::language::CommandTree& TreeFor(const routeros::Version& version) const {
    const routeros::language::CommandTree* nearest = dumps_.Nearest(version);
    return nearest == nullptr ? *dumps_.trees().front() : *nearest;
  }

  std::string Problems(const std::string& script, const std::string& version_text,
                       ScriptFacts* facts = nullptr) {
    const auto version = routeros::ParseVersion(version_text);
    return ProblemText(CheckScript(script, TreeFor(*version), *version, facts));
  }

  std::string Findings(const std::string& script, const std::string& version_text) {
    const auto version = routeros::ParseVersion(version_text);
    const auto report = routeros::CheckScript(script, *version, dumps_.Nearest(*version));
    return absl::StrJoin(report.findings, "\n", [](std::string* out, const auto& finding) {
      absl::StrAppend(out, finding.ToText());
    });
  }

  routeros::ConsoleDumps dumps_;
};

std::string Installer(const char* version, bool monitor_only = false) {
  return routeros::RenderInstaller(GoldenTerms(monitor_only), *routeros::ParseVersion(version))
      .value_or("");
}

std::string LineThatWaits() {
  routeros::BootstrapTerms terms = GoldenBootstrapTerms();
  terms.spread = absl::Minutes(30);
  return routeros::RenderBootstrapLine(terms).value_or("");
}

TEST_F(ScriptCheckTest, EveryGeneratedScriptLoads) {
  const std::string line = routeros::RenderBootstrapLine(GoldenBootstrapTerms()).value_or("");
  for (const FamilySample& sample : FamilySamples()) {
    for (const char* version : sample.versions) {
      SCOPED_TRACE(version);
      EXPECT_EQ(Problems(line, version), "");
      EXPECT_EQ(Problems(LineThatWaits(), version), "");
      EXPECT_EQ(Problems(Installer(version), version), "");
      EXPECT_EQ(Problems(Installer(version, true), version), "");
      EXPECT_EQ(
          Problems(routeros::RenderAgent(FullAgentTerms(), sample.family).value_or(""), version),
          "");
    }
  }
}

// What stays on a router loads there after any upgrade and any downgrade of RouterOS.
TEST_F(ScriptCheckTest, TheAgentLoadsOnEveryVersion) {
  const std::string beat = routeros::RenderBeat(GoldenAgentTerms()).value_or("");
  const std::string runner = routeros::RenderRunner(FullAgentTerms()).value_or("");
  for (const FamilySample& sample : FamilySamples()) {
    for (const char* version : sample.versions) {
      EXPECT_EQ(Problems(beat, version), "") << version;
      EXPECT_EQ(Problems(runner, version), "") << version;
    }
  }
}

// The check that operators' scripts go through finds nothing in ours either.
TEST_F(ScriptCheckTest, TheProductsOwnCheckFindsNothing) {
  const std::string line = routeros::RenderBootstrapLine(GoldenBootstrapTerms()).value_or("");
  for (const FamilySample& sample : FamilySamples()) {
    for (const char* version : sample.versions) {
      SCOPED_TRACE(version);
      EXPECT_EQ(Findings(line, version), "");
      EXPECT_EQ(Findings(LineThatWaits(), version), "");
      EXPECT_EQ(Findings(Installer(version), version), "");
      EXPECT_EQ(Findings(Installer(version, true), version), "");
    }
  }
}

TEST_F(ScriptCheckTest, WhatIsLookedUpExistsSomewhere) {
  ScriptFacts facts;
  EXPECT_EQ(Problems(Installer("7.24"), "7.24", &facts), "");
  EXPECT_GT(facts.lookups.size(), 20u);
  for (const std::string& lookup : facts.lookups) {
    // No dumped router is a board, so none has this menu.
    if (lookup.rfind("/system routerboard", 0) == 0) continue;
    if (lookup.back() == ' ' || lookup.back() == '"') continue;
    EXPECT_EQ(Problems(lookup, "7.24"), "") << lookup;
  }
}

TEST_F(ScriptCheckTest, SchedulerAndScriptsCarryOnePolicy) {
  for (const bool monitor_only : {false, true}) {
    ScriptFacts facts;
    EXPECT_EQ(Problems(Installer("7.20.8", monitor_only), "7.20.8", &facts), "");
    const std::string expected = monitor_only ? "read,test,ftp,sensitive"
                                              : "ftp,reboot,read,write,policy,test,password,sniff,"
                                                "sensitive";
    size_t matching = std::count(facts.policies.begin(), facts.policies.end(), expected);
    EXPECT_EQ(matching, monitor_only ? 2u : 5u);
  }
}

struct Mistake {
  const char* name;
  const char* version;
  const char* from;
  const char* to;
  const char* expected;
};

const Mistake kMistakes[] = {
    {"menu misspelt", "7.20.8", "/system scheduler add name=\"muster-beat\"",
     "/system schedular add name=\"muster-beat\"", "there is no /system/schedular"},
    {"argument renamed", "7.20.8", "http-header-field=$2", "http-header=$2",
     "no argument http-header"},
    {"newer argument", "7.12.2", "http-method=post", "idle-timeout=5s http-method=post",
     "no argument idle-timeout"},
    {"newer argument in a script", "7.12.2", "output=user as-value",
     "output=user http-version=http2 as-value", "no argument http-version"},
    {"newer command on old v6", "6.49.10", ":local muWord \"\"",
     ":onerror e in={ :put 1 } do={ :put 2 }", ":onerror"},
    {"command of another version without a tree", "7.3.1", ":local muWord \"\"",
     ":local muWord [:convert from=hex to=raw \"30\"]", ":convert"},
    {"netwatch of 7.4 on 7.1", "7.1", ":local muWord \"\"",
     "/tool netwatch add host=1.2.3.4 type=icmp", "came with 7.4"},
    {"output of 7.8 on 7.6", "7.6", ":local muWord \"\"",
     ":local muReady [:execute script=\":put 1\" as-string]", "came with 7.8"},
    {"quote missing", "7.20.8", "name=\"muster-state\" disabled", "name=\"muster-state disabled",
     ""},
    {"brace missing", "7.20.8", "} on-error={ :put \"muster: the installation",
     " on-error={ :put \"muster: the installation", ""},
    {"bracket missing", "7.20.8", "[:len $muMissing]", "[:len $muMissing", ""},
    {"board's menu not looked up", "7.20.8", ":local muWord \"\"",
     ":local muReady [/system routerboard get serial-number]", "there is no /system/routerboard"},
    {"path with slashes on v6", "6.49.10", "/system script add name=\"muster-beat\"",
     "/system/script/add name=\"muster-beat\"", "slashes"},
    {"bare bracket", "7.20.8", ":local muWord \"\"", "[$muGet \":put 1\"]", "bare bracket"},
    {"question mark", "6.49.10", "/v1/enroll\")", "/v1/enroll?x=1\")", "question mark"},
    {"import with more than two arguments", "6.49.10", ":local muWord \"\"",
     "/certificate import file-name=a passphrase=\"\" name=b", "came with 7.1"},
};

TEST_F(ScriptCheckTest, PlantedMistakesAreCaught) {
  for (const Mistake& mistake : kMistakes) {
    SCOPED_TRACE(mistake.name);
    const std::string good = Installer(mistake.version);
    ASSERT_EQ(Problems(good, mistake.version), "");
    const size_t at = good.find(mistake.from);
    ASSERT_NE(at, std::string::npos) << "the text to change is gone: " << mistake.from;
    std::string bad = good;
    bad.replace(at, std::string(mistake.from).size(), mistake.to);
    const std::string problems = Problems(bad, mistake.version);
    EXPECT_NE(problems, "");
    EXPECT_NE(problems.find(mistake.expected), std::string::npos) << problems;
  }
}

TEST_F(ScriptCheckTest, ASmallerPolicyOfTheSchedulerIsCaught) {
  std::string bad = Installer("7.20.8");
  const std::string entry = "start-time=startup policy=ftp,reboot,";
  const size_t at = bad.find(entry);
  ASSERT_NE(at, std::string::npos);
  bad.replace(at, entry.size(), "start-time=startup policy=ftp,");
  ScriptFacts facts;
  EXPECT_EQ(Problems(bad, "7.20.8", &facts), "");
  EXPECT_EQ(std::count(facts.policies.begin(), facts.policies.end(),
                       "ftp,reboot,read,write,policy,test,password,sniff,sensitive"),
            4);
}

}  // namespace
}  // namespace muster::golden
