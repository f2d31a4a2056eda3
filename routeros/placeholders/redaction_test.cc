#include "routeros/placeholders/redaction.h"

#include <gtest/gtest.h>

namespace muster::routeros {
namespace {

std::vector<SecretValue> Secrets() {
  std::vector<SecretValue> secrets;
  secrets.push_back({"wifi", Secret("hunter2hunter2")});
  secrets.push_back({"short", Secret("abc")});
  secrets.push_back({"inner", Secret("hunter2")});
  secrets.push_back({"lines", Secret("one\ntwo")});
  return secrets;
}

TEST(RedactionTest, AValueAsAScriptWritesItIsTakenOutToo) {
  EXPECT_EQ(RedactSecrets(R"(expected end of command: "one\0Atwo")", false, Secrets()),
            R"(expected end of command: "{{secret:lines}}")");
}

TEST(RedactionTest, WhatTheRouterSaysHoldsNoValueOfFourBytesOrMore) {
  EXPECT_EQ(RedactSecrets("set hunter2hunter2, hunter2 and abc", false, Secrets()),
            "set {{secret:wifi}}, {{secret:inner}} and abc");
  EXPECT_EQ(RedactSecrets("says one\ntwo or one two", false, Secrets()),
            "says {{secret:lines}} or {{secret:lines}}");
}

TEST(RedactionTest, AValueThatWasCutOffAtTheEndIsTakenOutToo) {
  EXPECT_EQ(RedactSecrets("key=hunter2hun", true, Secrets()), "key={{secret:wifi}}");
  EXPECT_EQ(RedactSecrets("key=hunt", true, Secrets()), "key={{secret:wifi}}");
  EXPECT_EQ(RedactSecrets("key=hun", true, Secrets()), "key=hun");
  EXPECT_EQ(RedactSecrets("key=hunt", false, Secrets()), "key=hunt");
}

TEST(RedactionTest, AValueThatWasCutOffAtTheBeginningIsTakenOutToo) {
  EXPECT_EQ(RedactSecrets("ter2hunter2 is set", true, Secrets()), "{{secret:wifi}} is set");
  EXPECT_EQ(RedactSecrets("ter2 is set", true, Secrets()), "{{secret:wifi}} is set");
  EXPECT_EQ(RedactSecrets("er2 is set", true, Secrets()), "er2 is set");
  EXPECT_EQ(RedactSecrets("ter2 is set", false, Secrets()), "ter2 is set");
}

}  // namespace
}  // namespace muster::routeros
