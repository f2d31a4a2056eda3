#include "cli/connection/node_list.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace muster::cli {
namespace {

struct Address {
  std::string host;
  std::string port;
  bool is_ipv6 = false;
};

// The first IPv4 address, else the first of the others.
std::optional<Address> Resolve(absl::string_view server) {
  const size_t colon = server.rfind(':');
  std::string host(server.substr(0, colon));
  if (absl::StartsWith(host, "[")) host = host.substr(1, host.size() - 2);
  const std::string port(server.substr(colon + 1));
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0) return std::nullopt;
  std::optional<Address> best;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0) {
      continue;
    }
    const bool is_ipv6 = one->ai_family == AF_INET6;
    if (best.has_value() && (is_ipv6 || !best->is_ipv6)) continue;
    best = Address{text.data(), port, is_ipv6};
  }
  freeaddrinfo(found);
  return best;
}

}  // namespace

absl::StatusOr<std::string> TargetOf(absl::string_view servers) {
  std::vector<Address> addresses;
  for (const absl::string_view server : absl::StrSplit(servers, ',')) {
    // A name that the resolver has lost must not take the others along.
    std::optional<Address> address = Resolve(server);
    if (address.has_value()) addresses.push_back(*std::move(address));
  }
  if (addresses.empty()) {
    return absl::UnavailableError(absl::StrCat("none of ", servers, " has an address"));
  }
  std::shuffle(addresses.begin(), addresses.end(), std::mt19937(std::random_device{}()));
  const bool any_ipv6 = std::any_of(addresses.begin(), addresses.end(),
                                    [](const Address& address) { return address.is_ipv6; });
  std::vector<std::string> parts;
  for (const Address& address : addresses) {
    const std::string host = !any_ipv6         ? address.host
                             : address.is_ipv6 ? absl::StrCat("[", address.host, "]")
                                               : absl::StrCat("[::ffff:", address.host, "]");
    parts.push_back(absl::StrCat(host, ":", address.port));
  }
  return absl::StrCat(any_ipv6 ? "ipv6:" : "ipv4:", absl::StrJoin(parts, ","));
}

}  // namespace muster::cli
