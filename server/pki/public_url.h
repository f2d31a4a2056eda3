// The URL that routers are told to call.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument names the text and what was expected.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

struct PublicUrl {
  // A DNS name in lower case, an IPv4 address, or an IPv6 address without brackets.
  std::string host;
  bool host_is_address = false;
  uint16_t port = 443;
};

// "https://HOST[:PORT]", without a path; IPv6 in brackets.
absl::StatusOr<PublicUrl> ParsePublicUrl(absl::string_view url);

// True for letters, digits, '-' and '.' in labels of 1 to 63 bytes, at most 253 in all.
bool IsDnsName(absl::string_view text);
// True for an IPv4 or IPv6 address.
bool IsAddress(absl::string_view text);

}  // namespace muster::server
