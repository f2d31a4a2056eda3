#include "server/claims/network.h"

#include <arpa/inet.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/text/clean.h"

namespace muster::server {
namespace {

// With its length: the text begins with zeros.
constexpr absl::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

std::string AddressBytes(absl::string_view text) {
  char bytes[16];
  // inet_pton wants an end mark.
  const std::string copy(text);
  if (inet_pton(AF_INET, copy.c_str(), bytes) == 1) return std::string(bytes, 4);
  if (inet_pton(AF_INET6, copy.c_str(), bytes) == 1) return std::string(bytes, 16);
  return "";
}

bool SamePrefix(absl::string_view a, absl::string_view b, uint32_t bits) {
  const size_t bytes = bits / 8;
  if (a.substr(0, bytes) != b.substr(0, bytes)) return false;
  const uint32_t rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return ((static_cast<unsigned char>(a[bytes]) ^ static_cast<unsigned char>(b[bytes])) & mask) ==
         0;
}

}  // namespace

absl::StatusOr<Network> ParseNetwork(absl::string_view text) {
  const size_t slash = text.find('/');
  Network network;
  network.address = AddressBytes(text.substr(0, slash));
  network.prefix_bits = static_cast<uint32_t>(network.address.size()) * 8;
  bool valid = !network.address.empty();
  if (valid && slash != absl::string_view::npos) {
    uint32_t bits = 0;
    valid = absl::SimpleAtoi(text.substr(slash + 1), &bits) && bits <= network.prefix_bits;
    network.prefix_bits = bits;
  }
  if (!valid || !IsAligned(network)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", CleanText(text),
                     "\" must be an address or a network such as 203.0.113.0/24, with nothing set "
                     "behind the prefix"));
  }
  return network;
}

bool IsAligned(const Network& network) {
  for (size_t bit = network.prefix_bits; bit < network.address.size() * 8; ++bit) {
    if ((static_cast<unsigned char>(network.address[bit / 8]) >> (7 - bit % 8) & 1) != 0) {
      return false;
    }
  }
  return true;
}

bool Contains(const Network& network, absl::string_view address) {
  // A socket that takes both families gives IPv4 addresses in this form.
  if (network.address.size() == 4 && address.size() == 16) absl::ConsumePrefix(&address, kMapped);
  return address.size() == network.address.size() &&
         SamePrefix(network.address, address, network.prefix_bits);
}

}  // namespace muster::server
