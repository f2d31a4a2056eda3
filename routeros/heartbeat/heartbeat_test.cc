#include "routeros/heartbeat/heartbeat.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster::routeros {
namespace {

constexpr char kFull[] =
    R"json({"p":1,"agent":"1.0","fmt":"hex,esc","boot":"a1b2","up":"1w2d03:04:05",
"clock":"nov/22/2026 10:00:00","last":1790000000123456,"run":"7","run_age":"00:00:12","err":0,
"tx":2,"id":"core-1","sn":"HF209","sw":"ABCD-EFGH","mac":"48:8F:5A:01:02:03","ver":"7.20.8 (stable)",
"board":"hAP ax2","arch":"arm64","cpu":"12%","cpus":4,"mhz":"880MHz","mf":"58.5MiB","mt":134217728,
"df":1000,"dt":2000,"bb":"0.5%","wr":123456,"health":[{"n":"cpu-temperature","v":"41C","t":""},
{"n":"voltage","v":24.2,"t":"V"}],"links":[{"n":"muster-link","a":"198.51.100.7","rtt":"9ms739us",
"jit":"00:00:00.000100","sd":55,"loss":"2.5%"}],"wg":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
"rights":"read,write"})json";

TEST(HeartbeatTest, TakesEveryField) {
  const auto beat = ParseHeartbeat(kFull);
  ASSERT_TRUE(beat.ok()) << beat.status();
  EXPECT_EQ(beat->protocol, 1u);
  EXPECT_EQ(beat->boot, "a1b2");
  EXPECT_EQ(beat->uptime_seconds, 9u * 86400 + 3 * 3600 + 4 * 60 + 5);
  EXPECT_EQ(beat->last_number, 1790000000123456u);
  EXPECT_EQ(beat->running_number, 7u);
  EXPECT_EQ(beat->running_seconds, 12u);
  EXPECT_EQ(beat->agent_errors, 0u);
  EXPECT_EQ(beat->skipped_beats, 2u);
  EXPECT_EQ(beat->clock, "nov/22/2026 10:00:00");
  EXPECT_EQ(beat->cpu_load_percent, 12u);
  EXPECT_EQ(beat->cpu_count, 4u);
  EXPECT_EQ(beat->cpu_frequency_mhz, 880u);
  EXPECT_EQ(beat->memory_free_bytes, 61341696u);
  EXPECT_EQ(beat->memory_total_bytes, 134217728u);
  EXPECT_EQ(beat->disk_free_bytes, 1000u);
  EXPECT_EQ(beat->disk_total_bytes, 2000u);
  EXPECT_EQ(beat->bad_blocks_millipercent, 500u);
  EXPECT_EQ(beat->sectors_written, 123456u);
  EXPECT_EQ(beat->counts.text_repaired, 0u);
  EXPECT_EQ(beat->counts.numbers_dropped, 0u);
}

TEST(HeartbeatTest, TakesFactsHealthAndLinks) {
  const auto beat = ParseHeartbeat(kFull);
  ASSERT_TRUE(beat.ok()) << beat.status();
  EXPECT_TRUE(beat->has_facts);
  const DeviceFacts& facts = beat->facts;
  EXPECT_EQ(facts.identity, "core-1");
  EXPECT_EQ(facts.serial_number, "HF209");
  EXPECT_EQ(facts.software_id, "ABCD-EFGH");
  EXPECT_EQ(absl::BytesToHexString(facts.mac_address), "488f5a010203");
  EXPECT_EQ(facts.routeros_version, "7.20.8 (stable)");
  EXPECT_TRUE(facts.format_hex);
  EXPECT_TRUE(facts.format_escaped);
  EXPECT_EQ(facts.tunnel_public_key, std::string(32, '\0'));
  EXPECT_EQ(facts.rights, "read,write");
  ASSERT_EQ(beat->health.size(), 2u);
  EXPECT_EQ(beat->health[0].sensor, "cpu-temperature");
  EXPECT_EQ(beat->health[0].value_milli, 41000);
  EXPECT_EQ(beat->health[0].unit, "C");
  EXPECT_EQ(beat->health[1].value_milli, 24200);
  EXPECT_EQ(beat->health[1].unit, "V");
  ASSERT_EQ(beat->links.size(), 1u);
  EXPECT_EQ(beat->links[0].address, "198.51.100.7");
  EXPECT_EQ(beat->links[0].rtt_us, 9739u);
  EXPECT_EQ(beat->links[0].jitter_us, 100u);
  EXPECT_EQ(beat->links[0].standard_deviation_us, 55u);
  EXPECT_EQ(beat->links[0].loss_permille, 25u);
}

TEST(HeartbeatTest, TakesTheMinimalBody) {
  const auto beat = ParseHeartbeat(R"({"p":"1","agent":"1.0","last":"","err":"3"})");
  ASSERT_TRUE(beat.ok()) << beat.status();
  EXPECT_FALSE(beat->has_facts);
  EXPECT_EQ(beat->last_number, 0u);
  EXPECT_EQ(beat->agent_errors, 3u);
  EXPECT_EQ(beat->uptime_seconds, std::nullopt);
}

TEST(HeartbeatTest, RefusesBrokenStructure) {
  const std::vector<std::string> bodies = {
      "",
      " ",
      "{",
      "}",
      "[]",
      "1",
      "null",
      "\"x\"",
      "{}",
      R"({"p":1})",
      R"({"last":1})",
      R"({"p":1,"last":1)",
      R"({"p":1,"last":1}})",
      R"({"p":1,"last":1} x)",
      R"({"p":1,"last":1}{"p":1})",
      R"({"p":1,"last":1,})",
      R"({"p":1 "last":1})",
      R"({"p":1,"last":01})",
      R"({"p":1,"last":1x})",
      R"({"p":1,"last":1,"x":tru})",
      R"({"p":1,"last":1,"x":})",
      R"({"p":1,"last":1,"x":[1,]})",
      R"({"p":1,"last":1,"x":[1})",
      R"({"p":1,"last":1,"x":{"y":nul}})",
      R"({"p":1,"last":1,"id":"x)",
      R"({'p':1,"last":1})",
      R"({p:1,"last":1})",
  };
  for (const std::string& body : bodies) {
    EXPECT_EQ(ParseHeartbeat(body).status().code(), absl::StatusCode::kInvalidArgument) << body;
  }
}

TEST(HeartbeatTest, RefusesNestingWithoutEnd) {
  std::string body = R"({"p":1,"last":1,"x":)";
  body += std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_FALSE(ParseHeartbeat(body).ok());
  EXPECT_FALSE(ParseHeartbeat(std::string(5000, '[')).ok());
}

TEST(HeartbeatTest, RefusesABodyThatIsTooLong) {
  const std::string padding(kLongestBody, ' ');
  EXPECT_FALSE(ParseHeartbeat(R"({"p":1,"last":1})" + padding).ok());
}

TEST(HeartbeatTest, SkipsKeysItDoesNotKnow) {
  const auto beat = ParseHeartbeat(
      R"({"p":1,"new":{"a":[1,2,{"b":null}]},"last":5,"n":1,"st":"x","empty":{},"none":[]})");
  ASSERT_TRUE(beat.ok()) << beat.status();
  EXPECT_EQ(beat->last_number, 5u);
}

TEST(HeartbeatTest, RefusesAKeyThatIsThereTwiceInAnySpelling) {
  EXPECT_FALSE(ParseHeartbeat(R"({"p":1,"last":1,"last":1})").ok());
  EXPECT_FALSE(ParseHeartbeat(R"({"p":1,"last":1,"l\u0061st":2})").ok());
  EXPECT_FALSE(ParseHeartbeat(R"({"p":1,"last":1,"health":[],"health":[]})").ok());
  EXPECT_FALSE(ParseHeartbeat(R"({"p":1,"last":1,"health":[{"n":"a","n":"b"}]})").ok());
}

TEST(HeartbeatTest, MessagesNameTheKeyAndNoValue) {
  const auto beat = ParseHeartbeat(R"({"p":1,"last":"canary"})");
  EXPECT_NE(std::string(beat.status().message()).find("last"), std::string::npos);
  EXPECT_EQ(std::string(beat.status().message()).find("canary"), std::string::npos);
}

struct NameRow {
  std::string name, bytes, expected;
};

TEST(HeartbeatTest, RepairsNamesOfAnyCodePage) {
  const std::string broken = "\xEF\xBF\xBD";
  const std::vector<NameRow> rows = {
      {"cp1251", "\xCC\xEE\xF1\xEA\xE2\xE0-1",
       broken + broken + broken + broken + broken + broken + "-1"},
      {"GBK with a backslash as second byte", "\xD5\\\\x", broken + "\\x"},
      {"GBK", "\xC4\xE3\xBA\xC3", broken + broken + broken + broken},
      {"cut UTF-8", "caf\xC3", "caf" + broken},
      {"overlong", "\xC0\xAF", broken + broken},
      {"surrogate", "\xED\xA0\x80", broken + broken + broken},
      {"ESC", "a\x1B[31mb", "a [31mb"},
      {"NUL", std::string("a\0b", 3), "a b"},
      {"newline and tab", "a\n\tb", "a  b"},
      {"escaped ESC", R"(a\u001b[31mb)", "ab"},
      {"escaped NUL", R"(a\u0000b)", "ab"},
      {"lone surrogate", R"(a\ud800b)", "a" + broken + "b"},
      {"unknown escape", R"(a\qb)", "a" + broken + "qb"},
      {"short escape", R"(a\u12)", "a" + broken + "u12"},
  };
  for (const NameRow& row : rows) {
    const auto beat = ParseHeartbeat(absl::StrCat(R"({"p":1,"last":3,"id":")", row.bytes, "\"}"));
    ASSERT_TRUE(beat.ok()) << row.name << " " << beat.status();
    EXPECT_EQ(beat->facts.identity, row.expected) << row.name;
    EXPECT_GT(beat->counts.text_repaired, 0u) << row.name;
    EXPECT_EQ(beat->last_number, 3u) << row.name;
  }
}

TEST(HeartbeatTest, LeavesGoodTextAlone) {
  const auto beat =
      ParseHeartbeat(R"({"p":1,"last":3,"id":"M\u00fcnchen \ud83d\ude00 \"x\" \\ \/ 東京"})");
  ASSERT_TRUE(beat.ok()) << beat.status();
  EXPECT_EQ(beat->facts.identity, "München 😀 \"x\" \\ / 東京");
  EXPECT_EQ(beat->counts.text_repaired, 0u);
}

TEST(HeartbeatTest, CutsLongTextAtACharacter) {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "ü";
  const auto beat = ParseHeartbeat(absl::StrCat(R"({"p":1,"last":3,"id":"x)", name, "\"}"));
  ASSERT_TRUE(beat.ok()) << beat.status();
  EXPECT_EQ(beat->facts.identity.size(), 127u);
  EXPECT_GT(beat->counts.text_repaired, 0u);
}

TEST(HeartbeatTest, BoundsRowsOfHealthAndLinks) {
  std::string health, links;
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&health, i == 0 ? "" : ",", R"({"n":"a","v":1})");
    absl::StrAppend(&links, i == 0 ? "" : ",", R"({"n":"a","rtt":1})");
  }
  const auto beat = ParseHeartbeat(
      absl::StrCat(R"({"p":1,"last":3,"health":[)", health, R"(],"links":[)", links, "]}"));
  ASSERT_TRUE(beat.ok()) << beat.status();
  EXPECT_EQ(beat->health.size(), kMostHealthRows);
  EXPECT_EQ(beat->links.size(), kMostLinkRows);
  EXPECT_EQ(beat->counts.numbers_dropped, 200 - kMostHealthRows - kMostLinkRows);
}

TEST(HeartbeatTest, RowsOfAnotherShapeAreDropped) {
  const auto beat = ParseHeartbeat(
      R"({"p":1,"last":3,"health":[1,"x",[],{"n":"psu1-state","v":"ok"},{"v":"-"},{"n":"t","v":7}],"links":{"a":1}})");
  ASSERT_TRUE(beat.ok()) << beat.status();
  ASSERT_EQ(beat->health.size(), 1u);
  EXPECT_EQ(beat->health[0].sensor, "t");
  EXPECT_EQ(beat->counts.numbers_dropped, 5u);
}

TEST(EnrolmentTest, TakesClaimNonceTokenAndFacts) {
  const auto enrolment = ParseEnrolment(
      R"({"p":1,"nonce":"0123456789abcdef","token":"m1.x","agent":"1.0","fmt":"esc","id":"r","ver":"6.49.10"})");
  ASSERT_TRUE(enrolment.ok()) << enrolment.status();
  EXPECT_EQ(enrolment->nonce, "0123456789abcdef");
  EXPECT_EQ(enrolment->token, "m1.x");
  EXPECT_EQ(enrolment->facts.identity, "r");
  EXPECT_TRUE(enrolment->facts.format_escaped);
  EXPECT_FALSE(enrolment->facts.format_hex);
}

TEST(EnrolmentTest, RefusesAMissingOrWrongNonce) {
  EXPECT_FALSE(ParseEnrolment(R"({"p":1})").ok());
  EXPECT_FALSE(ParseEnrolment(R"({"p":1,"nonce":""})").ok());
  EXPECT_FALSE(ParseEnrolment(R"({"p":1,"nonce":"1234567"})").ok());
  EXPECT_FALSE(
      ParseEnrolment(absl::StrCat(R"({"p":1,"nonce":")", std::string(65, 'a'), "\"}")).ok());
  EXPECT_TRUE(ParseEnrolment(R"({"p":1,"nonce":12345678})").ok());
}

TEST(ResultTest, DecodesEveryEncoding) {
  struct Row {
    std::string encoding, sent, expected;
  };
  const std::vector<Row> rows = {
      {"text", "plain", "plain"},
      {"", "plain", "plain"},
      {"hex", "4f4B0a", "OK\n"},
      {"hex", "4f4", "4f4"},
      {"hex", "zz", "zz"},
      {"hex", "ff1b5b33316d41",
       "\xEF\xBF\xBD"
       "A"},
      {"b64", "T0sK", "OK\n"},
      {"b64", "!!", "!!"},
      {"rot13", "bx", "bx"},
  };
  for (const Row& row : rows) {
    const auto report = ParseResult(absl::StrCat(R"({"p":1,"n":"9","st":"ok","enc":")",
                                                 row.encoding, R"(","out":")", row.sent, "\"}"));
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->output, row.expected) << row.encoding << " " << row.sent;
    EXPECT_EQ(report->number, 9u);
  }
}

TEST(ResultTest, TakesStatusPhaseAndCut) {
  const auto refused = ParseResult(R"({"p":1,"n":2,"st":"refused","err":"cannot persist"})");
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->status, ResultStatus::kRefused);
  EXPECT_EQ(refused->error, "cannot persist");
  const auto failed = ParseResult(R"({"p":1,"n":2,"st":"fail","ph":"parse","cut":1})");
  ASSERT_TRUE(failed.ok());
  EXPECT_EQ(failed->status, ResultStatus::kFailed);
  EXPECT_EQ(failed->phase, "parse");
  EXPECT_TRUE(failed->cut);
  const auto unknown = ParseResult(R"({"p":1,"n":2,"st":"later","ph":"dance","cut":"0"})");
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->status, ResultStatus::kFailed);
  EXPECT_EQ(unknown->error, "unknown status later");
  EXPECT_EQ(unknown->phase, "");
  EXPECT_FALSE(unknown->cut);
}

TEST(ResultTest, RefusesAWrongNumberOrNoStatus) {
  for (const char* body :
       {R"({"p":1,"st":"ok"})", R"({"p":1,"n":0,"st":"ok"})", R"({"p":1,"n":-1,"st":"ok"})",
        R"({"p":1,"n":"","st":"ok"})", R"({"p":1,"n":1.5,"st":"ok"})",
        R"({"p":1,"n":99999999999999999999,"st":"ok"})", R"({"p":1,"n":1})",
        R"({"p":1,"n":1,"st":""})", R"({"p":1,"n":[1],"st":"ok"})"}) {
    EXPECT_EQ(ParseResult(body).status().code(), absl::StatusCode::kInvalidArgument) << body;
  }
}

TEST(ResultTest, CutsOutputThatIsTooLong) {
  const auto report = ParseResult(
      absl::StrCat(R"({"p":1,"n":1,"st":"ok","out":")", std::string(20'000, 'x'), "\"}"));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->output.size(), kLongestOutput);
  EXPECT_TRUE(report->cut);
}

}  // namespace
}  // namespace muster::routeros
