// The file that lets a machine join a cluster as a node: `muster cluster join-token` prints it,
// `musterd --join FILE` reads it.
//
// Text:     remarks ('#'), then "-----BEGIN MUSTER NODE JOIN-----", base64 in lines, and the same
//           with END. The bytes: BLAKE2b-256 of the rest (against damage), then an
//           internal.v1.NodeJoinFile. What is secret for ever in it is sealed under a key that the
//           cluster gives out once.
// Threads:  pure functions.
// Errors:   InvalidArgument for what is no such file, or damaged; DataLoss where the sealed part
//           does not open. Never a value.
// Example:  node_join_file_test.cc.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/node_join.pb.h"

namespace muster::server {

// Fills in `sealed`; all else must stand in `file` already.
void SealNodeJoin(const Secret& key, const internal::v1::NodeJoinSecrets& secrets,
                  internal::v1::NodeJoinFile& file);
absl::StatusOr<internal::v1::NodeJoinSecrets> OpenNodeJoin(const Secret& key,
                                                           const internal::v1::NodeJoinFile& file);

Secret FormatNodeJoinFile(const internal::v1::NodeJoinFile& file);
absl::StatusOr<internal::v1::NodeJoinFile> ParseNodeJoinFile(absl::string_view text);

}  // namespace muster::server
