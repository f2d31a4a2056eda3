// The roots that routers trust, as the state keeps them: which one edges show, which ones text for
// routers pins, and their keys.
//
// A mark is how routers name a root that they hold: the first 8 hex digits of its SHA-256.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; state and master key must outlive this object.
// Blocks:   each call reads the state's table, a handful of rows.
// Errors:   DataLoss where a key can't be opened or a certificate not be read.
// Example:  certificate_issuer_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "server/pki/cluster_keys.h"
#include "server/state/state.h"

namespace muster::server {

class RouterRoots {
 public:
  // `cluster_id` has 16 bytes.
  RouterRoots(const State& state, const Secret& master, std::string cluster_id)
      : state_(state), master_(master), cluster_id_(std::move(cluster_id)) {}

  // The one that the certificates of edges end in, with its key.
  absl::StatusOr<Authority> Active() const;
  // Its fingerprint, 64 lower-case hex digits.
  absl::StatusOr<std::string> ActiveSha256() const;

 private:
  const State& state_;
  const Secret& master_;
  const std::string cluster_id_;
};

// PEM of those that text for routers pins, the active one first.
std::vector<std::string> TrustedRootPems(const State& state);
// Their marks as a router that holds them all reports them: ascending, with commas between.
absl::StatusOr<std::string> TrustedRootMarks(const State& state);
// Of a fingerprint.
std::string RootMark(absl::string_view sha256);
// True where `mark` stands in what a router reports.
bool HoldsRoot(absl::string_view reported, absl::string_view mark);

// A new root for routers, numbered, good for 30 years and not before 1970-01-01. Its name differs
// from the others', so that nobody takes the one's key for the other's.
absl::StatusOr<Authority> GenerateRouterRoot(absl::string_view cluster_id, uint32_t number,
                                             absl::Time now);
// Sealed for its place: none opens as another.
absl::StatusOr<std::string> SealRouterRootKey(const Secret& master, absl::string_view cluster_id,
                                              uint32_t number, const PrivateKey& key);

}  // namespace muster::server
