#include "server/access/page_tokens/page_tokens.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

constexpr char kList[] = "muster.v1.DeviceService/ListDevices";

class PageTokensTest : public testing::Test {
 protected:
  PageTokensTest() { EXPECT_TRUE(InitializeCryptography().ok()); }

  const Secret master_{std::string(32, 'm')};
  const PageTokens tokens_{master_};
  const PageBinding binding_{kList, 7, "online = true"};
};

TEST_F(PageTokensTest, OpensForTheListingThatGaveItOnEveryNode) {
  const std::string token = tokens_.Seal(binding_, "cursor");
  EXPECT_EQ(*PageTokens(master_).Open(binding_, token), "cursor");
  EXPECT_EQ(token.find("cursor"), std::string::npos);
}

TEST_F(PageTokensTest, IsBoundToMethodOrganizationFilterAndInstallation) {
  const std::string token = tokens_.Seal(binding_, "cursor");
  EXPECT_FALSE(tokens_.Open({"muster.v1.JobService/ListJobs", 7, "online = true"}, token).ok());
  EXPECT_FALSE(tokens_.Open({kList, 8, "online = true"}, token).ok());
  EXPECT_FALSE(tokens_.Open({kList, 7, "online = false"}, token).ok());
  EXPECT_FALSE(tokens_.Open({kList, 7, ""}, token).ok());
  EXPECT_FALSE(PageTokens(Secret(std::string(32, 'n'))).Open(binding_, token).ok());
}

TEST_F(PageTokensTest, RefusesEveryChangedByte) {
  const std::string token = tokens_.Seal(binding_, "cursor");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(tokens_.Open(binding_, changed).status().code(), absl::StatusCode::kInvalidArgument)
        << i;
    EXPECT_FALSE(tokens_.Open(binding_, token.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(tokens_.Open(binding_, token + "=").ok());
  EXPECT_FALSE(tokens_.Open(binding_, " " + token).ok());
  EXPECT_FALSE(tokens_.Open(binding_, std::string(100000, 'A')).ok());
}

}  // namespace
}  // namespace muster::server
