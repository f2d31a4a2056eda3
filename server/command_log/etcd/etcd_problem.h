// What etcd's errors mean, for people: which setting or file to look at.
//
// Threads:  pure functions.
// Blocks:   some seconds at most; asks the members why a handshake fails, each by itself.
// Example:  tests/end_to_end/test_cluster_refusals.py.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/command_log/etcd/grpc_etcd.h"

namespace muster::server {

// FailedPrecondition: etcd refuses this client, or can't be reached, and why.
absl::Status TellEtcdProblem(const absl::Status& status, const EtcdTerms& terms);

// Why the members that can't be talked to can't; empty: nothing is known beyond the error itself.
std::string ExplainEtcdConnection(const EtcdTerms& terms);

}  // namespace muster::server
