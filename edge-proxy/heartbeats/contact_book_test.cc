#include "edge-proxy/heartbeats/contact_book.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "edge-proxy/heartbeats/device_table.h"

namespace muster::edge {
namespace {

constexpr DeviceId kDevice{5};
const absl::Time kNow = absl::FromUnixMillis(1'790'000'000'300);

ConnectionFacts Connection() {
  return {.tls_version = "TLSv1.2",
          .tls_cipher = "ECDHE-ECDSA-AES128-GCM-SHA256",
          .tls_group = "x25519",
          .tls_resumed = true,
          .source_address = std::string("\x0a\x00\x00\x01", 4)};
}

TEST(ContactBookTest, ARouterThatWasNotHeardHasNothing) {
  const ContactBook book;
  EXPECT_TRUE(book.Find(kDevice).contacts.empty());
}

TEST(ContactBookTest, KeepsWhatWasSaidAndHowItCame) {
  ContactBook book;
  book.Add(kDevice, {ContactKind::kCheckIn, kNow, 200, "0"}, Connection());
  book.Add(kDevice, {ContactKind::kRefused, kNow + absl::Seconds(30), 401, "revoked token"},
           Connection());
  const Contacts found = book.Find(kDevice);
  ASSERT_EQ(found.contacts.size(), 2u);
  EXPECT_EQ(found.contacts[0].kind, ContactKind::kRefused);
  EXPECT_EQ(found.contacts[0].http_status, 401);
  EXPECT_EQ(found.contacts[0].reason, "revoked token");
  EXPECT_EQ(found.contacts[0].time, kNow + absl::Seconds(30));
  EXPECT_EQ(found.contacts[1].kind, ContactKind::kCheckIn);
  EXPECT_EQ(found.contacts[1].time, kNow);
  EXPECT_EQ(found.connection.tls_version, "TLSv1.2");
  EXPECT_EQ(found.connection.tls_cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(found.connection.tls_group, "x25519");
  EXPECT_TRUE(found.connection.tls_resumed);
  EXPECT_EQ(found.connection.source_address, Connection().source_address);
}

TEST(ContactBookTest, TheLastTwentyStay) {
  ContactBook book;
  for (int i = 0; i < 50; ++i) {
    book.Add(kDevice, {ContactKind::kCheckIn, kNow + absl::Seconds(i), 200, "0"}, Connection());
  }
  const Contacts found = book.Find(kDevice);
  ASSERT_EQ(found.contacts.size(), kMostContacts);
  EXPECT_EQ(found.contacts.front().time, kNow + absl::Seconds(49));
  EXPECT_EQ(found.contacts.back().time, kNow + absl::Seconds(30));
}

TEST(ContactBookTest, TooManyDifferentReasonsBecomeOther) {
  ContactBook book;
  for (int i = 0; i < 400; ++i) {
    book.Add(DeviceId{static_cast<uint64_t>(i + 1)},
             {ContactKind::kRefused, kNow, 400, absl::StrCat("reason ", i)}, Connection());
  }
  EXPECT_EQ(book.Find(DeviceId{1}).contacts[0].reason, "reason 0");
  EXPECT_EQ(book.Find(DeviceId{400}).contacts[0].reason, "other");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ContactBookTest, ADeviceTakesLessThan512BytesOfTheEdgeInAll) {
  // Just above a doubling of the hash tables, where they are emptiest.
  constexpr uint64_t kDevices = (uint64_t{1} << 16) * 7 / 8 + 1'000;
  const auto offer = std::make_shared<const AgentOffer>();
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  DeviceTable devices;
  ContactBook book;
  for (uint64_t id = 1; id <= kDevices; ++id) {
    devices.Put({.device = DeviceId{id}, .secret_check = std::string(16, 's'), .offer = offer});
    book.Add(DeviceId{id}, {ContactKind::kCheckIn, kNow, 200, "0"}, Connection());
  }
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  EXPECT_LT((after - before) / kDevices, 512u);
}
#endif

}  // namespace
}  // namespace muster::edge
