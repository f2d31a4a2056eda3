// What gRPC says, in words. Details are shown where they tell a person something: ErrorInfo is for
// programs and is left out.
#include "cli/connection/rpc_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace muster::cli {
namespace {

// Any of them may come from another server or a later one, so all five of google.rpc that hold text
// are read, though musterd sends two.
void AppendDetail(const google::protobuf::Any& detail, std::string* message) {
  google::rpc::BadRequest bad_request;
  google::rpc::RetryInfo retry;
  google::rpc::PreconditionFailure precondition;
  google::rpc::QuotaFailure quota;
  google::rpc::Help help;
  if (detail.UnpackTo(&bad_request)) {
    for (const auto& violation : bad_request.field_violations()) {
      // Where the one violation is the message, once is enough.
      if (absl::StrContains(*message, violation.description())) continue;
      absl::StrAppend(message, "\n  ", violation.field(), ": ", violation.description());
    }
  } else if (detail.UnpackTo(&retry)) {
    const absl::Duration wait = absl::Seconds(retry.retry_delay().seconds()) +
                                absl::Nanoseconds(retry.retry_delay().nanos());
    absl::StrAppend(message, "\n  try again in ", absl::FormatDuration(wait));
  } else if (detail.UnpackTo(&precondition)) {
    for (const auto& violation : precondition.violations()) {
      absl::StrAppend(message, "\n  ", violation.subject(), ": ", violation.description());
    }
  } else if (detail.UnpackTo(&quota)) {
    for (const auto& violation : quota.violations()) {
      absl::StrAppend(message, "\n  ", violation.subject(), ": ", violation.description());
    }
  } else if (detail.UnpackTo(&help)) {
    for (const auto& link : help.links()) {
      absl::StrAppend(message, "\n  ", link.description(), ": ", link.url());
    }
  }
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string message = status.error_message();
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    for (const auto& detail : details.details()) AppendDetail(detail, &message);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
}

// By gRPC's texts, since it has no code for it: Unavailable is also what a server answers that was
// reached. A text that changes in a later gRPC makes the message less exact, not wrong.
bool NeverReached(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         (absl::StrContains(status.error_message(), "failed to connect") ||
          absl::StrContains(status.error_message(), "DNS resolution") || IsTlsFailure(status));
}

bool IsTlsFailure(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return false;
  // Of gRPC 1.51 and of BoringSSL or OpenSSL below it; the last is a server that speaks HTTP/1, a
  // proxy mostly.
  for (const absl::string_view sign :
       {"handshake failed", "Handshake failed", "CERTIFICATE_VERIFY_FAILED", "Peer name",
        "peer certificate", "WRONG_VERSION_NUMBER", "Trying to connect an http1.x server"}) {
    if (absl::StrContains(status.error_message(), sign)) return true;
  }
  return false;
}

}  // namespace muster::cli
