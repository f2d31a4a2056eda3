#include "server/grpc_api/status_convert.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  return rich;
}

template <typename T>
std::optional<T> Find(const google::rpc::Status& rich) {
  T detail;
  for (const auto& any : rich.details()) {
    if (any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

TEST(StatusConvertTest, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(StatusConvertTest, ABadFieldIsNamed) {
  const grpc::Status status = ToGrpcStatus(BadField("page_size", "must not be negative"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const google::rpc::Status rich = Details(status);
  EXPECT_EQ(rich.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(rich.message(), status.error_message());
  EXPECT_EQ(Find<google::rpc::BadRequest>(rich)->field_violations(0).field(), "page_size");
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(rich)->reason(), "BAD_FIELD");
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(rich)->domain(), "muster");
  EXPECT_FALSE(Find<google::rpc::RetryInfo>(rich).has_value());
}

TEST(StatusConvertTest, WhatPassesByItselfSaysWhenToTryAgain) {
  for (const absl::Status& status : {ShuttingDown(), TooManyStreams(), absl::UnavailableError("x"),
                                     absl::ResourceExhaustedError("x")}) {
    const auto retry = Find<google::rpc::RetryInfo>(Details(ToGrpcStatus(status)));
    ASSERT_TRUE(retry.has_value());
    EXPECT_GT(retry->retry_delay().seconds(), 0);
  }
}

TEST(StatusConvertTest, WhatWentWrongInsideStaysInside) {
  const grpc::Status status = ToGrpcStatus(absl::InternalError("/var/lib/muster/state.db: broken"));
  EXPECT_EQ(status.error_message().find("state.db"), std::string::npos);
}

}  // namespace
}  // namespace muster::server
