#include "server/edges/job_filling.h"

#include <gtest/gtest.h>

#include "server/edges/edge_fakes.h"
#include "server/state/script_variables.h"

namespace muster::server {
namespace {

class JobFillingTest : public testing::Test {
 protected:
  JobFillingTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    job_.organization = OrganizationId{7};
    job_.script = "/radius set [find] comment={{label.note}} secret={{secret:radius}}";
    job_.variables = {{"label.note", "a \"b\""}};
    job_.sealed_secrets = {
        {"radius", Seal(master_, SecretContext(OrganizationId{7}, "radius"), "canary")}};
  }

  const Secret master_ = Secret(std::string(32, 'm'));
  FakeState state_;
  EdgeJob job_;
};

TEST_F(JobFillingTest, PutsValuesIntoTheTextAndSecretsBesideIt) {
  ASSERT_TRUE(FillIn(state_, master_, job_));
  EXPECT_EQ(job_.script, "/radius set [find] comment=\"a\\20\\22b\\22\" secret={{secret:radius}}");
  ASSERT_EQ(job_.secrets.size(), 1U);
  EXPECT_EQ(job_.secrets[0].name, "radius");
  EXPECT_EQ(job_.secrets[0].value.Reveal(), "canary");
}

TEST_F(JobFillingTest, RefusesASecretOfAnotherOrganizationOrKey) {
  EdgeJob other = job_;
  other.organization = OrganizationId{8};
  EXPECT_FALSE(FillIn(state_, master_, other));
  EXPECT_FALSE(FillIn(state_, Secret(std::string(32, 'x')), job_));
}

TEST_F(JobFillingTest, RefusesAMissingValueAndLeavesPlainScriptsAlone) {
  job_.variables = {{"label.other", "1"}};
  EXPECT_FALSE(FillIn(state_, master_, job_));
  EdgeJob plain;
  plain.script = ":local a {{1};{2}}";
  EXPECT_TRUE(FillIn(state_, master_, plain));
  EXPECT_EQ(plain.script, ":local a {{1};{2}}");
}

}  // namespace
}  // namespace muster::server
