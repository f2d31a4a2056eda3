// A ring of 20 calls a router, packed: 160 bytes for each of up to 2 million routers have to stay
// below what else a device costs the edge.
#include "edge-proxy/heartbeats/contact_book.h"

#include <algorithm>
#include <cstring>

#include "edge-proxy/heartbeats/metrics.h"

namespace muster::edge {
namespace {

// 2020-01-01; 32 bits of tenths from there reach to 2033.
constexpr int64_t kEpochSeconds = 1'577'836'800;
constexpr size_t kMostNames = 256;
// Kind and status share a byte: 3 bits and 5.
constexpr uint8_t kStatusBits = 5;
static_assert(Metrics::kStatuses.size() <= 1 << kStatusBits);

// Wraps beyond the range; times before 2020 only come from a machine with a wrong clock.
uint32_t TenthsOf(absl::Time time) {
  return static_cast<uint32_t>(absl::ToUnixMillis(time) / 100 - kEpochSeconds * 10);
}

uint8_t IndexOfStatus(int status) {
  const auto& all = Metrics::kStatuses;
  const auto* found = std::find(all.begin(), all.end(), status);
  if (found == all.end()) found = std::find(all.begin(), all.end(), 500);
  return static_cast<uint8_t>(found - all.begin());
}

}  // namespace

uint8_t ContactBook::Number(absl::string_view name) {
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  // Full: 0 is "other", which the constructor puts there.
  if (names_.size() >= kMostNames) return 0;
  const auto number = static_cast<uint8_t>(names_.size());
  names_.emplace_back(name);
  numbers_.emplace(name, number);
  return number;
}

void ContactBook::Add(DeviceId device, const Contact& contact, const ConnectionFacts& connection) {
  MutexLock lock(mutex_);
  auto found = rows_.find(device);
  if (found == rows_.end()) {
    // Older rows stay: they are of routers that somebody may ask about, and dropping one for a new
    // one would let a flood of new devices empty the book.
    if (rows_.size() >= kMostRouters) return;
    found = rows_.emplace(device, std::make_unique<Row>()).first;
  }
  Row& row = *found->second;
  row.tenths[row.next] = TenthsOf(contact.time);
  row.kind_and_status[row.next] = static_cast<uint8_t>(
      static_cast<uint8_t>(contact.kind) << kStatusBits | IndexOfStatus(contact.http_status));
  row.reason[row.next] = Number(contact.reason);
  row.next = static_cast<uint8_t>((row.next + 1) % kMostContacts);
  row.count = static_cast<uint8_t>(std::min<size_t>(row.count + 1, kMostContacts));
  row.tls_version = Number(connection.tls_version);
  row.tls_cipher = Number(connection.tls_cipher);
  row.tls_group = Number(connection.tls_group);
  row.tls_resumed = connection.tls_resumed;
  // 4 or 16; more can't come.
  const size_t bytes = std::min(connection.source_address.size(), row.address.size());
  row.address_bytes = static_cast<uint8_t>(bytes);
  std::memcpy(row.address.data(), connection.source_address.data(), bytes);
}

Contact ContactBook::ContactAt(const Row& row, size_t place) const {
  const uint8_t packed = row.kind_and_status[place];
  return {static_cast<ContactKind>(packed >> kStatusBits),
          absl::FromUnixMillis((kEpochSeconds * 10 + row.tenths[place]) * 100),
          Metrics::kStatuses[packed & ((1 << kStatusBits) - 1)], names_[row.reason[place]]};
}

Contacts ContactBook::Find(DeviceId device) const {
  Contacts answer;
  MutexLock lock(mutex_);
  const auto found = rows_.find(device);
  if (found == rows_.end()) return answer;
  const Row& row = *found->second;
  for (size_t back = 1; back <= row.count; ++back) {
    answer.contacts.push_back(ContactAt(row, (row.next + kMostContacts - back) % kMostContacts));
  }
  answer.connection = {names_[row.tls_version], names_[row.tls_cipher], names_[row.tls_group],
                       row.tls_resumed, std::string(row.address.data(), row.address_bytes)};
  return answer;
}

size_t ContactBook::size() const {
  MutexLock lock(mutex_);
  return rows_.size();
}

}  // namespace muster::edge
