#include "server/filter/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace muster::server {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'795'341'600);

class FilterTest : public testing::Test {
 protected:
  FilterTest() {
    status_.online = FilterOnline::kOnline;
    status_.cpu_load_percent = 42;
    status_.memory_used_percent = 81;
    status_.last_check_in_us = absl::ToUnixMicros(kNow - absl::Minutes(3));
    facts_.id = "7zzzzzzzzzzz1";
    facts_.display_name = "Berlin gateway";
    facts_.identity = "gw-berlin-1";
    facts_.serial_number = "HG309ABCDEF";
    facts_.mac_address = "48:A9:8A:00:11:22";
    facts_.source_address = "203.0.113.7";
    facts_.model = "RB5009UG+S+";
    facts_.routeros_version = "7.20.8 (stable)";
    facts_.site = "berlin";
    facts_.labels = &labels_;
  }

  bool Matches(absl::string_view text) {
    const absl::StatusOr<Filter> filter = Filter::Parse(text);
    EXPECT_TRUE(filter.ok()) << text << ": " << filter.status();
    return filter.ok() && filter->Match(status_, facts_, absl::ToUnixMicros(kNow));
  }

  FilterVerdict Early(absl::string_view text) {
    return Filter::Parse(text)->MatchStatus(status_, absl::ToUnixMicros(kNow));
  }

  std::map<std::string, std::string> labels_ = {
      {"ring", "canary"}, {"two words", "x"}, {"note", "a \"b\" c"}, {"zero", ""}};
  FilterStatus status_;
  FilterFacts facts_;
};

TEST_F(FilterTest, MatchesWhatTheTableSays) {
  struct Row {
    const char* filter;
    bool matches;
  };
  const Row rows[] = {
      {"", true},
      {"  \n ", true},
      {"name = 7zzzzzzzzzzz1", true},
      {"name = organizations/default/devices/7zzzzzzzzzzz1", true},
      {"name = 7zz*", true},
      {"id = 8*", false},
      {"display_name = \"Berlin gateway\"", true},
      {"display_name = 'Berlin gateway'", true},
      {"display_name = \"berlin gateway\"", false},
      {"display_name : gateway", true},
      {"display_name:GATE", true},
      {"display_name:*", true},
      {"identity = gw-*", true},
      {"identity = gw-*-1", true},
      {"identity = gw-\\*", false},
      {"identity = \"gw-\\*\"", false},
      {"identity != gw-berlin-1", false},
      {"identity != gw-*", false},
      {"serial = hg309abcdef", true},
      {"serial_number:309", true},
      {"mac = 48:a9:8a:00:11:22", true},
      {"mac_address = 48-A9-8A-*", true},
      {"mac=48:a9:8a:00:11:23", false},
      {"address = 203.0.113.7", true},
      {"source_address = 203.0.113.0/24", true},
      {"address : 203.0.112.0/24", false},
      {"address != 10.0.0.0/8", true},
      {"address = 203.0.*", true},
      {"model = rb5009*", true},
      {"version = 7.20.8", true},
      {"version = 7.20", false},
      {"version : 7.20", true},
      {"version : 7", true},
      {"version : 7.2", false},
      {"version < 7.21beta1", true},
      {"version >= 7.9", true},
      {"version > 7.20.10", false},
      {"routeros_version <= 7.20.8", true},
      {"version = 7.2*", true},
      {"version != 6.49.10", true},
      {"labels.ring = canary", true},
      {"labels.ring != canary", false},
      {"labels.ring = can*", true},
      {"labels.ring:CAN", true},
      {"labels.ring:*", true},
      {"labels.zero:*", true},
      {"labels.zero = \"\"", true},
      {"labels.other = x", false},
      {"labels.other != x", true},
      {"labels.other:*", false},
      {"labels:ring", true},
      {"labels:r*", true},
      {"labels:other", false},
      {"labels.\"two words\" = x", true},
      {"labels.note = \"a \\\"b\\\" c\"", true},
      {"site = berlin", true},
      {"site = \"\"", false},
      {"online = true", true},
      {"online=ONLINE", true},
      {"online = false", false},
      {"online != offline", true},
      {"online = never", false},
      {"cpu > 41", true},
      {"cpu >= 42%", true},
      {"cpu = 42", true},
      {"cpu != 42", false},
      {"cpu < 42", false},
      {"cpu:*", true},
      {"memory > 80", true},
      {"memory <= 80", false},
      {"last_check_in > 5m", true},
      {"last_check_in < 5m", false},
      {"last_check_in < 2m", true},
      {"last_check_in > 1970-01-02", true},
      {"last_check_in < 2020-01-01T00:00:00Z", false},
      {"last_seen:*", true},
      {"online = true AND cpu > 90", false},
      {"online = true cpu < 90", true},
      {"cpu > 90 OR site = berlin", true},
      // OR binds more tightly than AND, as AIP-160 says.
      {"site = berlin OR cpu > 90 AND online = false", false},
      {"site = berlin OR (cpu > 90 AND online = false)", true},
      {"NOT online = true", false},
      {"NOT (site = paris OR site = rome)", true},
      {"-site = paris", true},
      {"-(site = berlin)", false},
      {"(((site = berlin)))", true},
  };
  for (const Row& row : rows) EXPECT_EQ(Matches(row.filter), row.matches) << row.filter;
}

TEST_F(FilterTest, WhatWasNeverReportedIsNeitherSmallerNorEqualNorDifferent) {
  status_ = FilterStatus();
  for (const char* filter : {"cpu = 0", "cpu != 0", "cpu < 5", "cpu >= 0", "memory < 5", "cpu:*",
                             "last_check_in < 5m", "last_check_in > 1970-01-01"}) {
    EXPECT_FALSE(Matches(filter)) << filter;
  }
  EXPECT_TRUE(Matches("NOT cpu:*"));
  EXPECT_TRUE(Matches("online = never"));
  EXPECT_TRUE(Matches("online = false"));
  facts_ = FilterFacts();
  EXPECT_FALSE(Matches("version < 99"));
  EXPECT_FALSE(Matches("address = 0.0.0.0/0"));
  EXPECT_TRUE(Matches("labels.a != b"));
  EXPECT_TRUE(Matches("site = \"\""));
}

TEST_F(FilterTest, JudgesByTheStatusAloneAsFarAsThatGoes) {
  EXPECT_EQ(Early("online = true AND cpu < 90"), FilterVerdict::kYes);
  EXPECT_EQ(Early("online = false AND site = berlin"), FilterVerdict::kNo);
  EXPECT_EQ(Early("online = true AND site = berlin"), FilterVerdict::kNeedsFacts);
  EXPECT_EQ(Early("online = true OR site = berlin"), FilterVerdict::kYes);
  EXPECT_EQ(Early("NOT site = berlin"), FilterVerdict::kNeedsFacts);
  EXPECT_EQ(Early(""), FilterVerdict::kYes);
}

TEST_F(FilterTest, ABadFilterNamesThePositionAndWhatWasExpected) {
  struct Row {
    const char* filter;
    const char* position;
    const char* expected;
  };
  const Row rows[] = {
      {"colour = red", "character 1:", "one of name"},
      {"online", "character 7:", "one of = != : after online"},
      {"online > true", "character 8:", "one of = != : after online"},
      {"online = maybe", "character 10:", "true, false, ONLINE"},
      {"cpu > 101", "character 7:", "percent"},
      {"cpu > fast", "character 7:", "percent"},
      {"memory = 5*", "character 10:", "percent"},
      {"last_check_in > soon", "character 17:", "how long ago"},
      {"version > 7.x", "character 11:", "RouterOS version"},
      {"version > 7.*", "character 11:", "RouterOS version"},
      {"address = 1.2.3", "character 11:", "an address"},
      {"site = ", "character 8:", "a value"},
      {"site = \"berlin", "character 15:", "the quote"},
      {"(site = berlin", "character 15:", "\")\""},
      {"site = berlin)", "character 14:", "AND, OR"},
      {"site = berlin AND", "character 18:", "a condition"},
      {"site = berlin and cpu > 5", "character 15:", "AND in capital letters"},
      {"AND site = berlin", "character 1:", "a condition"},
      {"labels. = x", "character 8:", "the label's key"},
      {"labels = x", "character 8:", "one of :"},
      {"site = \"ü\" colour = red", "character 12:", "one of name"},
      {"cpu > 5, cpu < 9", "character 8:", "AND, OR"},
      {"site = a=b", "character 9:", "AND, OR"},
      {"\x01", "character 1:", "a condition"},
  };
  for (const Row& row : rows) {
    const absl::Status status = Filter::Parse(row.filter).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.filter;
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.position)) << row.filter;
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.expected)) << row.filter;
  }
}

TEST_F(FilterTest, SizeAndDepthHaveLimits) {
  EXPECT_FALSE(Filter::Parse(std::string(5000, ' ')).ok());
  EXPECT_FALSE(Filter::Parse(std::string(40, '(') + "cpu > 1" + std::string(40, ')')).ok());
  EXPECT_TRUE(Filter::Parse(std::string(30, '(') + "cpu > 1" + std::string(30, ')')).ok());
  EXPECT_FALSE(Filter::Parse("site = \xff").ok());
}

TEST_F(FilterTest, KnowsWhetherEachCheckInCanChangeWhatMatches) {
  for (const char* text : {"online = true cpu > 1", "site = a (name:* OR cpu > 5)", "NOT address:*",
                           "memory > 5", "last_check_in > 5m"}) {
    EXPECT_TRUE(Filter::Parse(text)->reads_check_ins()) << text;
  }
  for (const char* text : {"", "site = a", "online = true", "NOT labels.x:* OR version < 7.1"}) {
    EXPECT_FALSE(Filter::Parse(text)->reads_check_ins()) << text;
  }
}

}  // namespace
}  // namespace muster::server
