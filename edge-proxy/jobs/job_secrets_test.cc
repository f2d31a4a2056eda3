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

TEST(JobSecretsTest, ValuesTakeTheirPlaces) {
  EXPECT_EQ(FillSecrets("a={{secret:wifi}} b={{secret:short}} c={{secret:none}}", Secrets()),
            "a=hunter2hunter2 b=abc c={{secret:none}}");
  EXPECT_EQ(FillSecrets("nothing", {}), "nothing");
}

TEST(JobSecretsTest, AValueIsNotSearchedForOtherPlaces) {
  std::vector<JobSecret> secrets;
  secrets.push_back({"a", Secret("{{secret:b}}")});
  secrets.push_back({"b", Secret("inside")});
  EXPECT_EQ(FillSecrets("{{secret:a}}{{secret:b}}", secrets), "{{secret:b}}inside");
}

TEST(JobSecretsTest, WhatTheRouterSaysHoldsNoValueOfFourBytesOrMore) {
  EXPECT_EQ(RedactSecrets("set hunter2hunter2, hunter2 and abc", false, Secrets()),
            "set {{secret:wifi}}, {{secret:inner}} and abc");
  EXPECT_EQ(RedactSecrets("says one\ntwo or one two", false, Secrets()),
            "says {{secret:lines}} or {{secret:lines}}");
}

TEST(JobSecretsTest, AValueThatWasCutOffAtTheEndIsTakenOutToo) {
  EXPECT_EQ(RedactSecrets("key=hunter2hun", true, Secrets()), "key={{secret:wifi}}");
  EXPECT_EQ(RedactSecrets("key=hunt", true, Secrets()), "key={{secret:wifi}}");
  EXPECT_EQ(RedactSecrets("key=hun", true, Secrets()), "key=hun");
  EXPECT_EQ(RedactSecrets("key=hunt", false, Secrets()), "key=hunt");
}

}  // namespace
}  // namespace muster::edge
