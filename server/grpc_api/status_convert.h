// The one way from a Status to what goes over the wire: code, message and google.rpc details
// (ErrorInfo always; BadRequest and RetryInfo where the status has a field or a delay), as
// google.rpc.Status in grpc-status-details-bin.
//
// Threads:  pure functions.
// Example:  status_convert_test.cc.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace muster::server {

// The messages of Internal and Unknown stay in the log: they may hold paths and SQL. Unavailable
// and ResourceExhausted always get a delay, 1 s where the status names none, so that a client never
// has to guess one.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace muster::server
