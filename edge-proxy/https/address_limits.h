// How many connections there may be, in all, per address (IPv6: per /64) and per device.
//
// A connection on which a valid token was shown no longer counts against its address, and gives its
// handshake back: a thousand routers behind one provider's address are served, a flood is not.
//
// A device has few of its own, so that one stolen token is not worth all of them.
//
// Three bounds against three floods: connections that stay open (per address, per device and in
// all), handshakes that are begun (97 % of the instructions of a call), and memory for
// addresses, which Prune gives back.
//
// Threads:  safe to call from any thread.
// Blocks:   never.
// Example:  address_limits_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "common/sync/mutex.h"

namespace muster::edge {

// Sized for 20,000 routers at one edge that may all come at once after an outage, and for some
// thousands behind one address (CGNAT).
struct ConnectionLimits {
  // Those that have shown a token count here too; at about 19 KiB each this is under 1 GB.
  size_t connections = 50'000;
  // Of these, only for addresses from which a valid token came in the last hour: strangers from
  // many addresses fill the rest, and known routers still get in.
  size_t reserved = 10'000;
  // Without a valid token.
  size_t connections_per_address = 2'048;
  // With its token. A router has one or two; those that its link has lost stay until their
  // deadline.
  size_t connections_per_device = 32;
  // Handshakes without a valid token: so many at once, and so many more each second.
  double handshake_burst = 5'000;
  double handshakes_per_second = 200;
  // A router that is told 429 or 503 is not left guessing, but an answer costs a handshake.
  // Above a limit, so many more get a reply that says so; beyond that connections are just closed.
  size_t polite = 64;
};

class AddressLimits {
 public:
  // How to go on with a connection that the kernel has accepted already.
  enum class Verdict {
    kServe,
    kTooManyFromAddress,  // answer 429
    kFull,                // answer 503
    kDrop,                // close without a handshake
  };

  explicit AddressLimits(const ConnectionLimits& limits) : limits_(limits) {}

  // Takes one handshake from the address's share, whatever the verdict but kDrop. `now` is
  // monotonic.
  // Opens a connection from `address` (4 or 16 bytes). After any verdict but kDrop, Close must be
  // called once.
  Verdict Open(absl::string_view address, absl::Duration now);

  // May come after the address was forgotten; then nothing happens.
  // A valid token was shown on it. Once per connection.
  void Prove(absl::string_view address);

  // Counts a connection on which this device's token was shown. False where the device has as many
  // as it may: nothing is counted then.
  bool AddDevice(DeviceId device);
  // Once for each AddDevice that answered true.
  void RemoveDevice(DeviceId device);

  // `proven`: Prove was called for it.
  void Close(absl::string_view address, bool proven);

  // A handshake from there took long, or began and was not done in time: for an hour connections
  // of this address have more time. Beyond 4,096 such addresses, or 64 of one IPv6 /48, no further
  // one is noted.
  void NoteSlow(absl::string_view address, absl::Duration now);
  bool IsSlow(absl::string_view address) const;

  // To be called every some seconds: without it each address that ever came would keep a row.
  // Forgets addresses that have been quiet, and slow ones whose hour is over.
  void Prune(absl::Duration now);

  size_t addresses() const;

 private:
  // Of an IPv4 address or an IPv6 /64.
  struct Row {
    size_t unproven = 0;
    size_t proven = 0;
    // A bucket of tokens, filled up when it is looked at and not by a timer; `refilled` says when
    // that was.
    double handshakes = 0;
    absl::Duration refilled;
  };
  void Refill(Row& row, absl::Duration now) const;

  const ConnectionLimits limits_;
  mutable Mutex mutex_;
  size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Row> rows_ ABSL_GUARDED_BY(mutex_);
  // Devices that have connections, and how many.
  absl::flat_hash_map<DeviceId, size_t> devices_ ABSL_GUARDED_BY(mutex_);
  // When its hour is over.
  absl::flat_hash_map<std::string, absl::Duration> slow_ ABSL_GUARDED_BY(mutex_);
  // Addresses from which valid tokens came, and when that is forgotten.
  absl::flat_hash_map<std::string, absl::Duration> known_ ABSL_GUARDED_BY(mutex_);
  // Of the last Open or Prune.
  absl::Duration now_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
