#include "server/claims/network.h"

#include "gtest/gtest.h"

namespace muster::server {
namespace {

TEST(NetworkTest, HoldsItsOwnAddressesAndNoOthers) {
  const Network v4 = *ParseNetwork("203.0.113.128/25");
  EXPECT_TRUE(Contains(v4, absl::string_view("\xcb\x00\x71\x80", 4)));
  EXPECT_FALSE(Contains(v4, absl::string_view("\xcb\x00\x71\x7f", 4)));
  EXPECT_TRUE(Contains(v4, absl::string_view("\xcb\x00\x71\xff", 4)));
  const Network v6 = *ParseNetwork("2001:db8::/33");
  EXPECT_TRUE(Contains(v6, absl::string_view("\x20\x01\x0d\xb8\x7f\0\0\0\0\0\0\0\0\0\0\x01", 16)));
  EXPECT_FALSE(Contains(v6, absl::string_view("\x20\x01\x0d\xb8\x80\0\0\0\0\0\0\0\0\0\0\x01", 16)));
}

TEST(NetworkTest, AddressAloneIsANetworkOfOne) {
  const Network one = *ParseNetwork("192.0.2.1");
  EXPECT_EQ(one.prefix_bits, 32u);
  EXPECT_TRUE(Contains(one, absl::string_view("\xc0\x00\x02\x01", 4)));
  EXPECT_FALSE(Contains(one, absl::string_view("\xc0\x00\x02\x02", 4)));
}

TEST(NetworkTest, MappedAddressCountsAsIpv4) {
  const Network v4 = *ParseNetwork("192.0.2.0/24");
  EXPECT_TRUE(Contains(v4, absl::string_view("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x05", 16)));
  EXPECT_FALSE(Contains(v4, absl::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\xc0\x00\x02\x05", 16)));
}

TEST(NetworkTest, EverythingIsInsideOfPrefixZero) {
  EXPECT_TRUE(Contains(*ParseNetwork("0.0.0.0/0"), absl::string_view("\xff\x00\x02\x05", 4)));
  EXPECT_FALSE(Contains(*ParseNetwork("0.0.0.0/0"), ""));
}

TEST(NetworkTest, RefusesWhatIsNoNetwork) {
  for (const char* text : {"", "/", "x", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/",
                           "2001:db8::/129", "192.0.2.0/-1", "192.0.2.0/24/1", "192.0.2"}) {
    EXPECT_EQ(ParseNetwork(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace muster::server
