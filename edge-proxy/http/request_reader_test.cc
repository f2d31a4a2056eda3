#include "edge-proxy/http/request_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge-proxy/http/reply_writer.h"

namespace muster::edge {
namespace {

using Phase = RequestReader::Phase;

// Feeds `text` in pieces and reads the body as it comes.
Phase FeedAll(RequestReader& reader, absl::string_view text, size_t piece) {
  while (!text.empty() && reader.phase() != Phase::kFailed && reader.phase() != Phase::kDone) {
    reader.Feed(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
    reader.ReadBody();
  }
  return reader.phase();
}

constexpr char kPost[] =
    "POST /v1/heartbeat HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer t\r\n"
    "Content-Length: 5\r\n\r\nhello";

TEST(RequestReaderTest, ReadsARequestInPiecesOfAnySize) {
  for (const size_t piece : {1, 2, 3, 7, 50, 1000}) {
    RequestReader reader;
    ASSERT_EQ(FeedAll(reader, kPost, piece), Phase::kDone) << piece;
    EXPECT_EQ(reader.method(), "POST");
    EXPECT_EQ(reader.target(), "/v1/heartbeat");
    EXPECT_EQ(reader.authorization(), "Bearer t");
    EXPECT_EQ(reader.body(), "hello");
    EXPECT_TRUE(reader.keep_alive());
  }
}

TEST(RequestReaderTest, StopsBehindTheHead) {
  RequestReader reader;
  EXPECT_EQ(reader.Feed(kPost), Phase::kBody);
  EXPECT_EQ(reader.authorization(), "Bearer t");
  EXPECT_EQ(reader.ReadBody(), Phase::kDone);
}

TEST(RequestReaderTest, ReadsRequestsThatFollowEachOther) {
  RequestReader reader;
  const std::string three = absl::StrCat(kPost, "GET /a HTTP/1.1\r\nHost: e\r\n\r\n", kPost);
  EXPECT_EQ(reader.Feed(three), Phase::kBody);
  EXPECT_EQ(reader.ReadBody(), Phase::kDone);
  EXPECT_EQ(reader.Next(), Phase::kBody);
  // As a connection does before it waits: the head that is here already must stay.
  reader.Shrink();
  EXPECT_EQ(reader.method(), "GET");
  EXPECT_EQ(reader.target(), "/a");
  EXPECT_EQ(reader.ReadBody(), Phase::kDone);
  EXPECT_EQ(reader.body(), "");
  EXPECT_EQ(reader.Next(), Phase::kBody);
  EXPECT_EQ(reader.ReadBody(), Phase::kDone);
  EXPECT_EQ(reader.body(), "hello");
  EXPECT_EQ(reader.Next(), Phase::kHead);
  EXPECT_FALSE(reader.begun());
}

TEST(RequestReaderTest, ReadsAChunkedBody) {
  for (const size_t piece : {1, 9, 1000}) {
    RequestReader reader;
    ASSERT_EQ(FeedAll(reader,
                      "POST / HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
                      piece),
              Phase::kDone)
        << piece << " " << reader.status();
    EXPECT_EQ(reader.body(), "hello world");
  }
}

TEST(RequestReaderTest, ReadsTrailersInPiecesAndForgetsThem) {
  for (const size_t piece : {1, 2, 1000}) {
    RequestReader reader;
    ASSERT_EQ(FeedAll(reader,
                      "POST / HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "0001 ;x\r\na\r\n0\r\nh: v\r\nother: w\r\n\r\n",
                      piece),
              Phase::kDone)
        << piece << " " << reader.status();
    EXPECT_EQ(reader.body(), "a");
  }
}

struct Row {
  std::string name, text;
  int status;
};

std::string Fields(int count) {
  std::string text = "GET / HTTP/1.1\r\nHost: e\r\n";
  for (int i = 1; i < count; ++i) absl::StrAppend(&text, "x", i, ": y\r\n");
  return text + "\r\n";
}

TEST(RequestReaderTest, RefusesWithTheRightStatus) {
  const std::string post = "POST / HTTP/1.1\r\nHost: e\r\n";
  const std::vector<Row> rows = {
      {"no HTTP", "hello\r\n\r\n", 400},
      {"TLS hello", std::string("\x16\x03\x01\r\n\r\n", 7), 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", 505},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"two tokens", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
       400},
      {"folded line", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400},
      {"no colon", "GET / HTTP/1.1\r\nHost a\r\n\r\n", 400},
      {"space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"control", "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400},
      {"bare line feed", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"length and chunked", post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
       400},
      {"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400},
      {"list of lengths", post + "Content-Length: 1, 2\r\n\r\nx", 400},
      {"negative length", post + "Content-Length: -1\r\n\r\n", 400},
      {"length of words", post + "Content-Length: many\r\n\r\n", 400},
      {"length that overflows", post + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {"no length", post + "\r\n", 411},
      {"long body", post + "Content-Length: 16385\r\n\r\n", 413},
      {"huge body", post + "Content-Length: 9999999999\r\n\r\n", 413},
      {"gzip", post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"expectation", post + "Content-Length: 1\r\nExpect: tea\r\n\r\n", 417},
      {"fields", Fields(65), 431},
      {"ten thousand fields", Fields(10000), 431},
      {"long line", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n", 431},
      {"endless line", "GET /" + std::string(9000, 'a'), 431},
      {"endless chunk",
       post + "Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + std::string(20000, 'a'), 413},
      {"chunk without its end", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400},
      {"chunk of a sign", post + "Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n", 400},
      {"chunk that overflows",
       post + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n", 400},
      {"chunk line without end",
       post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'x'), 400},
      {"broken chunk", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
  };
  for (const Row& row : rows) {
    for (const size_t piece : {size_t{13}, size_t{1} << 20}) {
      RequestReader reader;
      EXPECT_EQ(FeedAll(reader, row.text, piece), Phase::kFailed) << row.name << " " << piece;
      EXPECT_EQ(reader.status(), row.status) << row.name << " " << piece;
    }
  }
}

TEST(RequestReaderTest, TakesWhatIsJustWithinTheLimits) {
  RequestReader fields;
  EXPECT_EQ(FeedAll(fields, Fields(64), 100), Phase::kDone) << fields.status();
  RequestReader body;
  EXPECT_EQ(FeedAll(body,
                    absl::StrCat("POST / HTTP/1.1\r\nHost: e\r\nContent-Length: 16384\r\n\r\n",
                                 std::string(kLongestBody, 'x')),
                    1000),
            Phase::kDone);
  EXPECT_EQ(body.body().size(), kLongestBody);
}

TEST(RequestReaderTest, BoundsAChunkedBodyOfTinyChunks) {
  std::string text = "POST / HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20000; ++i) text += "1\r\nx\r\n";
  RequestReader reader;
  EXPECT_EQ(FeedAll(reader, text, 500), Phase::kFailed);
  EXPECT_EQ(reader.status(), 413);
}

TEST(RequestReaderTest, KnowsWhoWantsToCloseAndWhoWantsToBeAsked) {
  RequestReader reader;
  reader.Feed(
      "POST / HTTP/1.1\r\nHost: e\r\nConnection: close\r\nExpect: 100-Continue\r\n"
      "Content-Length: 2\r\n\r\n");
  EXPECT_EQ(reader.phase(), Phase::kBody);
  EXPECT_FALSE(reader.keep_alive());
  EXPECT_TRUE(reader.expects_continue());
  RequestReader old;
  EXPECT_EQ(old.Feed("GET / HTTP/1.0\r\n\r\n"), Phase::kBody);
  EXPECT_FALSE(old.keep_alive());
}

TEST(ReplyWriterTest, RepliesHaveALengthAndAreNeverEmpty) {
  EXPECT_EQ(WriteReply({}, "0"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n0");
  EXPECT_EQ(WriteReply({.status = 503, .retry_after_seconds = 5, .keep_alive = false}, ""),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
            "Content-Length: 19\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
            "Service Unavailable");
}

}  // namespace
}  // namespace muster::edge
