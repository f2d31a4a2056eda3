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

}  // namespace
}  // namespace muster::routeros
