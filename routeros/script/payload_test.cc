#include "routeros/script/payload.h"

#include <gtest/gtest.h>

namespace muster::routeros {
namespace {

TEST(PayloadTest, WritesBothFormats) {
  EXPECT_EQ(EncodePayload("/i\xff", PayloadFormat::kHex), "2f69ff");
  EXPECT_EQ(EncodePayload("/i\xff", PayloadFormat::kEscaped), "\\2F\\69\\FF");
  EXPECT_EQ(EncodePayload("", PayloadFormat::kHex), "");
}

TEST(PayloadTest, RoundTripsEveryByte) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  for (const PayloadFormat format : {PayloadFormat::kHex, PayloadFormat::kEscaped}) {
    EXPECT_EQ(DecodePayload(EncodePayload(all, format)).value_or("refused"), all);
  }
}

TEST(PayloadTest, RefusesWhatIsNoPayload) {
  for (const char* text : {"2", "2F", "2g", "\\2f", "\\2", "\\2F\\", "\\2F2F2", "2f\\2"}) {
    EXPECT_FALSE(DecodePayload(text).ok()) << text;
  }
}

TEST(PayloadTest, CountsThePayloadWithoutItsDot) {
  EXPECT_EQ(JobReply(7, ":put 1", PayloadFormat::kHex), "J7 12 3a7075742031.");
  EXPECT_EQ(JobReply(18446744073709551615u, "a", PayloadFormat::kEscaped),
            "J18446744073709551615 3 \\61.");
}

TEST(PayloadTest, ReadsBackItsOwnReplies) {
  for (const PayloadFormat format : {PayloadFormat::kHex, PayloadFormat::kEscaped}) {
    const auto job = ReadJobReply(JobReply(1763805433000000, ":put \"a. b\"\n", format));
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->number, 1763805433000000u);
    EXPECT_EQ(job->script, ":put \"a. b\"\n");
  }
}

TEST(PayloadTest, TakesNoReplyThatWasCutOrChanged) {
  const std::string whole = JobReply(7, ":put 12345", PayloadFormat::kHex);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ReadJobReply(whole.substr(0, length)).ok()) << length;
  }
  for (const char* text : {"", "0", "J", "J.", "J1.", "J1 .", "J1 2.", "J1 2 .", "J0 2 30.",
                           "J-1 2 30.", "J1 +2 30.", "J1 3 30.", "J1 1 30.", "J1 2 zz.", "A1 2 30.",
                           "J1  2 30.", "J99999999999999999999 2 30."}) {
    EXPECT_FALSE(ReadJobReply(text).ok()) << text;
  }
}

TEST(PayloadTest, KeepsRepliesBelowTheLimitOfFetch) {
  const struct {
    const char* version;
    PayloadFormat format;
    size_t reply_limit;
  } cases[] = {
      {"6.49.10", PayloadFormat::kEscaped, 4000},
      {"7.8", PayloadFormat::kEscaped, 64512},
      {"7.12.2", PayloadFormat::kHex, 64512},
      {"7.20.8", PayloadFormat::kHex, 64512},
  };
  for (const auto& c : cases) {
    const std::string script(LargestScript(*ParseVersion(c.version)), 'x');
    EXPECT_LE(JobReply(9223372036854775807u, script, c.format).size(), c.reply_limit) << c.version;
    EXPECT_GE(script.size(), 1300u);
  }
}

TEST(PayloadTest, CutsAScriptIntoPartsThatGiveItBack) {
  std::string script;
  for (int i = 0; i < 65536; ++i) script.push_back(static_cast<char>(i * 7));
  for (const char* version : {"6.49.10", "7.8", "7.20.8"}) {
    for (const PayloadFormat format : {PayloadFormat::kHex, PayloadFormat::kEscaped}) {
      const Version parsed = *ParseVersion(version);
      const auto job = ReadPartedJobReply(PartedJobReply(7, script.size(), parsed, format));
      ASSERT_TRUE(job.ok());
      std::string back;
      for (size_t part = 1; part <= job->parts; ++part) {
        const std::string reply = *PartReply(7, part, script, parsed, format);
        EXPECT_LE(reply.size(), version[0] == '6' ? 1300u : 24100u);
        const auto bytes = ReadPartReply(reply, 7, part);
        ASSERT_TRUE(bytes.ok()) << bytes.status();
        back += *bytes;
      }
      EXPECT_EQ(back == script, true);
      EXPECT_EQ(job->length, script.size() * (format == PayloadFormat::kHex ? 2 : 3));
      EXPECT_FALSE(PartReply(7, 0, script, parsed, format).ok());
      EXPECT_FALSE(PartReply(7, job->parts + 1, script, parsed, format).ok());
    }
  }
}

TEST(PayloadTest, TakesNoPartThatWasChangedAnywhere) {
  const Version version = *ParseVersion("7.20.8");
  const std::string good = *PartReply(12, 1, ":put \"hello\"", version, PayloadFormat::kHex);
  ASSERT_TRUE(ReadPartReply(good, 12, 1).ok());
  EXPECT_FALSE(ReadPartReply(good, 12, 2).ok());
  EXPECT_FALSE(ReadPartReply(good, 13, 1).ok());
  for (size_t at = 0; at < good.size(); ++at) {
    EXPECT_FALSE(ReadPartReply(good.substr(0, at), 12, 1).ok()) << at;
    std::string bad = good;
    bad[at] = bad[at] == '1' ? '2' : '1';
    EXPECT_FALSE(ReadPartReply(bad, 12, 1).ok()) << at;
  }
}

TEST(PayloadTest, WritesTheChecksumAsTheDocumentSays) {
  EXPECT_EQ(PartChecksum(""), 1u);
  EXPECT_EQ(PartChecksum("A"), 31u + 0x41);
  EXPECT_EQ(PartChecksum("ABCD"), 31u + 0x41424344);
  EXPECT_EQ(PartChecksum("ABCDE"), (31u + 0x41424344) * 31 + 0x45);
}

}  // namespace
}  // namespace muster::routeros
