#include "tests/support/free_port.h"

#include <fstream>
#include <set>

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(FreePort, IsToldToOneOnlyAndIsNoneOfOutgoingConnections) {
  int first = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first;
  std::set<int> ports;
  for (int i = 0; i < 300; ++i) ports.insert(FreePort());
  EXPECT_EQ(ports.size(), 300u);
  EXPECT_GE(*ports.begin(), 10000);
  if (first > 11000) {
    EXPECT_LT(*ports.rbegin(), first);
  }
}

}  // namespace
}  // namespace muster
