// What `edge create` makes: the join file for the operator, and what the state keeps of it.
//
// Threads:  pure functions; safe from any thread.
// Example:  certificate_issuer_test.cc, JoinFileCarriesWhatJoinNeeds.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "server/pki/certificate_issuer.h"

namespace muster::server {

// The join certificate lives as long.
constexpr absl::Duration kJoinTokenLifetime = absl::Hours(1);

struct JoinCredentials {
  // The text of the join file.
  Secret join_file;
  // For internal.v1.CreateEdge.
  std::string join_token_hash;
  std::string sealed_check_key;
};

// `control` is a hint for --control, "" where none is known.
absl::StatusOr<JoinCredentials> MakeJoinCredentials(const CertificateIssuer& issuer,
                                                    const Secret& master, absl::string_view edge_id,
                                                    absl::string_view control, absl::Time now);

// What the state knows a join token by.
std::string HashJoinToken(absl::string_view token);

// The edge's 32-byte key for secret checks, out of Edge::sealed_check_key.
absl::StatusOr<Secret> OpenCheckKey(const Secret& master, absl::string_view edge_id,
                                    absl::string_view sealed);

}  // namespace muster::server
