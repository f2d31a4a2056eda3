#include "cli/connection/stream_patience.h"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

using grpc::StatusCode;

const absl::Time kStart = absl::FromUnixSeconds(1'790'000'000);
const grpc::Status kGone(StatusCode::UNAVAILABLE, "the server is stopping");
const grpc::Status kCut(StatusCode::CANCELLED, "CANCELLED");
const grpc::Status kAway(StatusCode::UNAVAILABLE,
                         "failed to connect to all addresses; last error: refused");

StreamPatience HeardAtStart() {
  StreamPatience patience(absl::Seconds(5), kStart);
  patience.Begin(kStart);
  patience.Hear(kStart);
  return patience;
}

TEST(StreamPatienceTest, AServerThatWasNeverHeardIsGivenUpAsWithAnyCall) {
  StreamPatience patience(absl::Seconds(5), kStart);
  EXPECT_TRUE(patience.TryAgain(kAway, kStart + absl::Seconds(4)));
  EXPECT_FALSE(patience.TryAgain(kAway, kStart + absl::Seconds(5)));
}

TEST(StreamPatienceTest, AServerThatWasHeardGetsAMinute) {
  StreamPatience patience = HeardAtStart();
  EXPECT_TRUE(patience.TryAgain(kAway, kStart + absl::Seconds(59)));
  EXPECT_FALSE(patience.TryAgain(kAway, kStart + absl::Seconds(61)));
}

TEST(StreamPatienceTest, AStreamThatWasQuietForHoursIsBegunAnew) {
  for (const grpc::Status& status : {kGone, kCut}) {
    StreamPatience patience = HeardAtStart();
    const absl::Time end = kStart + absl::Hours(3);
    EXPECT_TRUE(patience.TryAgain(status, end)) << status.error_code();
    patience.Begin(end);
    EXPECT_TRUE(patience.TryAgain(kAway, end + absl::Seconds(59)));
    EXPECT_FALSE(patience.TryAgain(kAway, end + absl::Seconds(61)));
  }
}

TEST(StreamPatienceTest, AServerThatOnlyRefusesIsGivenUpAfterAMinute) {
  StreamPatience patience = HeardAtStart();
  absl::Time now = kStart;
  while (patience.TryAgain(kGone, now) && now < kStart + absl::Hours(1)) {
    now += absl::Seconds(1);
    patience.Begin(now);
  }
  EXPECT_EQ(now, kStart + absl::Minutes(1));
}

TEST(StreamPatienceTest, WhatTryingAgainCannotMendEndsTheWatch) {
  StreamPatience patience = HeardAtStart();
  for (const StatusCode code : {StatusCode::UNAUTHENTICATED, StatusCode::NOT_FOUND,
                                StatusCode::PERMISSION_DENIED, StatusCode::RESOURCE_EXHAUSTED}) {
    EXPECT_FALSE(patience.TryAgain(grpc::Status(code, ""), kStart)) << code;
  }
  EXPECT_FALSE(patience.TryAgain(grpc::Status(StatusCode::UNAVAILABLE, "CERTIFICATE_VERIFY_FAILED"),
                                 kStart));
}

}  // namespace
}  // namespace muster::cli
