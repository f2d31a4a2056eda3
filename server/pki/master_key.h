// The master keys: 32 bytes each, in a file outside of the data directory. Under the first one
// every secret in the state of an installation is sealed, for ever. A cluster gets another one with
// each node that is removed; the newest seals what leaves a node: entries of the log, reports,
// snapshots, backups.
//
// Text:     64 hex digits a line, the oldest first.
// Threads:  pure functions.
// Errors:   FailedPrecondition for a file that others can read, or that holds no key.
// Example:  tests/edges/installation_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::server {

// The blob of the state that proves a master key: the cluster root's key, sealed.
inline constexpr absl::string_view kClusterRootKey = "pki/cluster-root-key";

// `named`, or where that is empty DATA_DIR.master-key: beside the data directory and not in it, so
// that a copy of the data alone opens nothing.
std::string MasterKeyFile(absl::string_view data_dir, absl::string_view named);

// The first one. NotFound where the file is absent.
absl::StatusOr<Secret> ReadMasterKey(const std::string& path);
// All, the oldest first, at least one.
absl::StatusOr<std::vector<Secret>> ReadMasterKeys(const std::string& path);

// Ok where the file has the key of this generation (the first has 0); else FailedPrecondition, with
// what to do.
absl::Status CheckHasGeneration(const std::string& path, const std::vector<Secret>& keys,
                                uint32_t generation);

// Adds the key of this generation (the first has 0) at the end of the file, on the disk when it
// answers. Ok also where it stands there already. FailedPrecondition where the file can't be
// written, does not end with the generation before, or has another key in this place.
absl::Status AddMasterKey(const std::string& path, uint32_t generation, const Secret& key);

// What the file holds for these keys.
Secret FormatMasterKeys(const std::vector<Secret>& keys);

// A new key in a new file; AlreadyExists where there is one: a key is never overwritten.
absl::StatusOr<Secret> MakeMasterKey(const std::string& path);

// Ok where it is the key of the installation that this blob is of; else DataLoss.
absl::Status ProveMasterKey(const Secret& master, absl::string_view cluster_id,
                            absl::string_view sealed_cluster_root_key);

}  // namespace muster::server
