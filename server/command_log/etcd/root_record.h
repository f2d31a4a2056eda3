// The cluster root in etcd, sealed: with etcd and the master key alone a new node can make itself a
// certificate, and knows the other nodes by theirs.
//
// Threads:  safe from any thread.
// Blocks:   as Etcd's calls.
// Errors:   as Etcd's. ReadClusterRoot: NotFound where no node has kept one yet, DataLoss for
//           what no node wrote.
// Example:  root_record_test.cc.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/internal/v1/cluster_root.pb.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"

namespace muster::server {

using internal::v1::ClusterRoot;

// Writes it where etcd has none, or another one. Repeating is harmless.
absl::Status KeepClusterRoot(Etcd& etcd, const EtcdLogOptions& options, const ClusterRoot& root);

absl::StatusOr<ClusterRoot> ReadClusterRoot(Etcd& etcd, const EtcdLogOptions& options);

}  // namespace muster::server
