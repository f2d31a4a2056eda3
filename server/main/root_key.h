// The root API key: made at the first start, kept in a file for the operator.
//
// Threads:  pure functions.
// Errors:   FailedPrecondition for a file that others can read or that holds no key.
// Example:  daemon.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "muster/internal/v1/commands.pb.h"

namespace muster::server {

// Writes the key's text to `path` (0600) and answers what the state keeps of it. Where the file is
// there already (a first start that died), its key is used.
// So a first start that died leaves one key, not two.
absl::StatusOr<internal::v1::CreateApiKey> MakeRootKey(const std::string& path);

// Removes what MakeRootKey wrote where another node's first start came first: its key is the
// cluster's, and this one opens nothing.
void DropRootKey(const std::string& path);

}  // namespace muster::server
