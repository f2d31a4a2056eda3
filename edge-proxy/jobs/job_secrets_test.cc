#include "edge-proxy/jobs/job_secrets.h"

#include <gtest/gtest.h>

namespace muster::edge {
namespace {

std::vector<JobSecret> Secrets() {
  std::vector<JobSecret> secrets;
  secrets.push_back({"wifi", Secret("hunter2hunter2")});
  secrets.push_back({"short", Secret("abc")});
  secrets.push_back({"inner", Secret("hunter2")});
  secrets.push_back({"lines", Secret("one\ntwo")});
  return secrets;
}

TEST(JobSecretsTest, ValuesTakeTheirPlacesAndCantLeaveThem) {
  const auto filled = FillSecrets(
      R"(a="{{secret:wifi}}" b={{secret:short}} c="{{secret:lines}}" d={{secret:none}})",
      Secrets());
  ASSERT_TRUE(filled.ok()) << filled.status();
  EXPECT_EQ(*filled, R"(a="hunter2hunter2" b="abc" c="one\0Atwo" d={{secret:none}})");
  EXPECT_EQ(*FillSecrets("{{ anything", {}), "{{ anything");
}

TEST(JobSecretsTest, AValueThatCantStandThereIsRefusedWithoutSayingIt) {
  const auto filled = FillSecrets("x{{secret:lines}}y", Secrets());
  EXPECT_EQ(filled.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(filled.status().message().find("two"), absl::string_view::npos);
}

}  // namespace
}  // namespace muster::edge
