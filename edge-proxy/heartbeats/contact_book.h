// What the edge remembers of each router's last calls, for the operator who asks why one does not
// come: `muster device doctor`.
//
// Threads:  safe to call from any thread.
// Blocks:   never.
// Units:    a router takes about 160 bytes; times are kept in tenths of a second.
// Limits:   kMostContacts calls a router; kMostRouters routers, then new ones are not kept.
// Example:  contact_book_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "common/sync/mutex.h"

namespace muster::edge {

// Numbers are those of muster.edge.v1.ContactKind.
enum class ContactKind : uint8_t {
  kCheckIn = 1,
  kResult = 2,
  kPayload = 3,
  kAgent = 4,
  kRefused = 5,
};

// One call of one router.
struct Contact {
  ContactKind kind = ContactKind::kCheckIn;
  absl::Time time;
  int http_status = 200;
  // At most 255 different ones are kept in all; what comes after reads "other". So nothing that a
  // router wrote may ever stand here, else one router could use them up.
  // Of a set of constant texts: the verb that was answered, or why it was refused.
  std::string reason;
};

// What fetch offers is not documented (assumptions.md), so it is kept for each router.
// How the router's newest connection was made.
struct ConnectionFacts {
  std::string tls_version;
  std::string tls_cipher;
  std::string tls_group;
  bool tls_resumed = false;
  // 4 or 16 bytes.
  std::string source_address;
};

struct Contacts {
  // Newest first.
  std::vector<Contact> contacts;
  ConnectionFacts connection;
};

// Ten minutes of the normal profile.
inline constexpr size_t kMostContacts = 20;
// 320 MB at worst. Rows of routers that left stay until the edge restarts.
inline constexpr size_t kMostRouters = 2'000'000;

class ContactBook {
 public:
  ContactBook() { names_.emplace_back("other"); }

  // Adds a contact over the oldest, and replaces what is known of the connection. A contact of a
  // router above the limit is not kept.
  void Add(DeviceId device, const Contact& contact, const ConnectionFacts& connection);
  // Empty for a router that was not heard since the start.
  Contacts Find(DeviceId device) const;
  size_t size() const;

 private:
  // Packed: 20 times 6 bytes, and the connection.
  struct Row {
    // A ring: `next` is the place that is written next, `count` how many places hold something.
    std::array<uint32_t, kMostContacts> tenths{};
    std::array<uint8_t, kMostContacts> kind_and_status{};
    std::array<uint8_t, kMostContacts> reason{};
    std::array<char, 16> address{};
    uint8_t address_bytes = 0;
    uint8_t tls_version = 0, tls_cipher = 0, tls_group = 0;
    bool tls_resumed = false;
    uint8_t next = 0;
    uint8_t count = 0;
  };
  static_assert(sizeof(Row) <= 160);

  // Texts are few and repeat over all routers, so a row keeps numbers of them.
  // A byte for a text; 0 ("other") when too many differ.
  uint8_t Number(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Contact ContactAt(const Row& row, size_t place) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // unique_ptr, so that the table's spare room costs 8 bytes a place and not 160.
  mutable Mutex mutex_;
  absl::flat_hash_map<DeviceId, std::unique_ptr<Row>> rows_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> names_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint8_t> numbers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
