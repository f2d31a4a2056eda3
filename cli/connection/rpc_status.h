// What a failed call says, in words for people: the server's message, each field violation, when to
// try again.
//
// Threads:  pure functions.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace muster::cli {

// The same code; the message gets one indented line for each google.rpc detail that people can use.
absl::Status FromGrpc(const grpc::Status& status);

// True where the server was never reached, so that nothing can have been changed.
bool NeverReached(const grpc::Status& status);

// True where trying again can't help: the TLS handshake failed for a reason of ours or theirs.
bool IsTlsFailure(const grpc::Status& status);

}  // namespace muster::cli
