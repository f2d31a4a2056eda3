#include "cli/connection/rpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace muster::cli {
namespace {

TEST(FromGrpcTest, ShowsFieldViolationsAndWhenToTryAgain) {
  google::rpc::Status details;
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field("filter");
  violation->set_description("character 7: expected a value");
  details.add_details()->PackFrom(bad_request);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(3);
  details.add_details()->PackFrom(retry);
  const absl::Status status = FromGrpc(
      grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad filter", details.SerializeAsString()));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "bad filter\n  filter: character 7: expected a value\n  try again in 3s");
}

TEST(FromGrpcTest, DoesNotSayTheSameTwice) {
  google::rpc::Status details;
  google::rpc::BadRequest bad_request;
  bad_request.add_field_violations()->set_description("the filter is wrong at character 7");
  details.add_details()->PackFrom(bad_request);
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                            "the filter is wrong at character 7", details.SerializeAsString()));
  EXPECT_EQ(status.message(), "the filter is wrong at character 7");
}

TEST(FromGrpcTest, IgnoresDetailsThatAreNoDetails) {
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::NOT_FOUND, "no such thing", "\xFF\x01garbage"));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such thing");
}

TEST(RpcStatusTest, TellsWhetherTheServerWasReached) {
  const grpc::Status refused(grpc::StatusCode::UNAVAILABLE, "failed to connect to all addresses");
  EXPECT_TRUE(NeverReached(refused));
  EXPECT_FALSE(IsTlsFailure(refused));
  const grpc::Status busy(grpc::StatusCode::UNAVAILABLE, "the command log is stopping");
  EXPECT_FALSE(NeverReached(busy));
  const grpc::Status tls(
      grpc::StatusCode::UNAVAILABLE,
      "failed to connect to all addresses; Ssl handshake failed: CERTIFICATE_VERIFY_FAILED");
  EXPECT_TRUE(IsTlsFailure(tls));
}

}  // namespace
}  // namespace muster::cli
