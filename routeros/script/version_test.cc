#include "routeros/script/version.h"

#include <gtest/gtest.h>

#include "routeros/script/reported_agent.h"

namespace muster::routeros {
namespace {

std::string Formatted(absl::string_view text) {
  const auto version = ParseVersion(text);
  return version.ok() ? FormatVersion(*version) : "refused";
}

TEST(VersionTest, ReadsWhatRoutersWrite) {
  const struct {
    const char* name;
    const char* text;
    const char* expected;
  } cases[] = {
      {"long-term with channel", "6.49.10 (long-term)", "6.49.10"},
      {"stable with channel", "7.20.8 (stable)", "7.20.8"},
      {"two numbers", "7.20", "7.20"},
      {"beta", "7.21beta3", "7.21beta3"},
      {"release candidate", "7.20rc1 (testing)", "7.20rc1"},
      {"alpha", "7.2alpha12", "7.2alpha12"},
  };
  for (const auto& c : cases) EXPECT_EQ(Formatted(c.text), c.expected) << c.name;
}

TEST(VersionTest, RefusesWhatIsNoVersion) {
  for (const char* text : {"", "7", "7.", ".7", "7.20.", "7.20.8.1", "7.20 stable", "7.20beta",
                           "7.20betax", "7.20/../x", "v7.20", "7.20 (", "77777.1", "7.20\n",
                           "7.20.8%20", "-7.1", "7.-1", "7.20 (stable) x"}) {
    EXPECT_EQ(Formatted(text), "refused") << text;
  }
}

TEST(VersionTest, OrdersBetasBeforeReleases) {
  const char* in_order[] = {"6.48",   "6.49.10",    "7.1rc1",    "7.1",        "7.9",     "7.10",
                            "7.20.8", "7.21alpha9", "7.21beta2", "7.21beta10", "7.21rc1", "7.21"};
  for (size_t i = 1; i < std::size(in_order); ++i) {
    EXPECT_LT(CompareVersions(*ParseVersion(in_order[i - 1]), *ParseVersion(in_order[i])), 0)
        << in_order[i];
  }
}

TEST(VersionTest, KnowsEachFamilyByItsBorders) {
  const struct {
    const char* version;
    Family family;
  } cases[] = {
      {"6.48", Family::k6_49},   {"6.49.18", Family::k6_49},   {"7.1", Family::k7_1},
      {"7.10.2", Family::k7_1},  {"7.11beta2", Family::k7_1},  {"7.11", Family::k7_11},
      {"7.12.2", Family::k7_11}, {"7.13rc3", Family::k7_11},   {"7.13", Family::k7_13},
      {"7.16.2", Family::k7_13}, {"7.17beta1", Family::k7_13}, {"7.17", Family::k7_17},
      {"7.24", Family::k7_17},   {"8.0", Family::k7_17},
  };
  for (const auto& c : cases) {
    const auto family = FamilyOf(*ParseVersion(c.version));
    ASSERT_TRUE(family.ok()) << c.version;
    EXPECT_EQ(FamilyName(*family), FamilyName(c.family)) << c.version;
  }
}

TEST(VersionTest, RefusesVersionsThatAreTooOld) {
  for (const char* text : {"6.47.10", "6.48beta1", "7.0", "7.0.9", "7.1rc7", "5.26"}) {
    EXPECT_EQ(FamilyOf(*ParseVersion(text)).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(ReportedAgentTest, ReadsVersionAndGeneration) {
  struct Case {
    const char* text;
    const char* version;
    uint32_t generation;
    uint32_t number;
  };
  for (const Case& c :
       {Case{"2+7", "2", 7, 2}, Case{"2", "2", 0, 2}, Case{"10-beta+1", "10-beta", 1, 10},
        Case{"", "", 0, 0}, Case{"+3", "", 3, 0}, Case{"2+", "2", 0, 2}, Case{"2+x", "2", 0, 2},
        Case{"x2", "x2", 0, 0}, Case{"2+4294967296", "2", 0, 2},
        Case{"99999999999", "99999999999", 0, 0}}) {
    const ReportedAgent agent = ParseReportedAgent(c.text);
    EXPECT_EQ(agent.version, c.version) << c.text;
    EXPECT_EQ(agent.generation, c.generation) << c.text;
    EXPECT_EQ(agent.number, c.number) << c.text;
  }
}

}  // namespace
}  // namespace muster::routeros
