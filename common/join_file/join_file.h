// The file that `muster edge create` prints and `muster-edge --join-file` reads.
//
// Text:     lines "Name: value" in this order, an empty line, then three PEM blocks:
//             Muster-Join: 1
//             Edge: <edge id, a slug>
//             Cluster: <32 lower-case hex digits>
//             Control: <HOST:PORT, a hint for --control; the line is absent where none is known>
//             Expires: <RFC 3339, UTC>
//             Token: <one-use join token, 64 lower-case hex digits>
//           CERTIFICATE (cluster root, what the edge trusts as control plane),
//           CERTIFICATE (client certificate of role join), PRIVATE KEY (of the latter, PKCS#8).
//           Lines that begin with '#' and names that are not known are skipped.
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument names what is missing, never a value.
// Example:  join_file_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"

namespace muster {

struct JoinFile {
  std::string edge_id;
  // 32 lower-case hex digits.
  std::string cluster;
  // "" where none is known.
  std::string control;
  absl::Time expires;
  Secret token;
  std::string cluster_root_pem;
  std::string certificate_pem;
  Secret private_key_pem;
};

Secret FormatJoinFile(const JoinFile& file);

absl::StatusOr<JoinFile> ParseJoinFile(absl::string_view text);

}  // namespace muster
