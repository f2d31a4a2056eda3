// What lies in etcd: entries, sealed so that who can write there controls nothing, and the record
// that says whose they are. DESIGN.md of this room describes the bytes.
//
// Threads:  pure functions.
// Errors:   DataLoss for bytes that SealEntry did not write under this key for this log.
// Example:  sealed_entry_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::server {

// Who wrote an entry, and its number among all that this node wrote: it names the entry when a put
// is repeated, and no entry is taken whose number isn't higher than the last one of its proposer.
struct EntryId {
  uint64_t proposer = 0;
  uint64_t counter = 0;

  friend bool operator==(const EntryId&, const EntryId&) = default;
};

struct OpenedEntry {
  EntryId id;
  // As EncodeEntry made it, with index 0.
  std::string bytes;
};

// The key under which entries are sealed; all nodes of a cluster have the same master keys.
Secret LogKeyOf(const Secret& master_key);

// `log_id` has 16 bytes.
std::string SealEntry(const Secret& key, absl::string_view log_id, const EntryId& id,
                      absl::string_view bytes);
absl::StatusOr<OpenedEntry> OpenEntry(const Secret& key, absl::string_view log_id,
                                      absl::string_view sealed);

// The owner's record: the log's id, and a proof that the reader has its key.
struct LogOwner {
  std::string log_id;
  // Index of the entry before the first one that etcd has: of the state that was brought there. 0:
  // the log begins in etcd.
  uint64_t base = 0;
  std::string key_check;
};

LogOwner MakeLogOwner(const Secret& key, absl::string_view log_id, uint64_t base);
std::string EncodeLogOwner(const LogOwner& owner);
absl::StatusOr<LogOwner> DecodeLogOwner(absl::string_view bytes);

}  // namespace muster::server
