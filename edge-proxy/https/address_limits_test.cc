#include "edge-proxy/https/address_limits.h"

#include <gtest/gtest.h>

#include <string>

namespace muster::edge {
namespace {

using Verdict = AddressLimits::Verdict;

class AddressLimitsTest : public testing::Test {
 protected:
  AddressLimitsTest()
      : limits_({.connections = 6,
                 .reserved = 0,
                 .connections_per_address = 2,
                 .handshake_burst = 5,
                 .handshakes_per_second = 1,
                 .polite = 1}) {}
  Verdict Open(absl::string_view address) { return limits_.Open(address, now_); }

  AddressLimits limits_;
  absl::Duration now_ = absl::Seconds(100);
  const std::string first_ = std::string("\x0a\x00\x00\x01", 4);
  const std::string second_ = std::string("\x0a\x00\x00\x02", 4);
};

TEST_F(AddressLimitsTest, TellsTheFirstTooManyAndDropsTheRest) {
  EXPECT_EQ(Open(first_), Verdict::kServe);
  EXPECT_EQ(Open(first_), Verdict::kServe);
  EXPECT_EQ(Open(first_), Verdict::kTooManyFromAddress);
  EXPECT_EQ(Open(first_), Verdict::kDrop);
  EXPECT_EQ(Open(second_), Verdict::kServe);
  limits_.Close(first_, false);
  limits_.Close(first_, false);
  EXPECT_EQ(Open(first_), Verdict::kServe);
}

TEST_F(AddressLimitsTest, ProvenConnectionsDoNotCountAgainstTheirAddress) {
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(Open(first_), Verdict::kServe) << i;
    limits_.Prove(first_);
  }
  EXPECT_EQ(Open(first_), Verdict::kFull);
  EXPECT_EQ(Open(first_), Verdict::kDrop);
  for (int i = 0; i < 6; ++i) limits_.Close(first_, true);
  EXPECT_EQ(Open(first_), Verdict::kServe);
}

TEST_F(AddressLimitsTest, ADeviceHasItsOwnFewConnections) {
  AddressLimits limits({.connections_per_device = 2});
  EXPECT_TRUE(limits.AddDevice(DeviceId{5}));
  EXPECT_TRUE(limits.AddDevice(DeviceId{5}));
  EXPECT_FALSE(limits.AddDevice(DeviceId{5}));
  EXPECT_TRUE(limits.AddDevice(DeviceId{6}));
  limits.RemoveDevice(DeviceId{5});
  EXPECT_TRUE(limits.AddDevice(DeviceId{5}));
  EXPECT_FALSE(limits.AddDevice(DeviceId{5}));
}

TEST_F(AddressLimitsTest, HandshakesOfAnAddressAreRationed) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Open(first_), Verdict::kServe) << i;
    limits_.Close(first_, false);
  }
  EXPECT_EQ(Open(first_), Verdict::kDrop);
  EXPECT_EQ(Open(second_), Verdict::kServe);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Open(first_), Verdict::kServe);
}

TEST_F(AddressLimitsTest, ANetworkOfIpv6IsOneAddress) {
  std::string one(16, '\x20'), other(16, '\x20');
  other[15] = 1;
  EXPECT_EQ(Open(one), Verdict::kServe);
  EXPECT_EQ(Open(other), Verdict::kServe);
  EXPECT_EQ(Open(one), Verdict::kTooManyFromAddress);
  other[7] = 1;
  EXPECT_EQ(Open(other), Verdict::kServe);
}

TEST_F(AddressLimitsTest, ASlowAddressIsKnownForAnHour) {
  const std::string router = "\x0a\x01\x02\x03";
  EXPECT_FALSE(limits_.IsSlow(router));
  limits_.NoteSlow(router, absl::Seconds(10));
  limits_.Prune(absl::Minutes(59));
  EXPECT_TRUE(limits_.IsSlow(router));
  EXPECT_FALSE(limits_.IsSlow("\x0a\x01\x02\x04"));
  limits_.Prune(absl::Minutes(61));
  EXPECT_FALSE(limits_.IsSlow(router));
}

TEST_F(AddressLimitsTest, OneSiteDoesNotFillTheListOfSlowAddresses) {
  std::string address(16, '\x20');
  const auto network = [&address](int site, int number) {
    address[5] = static_cast<char>(site);
    address[6] = static_cast<char>(number >> 8);
    address[7] = static_cast<char>(number);
    return address;
  };
  for (int i = 0; i < 5'000; ++i) limits_.NoteSlow(network(1, i), now_);
  EXPECT_TRUE(limits_.IsSlow(network(1, 0)));
  EXPECT_FALSE(limits_.IsSlow(network(1, 4'999)));
  limits_.NoteSlow(network(2, 7), now_);
  EXPECT_TRUE(limits_.IsSlow(network(2, 7)));
  limits_.NoteSlow(first_, now_);
  EXPECT_TRUE(limits_.IsSlow(first_));
}

TEST(AddressReserveTest, KnownRoutersGetInWhereStrangersFilledTheRest) {
  AddressLimits limits({.connections = 6, .reserved = 2, .polite = 1});
  absl::Duration now = absl::Seconds(100);
  const std::string router("\x0a\x00\x00\x01", 4);
  ASSERT_EQ(limits.Open(router, now), Verdict::kServe);
  limits.Prove(router);
  limits.Close(router, true);
  const auto stranger = [](char i) { return std::string("\x0b\x00\x00", 3) + i; };
  for (char i = 1; i <= 4; ++i) EXPECT_EQ(limits.Open(stranger(i), now), Verdict::kServe);
  EXPECT_EQ(limits.Open(stranger(5), now), Verdict::kFull);
  EXPECT_EQ(limits.Open(stranger(6), now), Verdict::kDrop);
  EXPECT_EQ(limits.Open(router, now), Verdict::kServe);
  limits.Close(router, false);
  limits.Prune(now + absl::Minutes(61));
  EXPECT_EQ(limits.Open(router, now + absl::Minutes(61)), Verdict::kDrop) << "it is forgotten";
}

TEST_F(AddressLimitsTest, ForgetsQuietAddresses) {
  Open(first_);
  Open(second_);
  limits_.Close(first_, false);
  limits_.Prune(now_);
  EXPECT_EQ(limits_.addresses(), 2u);
  limits_.Prune(now_ + absl::Seconds(10));
  EXPECT_EQ(limits_.addresses(), 1u);
}

}  // namespace
}  // namespace muster::edge
