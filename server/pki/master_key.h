// The master key: 32 bytes in a file outside of the data directory, under which every secret of an
// installation is sealed.
//
// Threads:  pure functions.
// Errors:   FailedPrecondition for a file that others can read, or that holds no key.
// Example:  tests/edges/installation_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::server {

// The blob of the state that proves a master key: the cluster root's key, sealed.
inline constexpr absl::string_view kClusterRootKey = "pki/cluster-root-key";

// `named`, or where that is empty DATA_DIR.master-key: beside the data directory and not in it, so
// that a copy of the data alone opens nothing.
std::string MasterKeyFile(absl::string_view data_dir, absl::string_view named);

// NotFound where the file is absent.
absl::StatusOr<Secret> ReadMasterKey(const std::string& path);

// A new key in a new file; AlreadyExists where there is one: a key is never overwritten.
absl::StatusOr<Secret> MakeMasterKey(const std::string& path);

// Ok where it is the key of the installation that this blob is of; else DataLoss.
absl::Status ProveMasterKey(const Secret& master, absl::string_view cluster_id,
                            absl::string_view sealed_cluster_root_key);

}  // namespace muster::server
