// Who may open a connection. Asked for each one by every loop, before OpenSSL makes anything of it:
// a handshake that is refused here costs next to nothing.
#include "edge-proxy/https/address_limits.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"

namespace muster::edge {
namespace {

constexpr size_t kIpv6Network = 8;
// A list of addresses that strangers can get onto, so it is bounded; an hour, since a link that is
// slow now is slow again soon.
constexpr size_t kMostSlow = 4'096;
// A site gets a /48: 65,536 networks that cost nothing.
constexpr size_t kIpv6Site = 6;
constexpr size_t kMostSlowOfSite = 64;
// A metered router comes every five minutes.
constexpr absl::Duration kKnownFor = absl::Hours(1);
constexpr size_t kMostKnown = 65'536;
constexpr absl::Duration kSlowFor = absl::Hours(1);

// An IPv6 user has a whole /64.
absl::string_view KeyOf(absl::string_view address) {
  return address.size() == 16 ? address.substr(0, kIpv6Network) : address;
}

}  // namespace

void AddressLimits::Refill(Row& row, absl::Duration now) const {
  const double seconds = absl::ToDoubleSeconds(now - row.refilled);
  row.handshakes =
      std::min(limits_.handshake_burst, row.handshakes + seconds * limits_.handshakes_per_second);
  row.refilled = now;
}

AddressLimits::Verdict AddressLimits::Open(absl::string_view address, absl::Duration now) {
  MutexLock lock(mutex_);
  now_ = now;
  const size_t most = known_.contains(KeyOf(address))
                          ? limits_.connections
                          : limits_.connections - std::min(limits_.connections, limits_.reserved);
  // Before a row is made: a flood over the limit costs no memory.
  if (open_ >= most + limits_.polite) return Verdict::kDrop;
  const auto [found, added] = rows_.try_emplace(KeyOf(address));
  Row& row = found->second;
  if (added) {
    // A new address begins with a full bucket: all routers behind it may come at once after an
    // outage.
    row.handshakes = limits_.handshake_burst;
    row.refilled = now;
  }
  Refill(row, now);
  if (row.handshakes < 1 || row.unproven >= limits_.connections_per_address + limits_.polite) {
    return Verdict::kDrop;
  }
  // Spent in any case, and given back by Prove.
  row.handshakes -= 1;
  ++row.unproven;
  ++open_;
  // kFull before kTooManyFromAddress: it is not this address's fault.
  if (open_ > most) return Verdict::kFull;
  return row.unproven > limits_.connections_per_address ? Verdict::kTooManyFromAddress
                                                        : Verdict::kServe;
}

void AddressLimits::Prove(absl::string_view address) {
  MutexLock lock(mutex_);
  const absl::string_view key = KeyOf(address);
  if (known_.size() < kMostKnown || known_.contains(key)) known_[key] = now_ + kKnownFor;
  const auto found = rows_.find(key);
  if (found == rows_.end()) return;
  Row& row = found->second;
  // No longer counted against the address: a thousand routers behind one are served.
  --row.unproven;
  ++row.proven;
  // The handshake is given back: who holds tokens may shake hands as often as he beats.
  row.handshakes = std::min(limits_.handshake_burst, row.handshakes + 1);
}

bool AddressLimits::AddDevice(DeviceId device) {
  MutexLock lock(mutex_);
  size_t& connections = devices_[device];
  // Not 0 where it is refused, so no row of nothing stays.
  if (connections >= limits_.connections_per_device) return false;
  ++connections;
  return true;
}

void AddressLimits::RemoveDevice(DeviceId device) {
  MutexLock lock(mutex_);
  const auto found = devices_.find(device);
  if (found != devices_.end() && --found->second == 0) devices_.erase(found);
}

void AddressLimits::Close(absl::string_view address, bool proven) {
  MutexLock lock(mutex_);
  --open_;
  const auto found = rows_.find(KeyOf(address));
  if (found == rows_.end()) return;
  Row& row = found->second;
  --(proven ? row.proven : row.unproven);
  // A row says nothing that a new one would not say, once it is empty and full; so it may go.
  const bool quiet = row.proven + row.unproven == 0;
  if (quiet && row.handshakes >= limits_.handshake_burst) rows_.erase(found);
}

void AddressLimits::NoteSlow(absl::string_view address, absl::Duration now) {
  MutexLock lock(mutex_);
  const absl::string_view key = KeyOf(address);
  if (!slow_.contains(key)) {
    if (slow_.size() >= kMostSlow) return;
    const bool is_ipv6 = key.size() == kIpv6Network;
    const absl::string_view site = key.substr(0, kIpv6Site);
    const auto of_site = [site](const auto& row) {
      return row.first.size() == kIpv6Network && absl::StartsWith(row.first, site);
    };
    if (is_ipv6 && absl::c_count_if(slow_, of_site) >= int64_t{kMostSlowOfSite}) return;
  }
  slow_[key] = now + kSlowFor;
}

bool AddressLimits::IsSlow(absl::string_view address) const {
  MutexLock lock(mutex_);
  // Entries that are over are taken out by Prune, some seconds late.
  return slow_.contains(KeyOf(address));
}

void AddressLimits::Prune(absl::Duration now) {
  MutexLock lock(mutex_);
  now_ = now;
  absl::erase_if(slow_, [now](const auto& row) { return row.second <= now; });
  absl::erase_if(known_, [now](const auto& row) { return row.second <= now; });
  // Refilled first, since a row that nobody looked at was not.
  for (auto it = rows_.begin(); it != rows_.end();) {
    Row& row = it->second;
    Refill(row, now);
    const bool quiet = row.proven + row.unproven == 0;
    if (quiet && row.handshakes >= limits_.handshake_burst) {
      rows_.erase(it++);
    } else {
      ++it;
    }
  }
}

size_t AddressLimits::addresses() const {
  MutexLock lock(mutex_);
  return rows_.size();
}

}  // namespace muster::edge
