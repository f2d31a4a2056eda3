// The one table of the keys that routers post. docs/device-protocol.md lists the same. Installed
// routers can't be visited, so a key is never given another meaning.
//
// A table and not code for each key, so that limits are read in one column, and tests and fuzzers
// can walk over all of them.
//
// Threads:  read-only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::routeros {

// In which calls, or in which rows of a call, a key has a meaning.
enum FieldPlace : unsigned {
  kInHeartbeat = 1,
  kInEnrolment = 2,
  kInResult = 4,
  kInHealthRow = 8,
  kInLinkRow = 16,
};

enum class FieldKind {
  kNumber,        // whole number, `unit` may follow
  kStrictNumber,  // the same, but a body without it is refused
  kSeconds,       // duration; bare numbers are seconds
  kMicroseconds,  // duration; bare numbers are microseconds
  kPercentMilli,  // percent with decimals, in thousandths
  kFlag,          // 1, true, yes; anything else is false
  kText,          // cleaned and cut to `high` bytes
  kRawText,       // as it came (only repaired), at most `high` bytes: tokens, outputs
  kRows,          // an array of objects
};

// One for all three calls: it is filled by the table, and what is not of this call stays empty.
// Everything that the calls can carry; each call hands on its own part.
struct Body {
  Heartbeat heartbeat;
  std::string nonce;
  std::string token;
  JobReport result;
  std::string status_word;
  std::string output;
  std::string encoding;
  std::string formats;
  std::string mac_text;
  std::string tunnel_key_text;
  std::string roots_text;
  HealthRow health_row;
  std::string health_value;
  std::string health_unit;
  LinkRow link_row;
  RepairCounts counts;
};

// `low` and `high`: the range of a number, both included, or the most bytes of a text. A number
// outside is dropped (a strict one refuses the body).
struct Field {
  absl::string_view key;
  unsigned places;
  FieldKind kind;
  uint64_t low;
  uint64_t high;
  // The unit that a number may carry.
  absl::string_view unit;
  absl::string_view meaning;
  // Exactly one of these, by kind; none for rows.
  void (*take_number)(Body&, uint64_t);
  std::string* (*text)(Body&);
};

// At most 64, since a bit of a word says which were seen.
absl::Span<const Field> Fields();

// The index of `key` among the fields of `place`, looking first at `hint`; nullopt for a key that
// has no meaning there. Agents write keys in the table's order, so the hint is mostly right.
std::optional<size_t> FindField(absl::string_view key, FieldPlace place, size_t hint);

}  // namespace muster::routeros
