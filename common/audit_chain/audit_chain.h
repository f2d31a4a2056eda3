// The hash that chains the entries of the audit: each covers the one before it, so that nothing can
// be changed, left out or put in without all later hashes changing.
//
// BLAKE2b-256 over: hash before (32 bytes; nothing for the first entry) | sequence | time_us |
// organization | log index, 8 bytes each, little-endian | actor | method | resource | summary |
// request id, each as length (4 bytes, little-endian) and bytes.
//
// In a room of its own, because musterd writes the chain and the command line checks it: both must
// mean the same bytes, so the layout never changes.
// Threads:  pure functions.
// Example:  audit_chain_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// The views must outlive the call only.
struct ChainedEntry {
  uint64_t sequence = 0;
  int64_t time_us = 0;
  uint64_t organization = 0;
  uint64_t log_index = 0;
  absl::string_view actor;
  absl::string_view method;
  absl::string_view resource;
  absl::string_view summary;
  absl::string_view request_id;
};

std::string ChainHash(absl::string_view hash_before, const ChainedEntry& entry);

// Follows a chain, oldest entry first.
class ChainCheck {
 public:
  // An entry with something wrong is not taken: the next one is compared with the last good one.
  // Takes the next entry. `hash_before` and `hash` are what is written beside it. The first one may
  // stand anywhere in the chain; entries may be missing between two only where `gaps_allowed`.
  // Answers what is wrong, nullopt where nothing is.
  std::optional<std::string> Take(const ChainedEntry& entry, absl::string_view hash_before,
                                  absl::string_view hash, bool gaps_allowed);

  uint64_t count() const { return count_; }
  uint64_t last_sequence() const { return sequence_; }
  const std::string& last_hash() const { return hash_; }

 private:
  uint64_t count_ = 0;
  uint64_t sequence_ = 0;
  std::string hash_;
};

}  // namespace muster
