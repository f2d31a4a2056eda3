// Compares the agent's text with the files beside this test, so that a change of what goes onto
// routers is seen as such. After a wanted change: MUSTER_REFRESH_GOLDEN=1 golden_test, then read
// the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "routeros/script/agent.h"
#include "tests/golden/golden_terms.h"

namespace muster::golden {
namespace {

std::string GoldenPath(const std::string& name) {
  const char* source = std::getenv("MUSTER_SOURCE_DIR");
  return absl::StrCat(source == nullptr ? "." : source, "/tests/golden/", name);
}

void ExpectGolden(const std::string& name, const std::string& text) {
  if (std::getenv("MUSTER_REFRESH_GOLDEN") != nullptr) {
    std::ofstream(GoldenPath(name), std::ios::binary) << text;
    return;
  }
  std::ifstream file(GoldenPath(name), std::ios::binary);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(golden.str(), text)
      << name << " differs; if that is wanted: MUSTER_REFRESH_GOLDEN=1 golden_test";
}

TEST(GoldenTest, BootstrapLine) {
  const auto line = routeros::RenderBootstrapLine(GoldenBootstrapTerms());
  ASSERT_TRUE(line.ok()) << line.status();
  ExpectGolden("bootstrap.rsc", absl::StrCat(*line, "\n"));
}

TEST(GoldenTest, BootstrapLineThatWaits) {
  routeros::BootstrapTerms terms = GoldenBootstrapTerms();
  terms.spread = absl::Minutes(30);
  const auto line = routeros::RenderBootstrapLine(terms);
  ASSERT_TRUE(line.ok()) << line.status();
  ExpectGolden("bootstrap-spread.rsc", absl::StrCat(*line, "\n"));
}

TEST(GoldenTest, Beat) {
  ExpectGolden("beat.rsc", routeros::RenderBeat(GoldenAgentTerms()).value_or(""));
  ExpectGolden("beat-monitor-only.rsc", routeros::RenderBeat(GoldenAgentTerms(true)).value_or(""));
}

TEST(GoldenTest, Runner) {
  ExpectGolden("run.rsc", routeros::RenderRunner(GoldenAgentTerms()).value_or(""));
}

TEST(GoldenTest, UpdateOfEachFamily) {
  for (const FamilySample& sample : FamilySamples()) {
    ExpectGolden(absl::StrCat("agent-", sample.file, ".rsc"),
                 routeros::RenderAgent(FullAgentTerms(), sample.family).value_or(""));
  }
}

TEST(GoldenTest, InstallerOfEachFamily) {
  for (const FamilySample& sample : FamilySamples()) {
    const auto version = routeros::ParseVersion(sample.versions.front());
    ASSERT_TRUE(version.ok());
    ExpectGolden(absl::StrCat("install-", sample.file, ".rsc"),
                 routeros::RenderInstaller(GoldenTerms(), *version).value_or(""));
  }
  ExpectGolden(
      "install-monitor-only-7.17.rsc",
      routeros::RenderInstaller(GoldenTerms(true), *routeros::ParseVersion("7.17")).value_or(""));
}

TEST(GoldenTest, EveryVersionOfAFamilyGetsTheSameText) {
  for (const FamilySample& sample : FamilySamples()) {
    const std::string first =
        *routeros::RenderInstaller(GoldenTerms(), *routeros::ParseVersion(sample.versions[0]));
    for (const char* version : sample.versions) {
      EXPECT_EQ(
          first == *routeros::RenderInstaller(GoldenTerms(), *routeros::ParseVersion(version)),
          true)
          << version;
    }
  }
}

}  // namespace
}  // namespace muster::golden
