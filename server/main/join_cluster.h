// musterd --join FILE: makes this machine a node of the cluster that the file is of.
//
// Files:    the master key file; DATA/etcd/settings.toml and what it names (ca.pem, node.pem,
//           node.key, password), which later starts read where there is no --etcd.
// Threads:  called once, from main.
// Blocks:   until a node has answered, 10 s for each that does not.
// Errors:   FailedPrecondition and the like, with what to do; nothing is overwritten. What was
//           written by a join that failed at the end is named.
// Example:  tests/end_to_end/test_joining_nodes.py.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace muster::server {

struct JoinTerms {
  std::string join_file;
  std::string data_dir;
  // "": data_dir + ".master-key".
  std::string master_key_file;
};

absl::Status JoinCluster(const JoinTerms& terms);

// Where a node that joined keeps what it needs to reach etcd.
std::string EtcdSettingsFile(const std::string& data_dir);

}  // namespace muster::server
