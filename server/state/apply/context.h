// What the apply functions work on: the open transaction, the tables in memory, and the entry.
//
// Everything below apply/ is deterministic and total: no clock, randomness, locale, floating
// point or unordered walk, every SELECT with a total ORDER BY; a command is checked wholly before
// its first write, because a refused one must leave nothing.
//
// Threads:  the log's writer thread only.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/event_kinds/event_kinds.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/state/changes.h"
#include "server/state/database.h"
#include "server/state/device_table.h"
#include "server/state/edge_table.h"

namespace muster::server {

// The row `node`.
struct NodeState {
  std::string log_id;
  uint64_t applied_index = 0;
  int64_t state_time_us = 0;
  // The last jump of state time: where it started, and until when nothing expires.
  int64_t jump_from_us = 0;
  int64_t jump_hold_until_us = 0;
  uint64_t ticks = 0;
  std::string cluster_id;
  uint64_t audit_sequence = 0;
  std::string audit_hash;
  // Next value of the `seq` columns.
  uint64_t next_sequence = 1;
  // Rows of `requests`; counted at start.
  uint64_t request_count = 0;
  // What the installation uses (server/command_log/log/feature_level.h).
  uint32_t feature_level = 1;
  // Of the newest master key.
  uint32_t key_generation = 0;
  // Of `members`, those that were removed: few, ever.
  std::set<uint64_t> removed_members;
};

// One for each entry; made by the transaction, gone with it. The tables in memory are changed as
// the commands are applied and can't be rolled back: that is why a command is checked before its
// first write, and why a transaction that fails stops the process.
struct ApplyContext {
  Database& db;
  DeviceTable& devices;
  EdgeTable& edges;
  NodeState& node;
  // Of the entry.
  uint64_t index = 0;
  // Of the next event in the entry.
  uint32_t ordinal = 0;
  ChangeBatch& changes;
  const internal::v1::Command* command = nullptr;

  int64_t now_us() const { return node.state_time_us; }
  // Within 60 s after a jump: nothing expires. A clock that was wrong for a moment must not end
  // jobs, claims and join tokens that nobody can bring back.
  bool TimeIsDoubtful() const { return node.state_time_us < node.jump_hold_until_us; }
  uint64_t NextSequence() { return node.next_sequence++; }
  // What the next event will be numbered, in the order of all events: entry, then place in it. The
  // same on every node, so it can serve as a resume token.
  uint64_t NextEventSequence() const;
  void Changed(Change change) { changes.changes.push_back(std::move(change)); }
};

using ApplyResult = absl::StatusOr<internal::v1::Result>;

// A result that names one id.
internal::v1::Result ResultOf(uint64_t id);

// Writes an event of a device at state time, cuts its message at 1 KiB, and drops what is too much
// of the device's events. `message` is for people; it may not hold a secret.
void WriteEvent(ApplyContext& context, uint64_t device, EventKind kind, absl::string_view message);

// Writes the audit entry of the command that is being applied, and chains it to the one before
// (common/audit_chain). `resource` as in the public API; `organization` 0 for the platform. The
// command's own summary goes before `summary`. Call it once the command can't be refused any
// more: an entry stays even if the command were.
void WriteAudit(ApplyContext& context, absl::string_view resource, uint64_t organization,
                absl::string_view summary);

// "organizations/{slug}"; empty for 0.
std::string OrganizationName(Database& db, uint64_t organization);
std::string DeviceName(Database& db, uint64_t organization, uint64_t device);

// Sorted by key, so that equal labels are equal bytes on every node. What does not parse decodes to
// none: apply is total.
std::string EncodeLabels(const std::map<std::string, std::string>& labels);
std::map<std::string, std::string> DecodeLabels(absl::string_view bytes);

// Errors that the API promises. Malformed is for what no proposer of ours writes: the rules before
// it have said it better.
absl::Status UnknownThing(absl::string_view what, absl::string_view id);
absl::Status AlreadyThere(absl::string_view what, absl::string_view id);
absl::Status Malformed(absl::string_view what);
absl::Status ChangedMeanwhile(absl::string_view what);

// True where somebody expects another version than this one. An empty etag expects nothing.
bool IsStale(absl::string_view expected_etag, uint64_t version);

}  // namespace muster::server
