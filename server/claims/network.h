// Address ranges that a claim may be limited to.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument names the text and what was expected.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

struct Network {
  // 4 or 16 bytes, without the bits behind the prefix.
  std::string address;
  uint32_t prefix_bits = 0;
};

// "203.0.113.0/24", "2001:db8::/32", or an address alone.
// Strict about bits behind the prefix: "203.0.113.7/24" is a mistake as often as it is meant.
absl::StatusOr<Network> ParseNetwork(absl::string_view text);

// `address` has 4 or 16 bytes; ::ffff:a.b.c.d counts as a.b.c.d.
bool Contains(const Network& network, absl::string_view address);

// True for a network without bits set behind its prefix; such text is refused by ParseNetwork.
bool IsAligned(const Network& network);

}  // namespace muster::server
