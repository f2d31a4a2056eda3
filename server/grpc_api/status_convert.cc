// Codes of absl::Status and of gRPC are the same numbers, so only message and details are made
// here; which details, the functions of server/errors have said by payloads on the status.
#include "server/grpc_api/status_convert.h"

#include <string>

#include "common/text/clean.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr char kDomain[] = "muster";

// Bugs and files are for the log, not for clients.
std::string PublicMessage(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return "musterd met an internal error; its log says more";
    default:
      return CleanText(status.message(), LineBreaks::kKeep);
  }
}

// What passes by itself is worth another try.
// A status may name a delay of its own; a second is for those that don't.
std::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  const std::optional<absl::Duration> delay = RetryDelayOf(status);
  const bool passes = status.code() == absl::StatusCode::kUnavailable ||
                      status.code() == absl::StatusCode::kResourceExhausted;
  if (!delay.has_value() && passes) return absl::Seconds(1);
  return delay;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(PublicMessage(status));

  google::rpc::ErrorInfo info;
  // Without a reason of ours the code's name: clients switch on this, and it must never be empty.
  info.set_reason(ReasonOf(status).value_or(absl::StatusCodeToString(status.code())));
  info.set_domain(kDomain);
  rich.add_details()->PackFrom(info);
  if (const std::optional<std::string> field = FieldOf(status); field.has_value()) {
    google::rpc::BadRequest bad;
    google::rpc::BadRequest::FieldViolation* violation = bad.add_field_violations();
    violation->set_field(*field);
    // The same words: a status of ours is about one field at a time.
    violation->set_description(rich.message());
    rich.add_details()->PackFrom(bad);
  }
  if (const std::optional<absl::Duration> delay = RetryDelay(status); delay.has_value()) {
    google::rpc::RetryInfo retry;
    const int64_t milliseconds = absl::ToInt64Milliseconds(*delay);
    retry.mutable_retry_delay()->set_seconds(milliseconds / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(milliseconds % 1000) * 1000000);
    rich.add_details()->PackFrom(retry);
  }
  // grpc++ sends the third argument as grpc-status-details-bin, which is where google.rpc clients
  // of all languages look for it.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), rich.message(),
                      rich.SerializeAsString());
}

}  // namespace muster::server
