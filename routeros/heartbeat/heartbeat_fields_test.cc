// Each field of the heartbeat wrong, too large, quoted, empty, absent and of another shape.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routeros/heartbeat/fields.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::routeros {
namespace {

// A heartbeat whose field `key` is `json`.
absl::StatusOr<Heartbeat> With(absl::string_view key, absl::string_view json) {
  std::string body = "{";
  if (key != "p") body += R"("p":1,)";
  if (key != "last") body += R"("last":41,)";
  absl::StrAppend(&body, "\"", key, "\":", json, "}");
  return ParseHeartbeat(body);
}

bool IsNumber(const Field& field) {
  return field.take_number != nullptr && field.kind != FieldKind::kFlag;
}

std::vector<Field> HeartbeatFields() {
  std::vector<Field> fields;
  for (const Field& field : Fields()) {
    if ((field.places & kInHeartbeat) != 0) fields.push_back(field);
  }
  return fields;
}

TEST(HeartbeatFieldsTest, EveryNumberIsTakenPlainAndQuoted) {
  for (const Field& field : HeartbeatFields()) {
    if (!IsNumber(field)) continue;
    const uint64_t value = field.low == 0 ? 7 : field.low;
    for (const std::string& json : {absl::StrCat(value), absl::StrCat("\"", value, "\"")}) {
      const auto beat = With(field.key, json);
      ASSERT_TRUE(beat.ok()) << field.key << " " << json << beat.status();
      EXPECT_EQ(beat->counts.numbers_dropped, 0u) << field.key << " " << json;
    }
  }
}

TEST(HeartbeatFieldsTest, AWrongNumberIsDroppedAndCountedOrRefusedWhereItDecides) {
  const std::vector<std::string> wrong = {"-1",
                                          "\"-1\"",
                                          "\"abc\"",
                                          "true",
                                          "1.5e300",
                                          "99999999999999999999999",
                                          "\"18446744073709551616\"",
                                          "\"9223372036854775808\"",
                                          "[1]",
                                          "{\"a\":1}",
                                          "\"1 2\""};
  for (const Field& field : HeartbeatFields()) {
    if (!IsNumber(field)) continue;
    for (const std::string& json : wrong) {
      const auto beat = With(field.key, json);
      if (field.kind == FieldKind::kStrictNumber) {
        EXPECT_FALSE(beat.ok()) << field.key << " " << json;
        continue;
      }
      ASSERT_TRUE(beat.ok()) << field.key << " " << json << beat.status();
      EXPECT_EQ(beat->counts.numbers_dropped, 1u) << field.key << " " << json;
      EXPECT_EQ(beat->last_number, 41u);
    }
  }
}

TEST(HeartbeatFieldsTest, ANumberAboveItsRangeIsDropped) {
  for (const Field& field : HeartbeatFields()) {
    const bool plain = field.kind == FieldKind::kNumber && field.high < (uint64_t{1} << 63) - 1;
    if (!plain) continue;
    const auto most = With(field.key, absl::StrCat(field.high));
    ASSERT_TRUE(most.ok()) << field.key;
    EXPECT_EQ(most->counts.numbers_dropped, 0u) << field.key;
    const auto more = With(field.key, absl::StrCat(field.high + 1));
    ASSERT_TRUE(more.ok()) << field.key;
    EXPECT_EQ(more->counts.numbers_dropped, 1u) << field.key;
  }
  EXPECT_EQ(With("cpu", "101")->cpu_load_percent, std::nullopt);
  EXPECT_EQ(With("bb", "\"100.001%\"")->bad_blocks_millipercent, std::nullopt);
  EXPECT_EQ(With("run_age", "4294967296")->running_seconds, std::nullopt);
}

TEST(HeartbeatFieldsTest, AnEmptyOrNullValueIsAbsentWithoutBeingCounted) {
  for (const Field& field : HeartbeatFields()) {
    for (const char* json : {"null", "\"\""}) {
      const auto beat = With(field.key, json);
      if (field.key == "p") {
        EXPECT_FALSE(beat.ok());
        continue;
      }
      ASSERT_TRUE(beat.ok()) << field.key << " " << json << beat.status();
      EXPECT_EQ(beat->counts.numbers_dropped, 0u) << field.key << " " << json;
      EXPECT_EQ(beat->counts.text_repaired, 0u) << field.key << " " << json;
    }
  }
}

TEST(HeartbeatFieldsTest, EveryKeyTwiceIsRefused) {
  for (const Field& field : HeartbeatFields()) {
    const std::string twice =
        absl::StrCat(R"({"p":1,"last":1,")", field.key, R"(":null,")", field.key, "\":null}");
    EXPECT_FALSE(ParseHeartbeat(twice).ok()) << field.key;
  }
}

TEST(HeartbeatFieldsTest, TextTakesNumbersAndWordsAsTheyStand) {
  for (const Field& field : HeartbeatFields()) {
    if (field.kind != FieldKind::kText) continue;
    for (const char* json : {"7.20", "true", "-1e5", "\"7.20\""}) {
      const auto beat = With(field.key, json);
      ASSERT_TRUE(beat.ok()) << field.key << " " << json << beat.status();
    }
    const auto nested = With(field.key, "[1,{\"a\":\"b\"}]");
    ASSERT_TRUE(nested.ok()) << field.key;
    EXPECT_EQ(nested->counts.numbers_dropped, 1u) << field.key;
  }
  EXPECT_EQ(With("ver", "7.20")->facts.routeros_version, "7.20");
  EXPECT_EQ(With("id", "123")->facts.identity, "123");
}

TEST(HeartbeatFieldsTest, TextAboveItsLimitIsCutAndCounted) {
  for (const Field& field : HeartbeatFields()) {
    if (field.kind != FieldKind::kText) continue;
    const auto beat = With(field.key, absl::StrCat("\"", std::string(field.high + 5, 'x'), "\""));
    ASSERT_TRUE(beat.ok()) << field.key;
    EXPECT_GE(beat->counts.text_repaired, 5u) << field.key;
  }
}

TEST(HeartbeatFieldsTest, AMacOrTunnelKeyOfAnotherFormIsDropped) {
  for (const char* json : {"\"48:8F:5A:01:02\"", "\"48:8F:5A:01:02:0G\"", "\"x\"", "12"}) {
    const auto beat = With("mac", json);
    ASSERT_TRUE(beat.ok());
    EXPECT_EQ(beat->facts.mac_address, "") << json;
    EXPECT_EQ(beat->counts.numbers_dropped, 1u) << json;
  }
  const auto beat = With("wg", "\"AAAA\"");
  ASSERT_TRUE(beat.ok());
  EXPECT_EQ(beat->facts.tunnel_public_key, "");
  EXPECT_EQ(beat->counts.numbers_dropped, 1u);
}

TEST(HeartbeatFieldsTest, TheTableHasNoKeyTwiceInOnePlace) {
  for (const unsigned place : {1u, 2u, 4u, 8u, 16u}) {
    std::vector<std::string> keys;
    for (const Field& field : Fields()) {
      if ((field.places & place) == 0) continue;
      EXPECT_EQ(std::count(keys.begin(), keys.end(), std::string(field.key)), 0) << field.key;
      keys.push_back(std::string(field.key));
    }
  }
}

}  // namespace
}  // namespace muster::routeros
