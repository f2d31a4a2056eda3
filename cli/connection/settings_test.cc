#include "cli/connection/settings.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace muster::cli {
namespace {

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    std::string pattern = testing::TempDir() + "/settings-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    environment_["HOME"] = folder_;
    lookup_ = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
  }
  ~SettingsTest() override { std::filesystem::remove_all(folder_); }

  void WriteContext(const std::string& name, const Context& context) {
    ContextFile file;
    file.path = DefaultContextPath(lookup_);
    file.current = name;
    file.contexts[name] = context;
    ASSERT_TRUE(WriteContexts(file).ok());
  }

  std::string folder_;
  std::map<std::string, std::string> environment_;
  Environment lookup_;
};

TEST_F(SettingsTest, NothingGivenMeansTheLocalServerAndTheDefaultOrganization) {
  const auto settings = ResolveSettings({}, lookup_);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->server.value, "127.0.0.1:7450");
  EXPECT_EQ(settings->organization.value, "default");
  EXPECT_EQ(settings->api_key_file.value, "");
  EXPECT_EQ(settings->context, "");
}

TEST_F(SettingsTest, FlagsWinOverEnvironmentOverContext) {
  WriteContext("riga", {"context:1", "/context-ca", "/context-key", "context-org"});
  environment_["MUSTER_CA_FILE"] = "/environment-ca";
  environment_["MUSTER_API_KEY_FILE"] = "/environment-key";
  environment_["MUSTER_ORGANIZATION"] = "environment-org";
  GlobalFlags flags;
  flags.api_key_file = "/flag-key";
  flags.organization = "organizations/flag-org";
  const auto settings = ResolveSettings(flags, lookup_);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->server.value, "context:1");
  EXPECT_EQ(settings->server.source, "context riga");
  EXPECT_EQ(settings->ca_file.value, "/environment-ca");
  EXPECT_EQ(settings->ca_file.source, "MUSTER_CA_FILE");
  EXPECT_EQ(settings->api_key_file.value, "/flag-key");
  EXPECT_EQ(settings->organization.value, "flag-org");
}

TEST_F(SettingsTest, AnUnknownContextIsNotFound) {
  GlobalFlags flags;
  flags.context = "nowhere";
  EXPECT_EQ(ResolveSettings(flags, lookup_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SettingsTest, ServersGetTheDefaultPortAndNonsenseIsRefused) {
  const struct {
    const char* given;
    const char* used;
  } kCases[] = {{"host", "host:7450"},
                {"host:1", "host:1"},
                {"[::1]", "[::1]:7450"},
                {"[::1]:99", "[::1]:99"},
                {"https://host", ""},
                {"host:0", ""},
                {"host:70000", ""},
                {":7450", ""},
                {"a b", ""},
                {"host:", ""},
                {"[::1", ""}};
  for (const auto& test : kCases) {
    GlobalFlags flags;
    flags.server = test.given;
    const auto settings = ResolveSettings(flags, lookup_);
    if (*test.used == '\0') {
      EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument) << test.given;
    } else {
      ASSERT_TRUE(settings.ok()) << test.given;
      EXPECT_EQ(settings->server.value, test.used);
    }
  }
}

TEST_F(SettingsTest, AWrongOrganizationIsRefused) {
  environment_["MUSTER_ORGANIZATION"] = "Not A Slug";
  EXPECT_EQ(ResolveSettings({}, lookup_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ParseDurationTest, TakesNumbersWithUnits) {
  EXPECT_EQ(*ParseDuration("90s"), absl::Seconds(90));
  EXPECT_EQ(*ParseDuration("24h"), absl::Hours(24));
  EXPECT_EQ(*ParseDuration("7d"), absl::Hours(168));
  EXPECT_EQ(*ParseDuration("2w"), absl::Hours(336));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  for (const char* text : {"", "5", "h", "5x", "-5s", "5 s", "1.5h", "9999999999s"}) {
    EXPECT_EQ(ParseDuration(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace muster::cli
