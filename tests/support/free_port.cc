#include "tests/support/free_port.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <random>
#include <string>

namespace muster {
namespace {

constexpr int kLowest = 10000;
constexpr int kTries = 1000;

// The first port of outgoing connections: ip(7)'s default where the system doesn't say.
int FirstOutgoing() {
  int first = 32768;
  if (FILE* file = std::fopen("/proc/sys/net/ipv4/ip_local_port_range", "re")) {
    if (std::fscanf(file, "%d", &first) != 1) first = 32768;
    std::fclose(file);
  }
  return first > kLowest + kTries ? first : 65536;
}

// An abstract name of a Unix socket (unix(7)) belongs to one process and goes with it: the claim on
// a port, which tests in other languages know, too (tests/end_to_end/harness.py).
bool Claim(int port) {
  const std::string name = "muster-test-port-" + std::to_string(port);
  const int claim = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(claim, reinterpret_cast<sockaddr*>(&address), size) == 0) return true;
  close(claim);
  return false;
}

bool Unused(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool unused = bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(probe);
  return unused;
}

}  // namespace

int FreePort() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(kLowest, FirstOutgoing() - 1);
  for (int i = 0; i < kTries; ++i) {
    const int port = ports(random);
    if (Claim(port) && Unused(port)) return port;
  }
  return 0;
}

}  // namespace muster
