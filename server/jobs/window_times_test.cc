#include "server/jobs/window_times.h"

#include <gmock/gmock.h>

namespace muster::server {
namespace {

absl::Time At(const char* text) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) << text;
  return time;
}

std::vector<std::string> Next(const char* times, const char* zone, const char* from, int weeks) {
  std::vector<std::string> texts;
  const auto parsed = ParseWindowTimes(times);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  for (const auto& one : IntervalsOf(*parsed, *FindTimeZone(zone), At(from), weeks)) {
    texts.push_back(
        absl::FormatTime("%Y-%m-%dT%H:%M", absl::FromUnixMicros(one.start_us),
                         absl::UTCTimeZone()) +
        "/" +
        absl::FormatTime("%Y-%m-%dT%H:%M", absl::FromUnixMicros(one.end_us), absl::UTCTimeZone()));
  }
  return texts;
}

TEST(WindowTimesTest, ReadsDaysAndTimes) {
  EXPECT_EQ(ParseWindowTimes("mon-fri 22:00-04:00, SUN 00:00-24:00")->size(), 6U);
  EXPECT_EQ(ParseWindowTimes("daily 1:30-2:00")->size(), 7U);
  EXPECT_EQ(ParseWindowTimes("sat+mon-tue 01:00-02:00")->size(), 3U);
  EXPECT_EQ(ParseWindowTimes("fri-mon 01:00-02:00")->size(), 4U);
  EXPECT_EQ((*ParseWindowTimes("mon 22:00-04:00"))[0].minutes, 360);
}

TEST(WindowTimesTest, RefusesWhatIsNone) {
  for (const char* text : {"", "mon", "mon 1-2", "mon 25:00-26:00", "mon 10:60-11:00",
                           "mo 1:00-2:00", "mon 24:00-1:00", "mon 01:00-02:00,",
                           "mon-tue-wed 01:00-02:00", "mon 01:00 - 02:00", "mon -1:00-2:00"}) {
    EXPECT_EQ(ParseWindowTimes(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(FindTimeZone("Europe/Nowhere").ok());
  EXPECT_FALSE(FindTimeZone("").ok());
}

TEST(WindowTimesTest, CountsWeeksInUtc) {
  // 2026-11-22 is a Sunday.
  EXPECT_THAT(Next("mon 01:00-02:00", "UTC", "2026-11-22T12:00:00Z", 2),
              testing::ElementsAre("2026-11-23T01:00/2026-11-23T02:00",
                                   "2026-11-30T01:00/2026-11-30T02:00"));
}

TEST(WindowTimesTest, OneThatBeganYesterdayIsStillOpenAndWhatTouchesIsJoined) {
  EXPECT_THAT(Next("sat 22:00-04:00", "UTC", "2026-11-22T02:00:00Z", 1),
              testing::ElementsAre("2026-11-21T22:00/2026-11-22T04:00",
                                   "2026-11-28T22:00/2026-11-29T04:00"));
  EXPECT_THAT(Next("mon 00:00-24:00, tue 00:00-06:00", "UTC", "2026-11-22T12:00:00Z", 1),
              testing::ElementsAre("2026-11-23T00:00/2026-11-24T06:00"));
}

TEST(WindowTimesTest, FollowsTheClockChangesOfTheZone) {
  if (!FindTimeZone("Europe/Riga").ok()) GTEST_SKIP() << "this machine has no time zone data";
  // Riga is UTC+3 in summer, UTC+2 in winter; the change of 2026 is on October 25, 04:00 to 03:00.
  EXPECT_THAT(Next("sat+sun 01:00-05:00", "Europe/Riga", "2026-10-23T12:00:00Z", 1),
              testing::ElementsAre("2026-10-23T22:00/2026-10-24T02:00",
                                   "2026-10-24T22:00/2026-10-25T03:00"));
  // Skipped on March 29, 03:00 to 04:00.
  EXPECT_THAT(Next("sun 03:30-05:00", "Europe/Riga", "2026-03-28T12:00:00Z", 1),
              testing::ElementsAre("2026-03-29T01:00/2026-03-29T02:00"));
}

}  // namespace
}  // namespace muster::server
