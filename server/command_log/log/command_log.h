// The one way to change anything: commands are put into one order and applied in it.
//
// Threads:  safe to call from any thread; callbacks come on the log's writer thread, or from
//           inside ProposeAsync where the command is refused before it is queued.
// Blocks:   Propose, WaitUntilApplied and ReadBarrier; the others never.
// Errors:   what apply said of the command (InvalidArgument, NotFound, AlreadyExists,
//           FailedPrecondition, Aborted, PermissionDenied: the command had no effect);
//           ResourceExhausted where too much is queued (no effect); Unavailable after Stop or
//           without quorum, where the outcome is unknown: propose again with the same request id.
// Example:  contract_test_suite.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "muster/internal/v1/commands.pb.h"

namespace muster::server {

using internal::v1::Command;
using internal::v1::Result;

// A point in the order. Positions of different logs can't be compared.
struct Position {
  // 16 random bytes, new with every create, restore or migration.
  std::string log_id;
  // Of an entry; the first is 1.
  uint64_t index = 0;

  friend bool operator==(const Position&, const Position&) = default;
};

// A command that took effect, durably, on this node.
struct Applied {
  Result result;
  Position position;
  // True where the request id had been seen: `result` is the first one's, nothing was changed.
  bool repeated = false;
};

// What an engine can do at the moment; see docs/cluster.md.
enum class LogState : uint8_t {
  kServing,
  // Applies what was written while this node was away: reads are behind, commands wait.
  kCatchingUp,
  // The order can't be reached or has no quorum: reads go on, stale; commands are refused.
  kReadOnly,
  // The entries that this node lacks are gone.
  kNeedsSnapshot,
  // For good, because going on could make a state that other nodes don't have.
  kStopped,
  // This node's state and another's differ, and nobody knows whose is right: reads go on, commands
  // are refused.
  kStatesDiffer,
};

// "serving", "catching up", "read-only: no quorum", "needs snapshot", "stopped",
// "read-only: states differ".
absl::string_view NameOf(LogState state);

struct LogHealth {
  LogState state = LogState::kServing;
  // Where it is not serving: why, and what to do. Never a secret.
  std::string reason;
};

class CommandLog {
 public:
  using Done = std::function<void(absl::StatusOr<Applied>)>;

  virtual ~CommandLog() = default;

  // Queues the command and returns at once; commands of one thread keep their order. `done` is
  // called exactly once, must not block, and may queue further commands. After success this
  // node's state shows the change.
  virtual void ProposeAsync(Command command, Done done) = 0;

  // The same, waiting. Not from a callback of this log.
  absl::StatusOr<Applied> Propose(Command command);

  // What this node has applied; monotonic. Never behind what a `done` has said.
  virtual Position AppliedPosition() const = 0;

  // Ok once this node has applied `position`. FailedPrecondition for a position of another log,
  // DeadlineExceeded after `timeout`.
  virtual absl::Status WaitUntilApplied(const Position& position, absl::Duration timeout) = 0;

  // Ok once this node shows everything that any node had answered before this call (a linearizable
  // read may follow). Unavailable without quorum, DeadlineExceeded after `timeout`.
  virtual absl::Status ReadBarrier(absl::Duration timeout) = 0;

  virtual LogHealth Health() const = 0;

  // Takes no more commands, finishes those that are queued and ends its threads. Repeating is
  // harmless.
  virtual void Stop() = 0;
};

}  // namespace muster::server
