#include "server/edges/result_redaction.h"

#include <gtest/gtest.h>

#include "server/edges/edge_fakes.h"
#include "server/state/script_variables.h"

namespace muster::server {
namespace {

constexpr DeviceId kDevice{5};

class ResultRedactionTest : public testing::Test {
 protected:
  ResultRedactionTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    state_.PutJobSecrets(
        kDevice, 10,
        {OrganizationId{7},
         {{"radius", Seal(master_, SecretContext(OrganizationId{7}, "radius"), "canary-77")}}});
  }

  internal::v1::JobResult Redacted(uint64_t number, const Secret& master) const {
    internal::v1::EdgeBatch batch;
    internal::v1::JobResult& result = *batch.add_job_results();
    result.set_device_id(kDevice.value);
    result.set_number(number);
    result.set_output("secret: canary-77");
    result.set_error("ary-77 is wrong");
    RedactResults(state_, master, batch);
    return batch.job_results(0);
  }

  const Secret master_ = Secret(std::string(32, 'm'));
  FakeState state_;
};

TEST_F(ResultRedactionTest, AValueThatAnEdgeLetPassGetsNoFurther) {
  const internal::v1::JobResult result = Redacted(10, master_);
  EXPECT_EQ(result.output(), "secret: {{secret:radius}}");
  EXPECT_EQ(result.error(), "{{secret:radius}} is wrong");
}

TEST_F(ResultRedactionTest, WhatASecretThatDoesNotOpenMayBeInIsDropped) {
  const internal::v1::JobResult result = Redacted(10, Secret(std::string(32, 'x')));
  EXPECT_EQ(result.output(), "");
  EXPECT_EQ(result.error(), "");
  EXPECT_EQ(result.number(), 10U);
}

TEST_F(ResultRedactionTest, ResultsOfJobsWithoutSecretsStayAsTheyAre) {
  EXPECT_EQ(Redacted(11, master_).output(), "secret: canary-77");
}

}  // namespace
}  // namespace muster::server
