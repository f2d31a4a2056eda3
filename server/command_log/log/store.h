// What an engine of the log needs of the state that it feeds: apply, and for an engine that keeps
// its entries beside the state, a place for them in the same transaction.
//
// Threads:  one thread at a time begins, fills and commits transactions; AppliedPosition,
//           StateTimeUs, FeatureLevel, IsRemovedMember, KeyGeneration and FindSealedKey are safe
//           from any thread.
// Errors:   none: a store that can't be written, or an entry that can't be read back, stops the
//           process before anything is acknowledged.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

// What apply said of one command.
struct Outcome {
  // Not ok: the command had no effect.
  absl::Status status;
  Result result;
  // The request id had been seen.
  bool repeated = false;
};

class Transaction {
 public:
  virtual ~Transaction() = default;

  // Applies the commands of entry `index`, which must be the last applied + 1. The same entries
  // on the same state give the same state and outcomes, on every machine.
  virtual std::vector<Outcome> Apply(uint64_t index,
                                     const std::vector<const Command*>& commands) = 0;

  // Keeps the bytes of the entry that Apply was called for, for restarts.
  virtual void KeepEntry(absl::string_view bytes) = 0;

  // Keeps what the engine must know of the order after a start (where it reads on, say) in place of
  // what was kept before; true of the state from the same moment on as the entry.
  virtual void KeepEngineNote(absl::string_view note) = 0;

  // Drops kept entries beyond either limit, except those that a start would need.
  virtual void TrimEntries(uint64_t max_bytes, int64_t older_than_us) = 0;

  // Durable and visible to readers after it; subscriptions have been told.
  virtual void Commit() = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Begins a transaction; the one before must be committed. What was begun and applied must be
  // committed: memory can't be rolled back, and its destructor stops the process.
  virtual std::unique_ptr<Transaction> Begin() = 0;
  // Of the last commit.
  virtual Position AppliedPosition() const = 0;
  virtual int64_t StateTimeUs() const = 0;
  // What the installation uses (feature_level.h); at least 1.
  virtual uint32_t FeatureLevel() const = 0;
  // What this node proposed behind its removal has no effect.
  virtual bool IsRemovedMember(uint64_t node_id) const = 0;
  // Of the newest master key; 0: the first one.
  virtual uint32_t KeyGeneration() const = 0;
  // The copy of a later one for a member (member_key.h); nullopt where it got none.
  virtual std::optional<std::string> FindSealedKey(uint32_t generation, uint64_t member) const = 0;

  // What KeepEngineNote kept last; empty where no engine has kept one. Not during a transaction.
  virtual std::string EngineNote() = 0;
  // Takes another log's id in place of the one that was made with the state. FailedPrecondition
  // once an entry was applied. From the thread of the transactions, between two of them.
  virtual absl::Status AdoptLog(absl::string_view log_id) = 0;

  // Work that should be done when nobody waits: moves committed pages to their place. Called by a
  // thread of its own, beside transactions.
  virtual void Checkpoint() = 0;
  // Pages that wait for a checkpoint, and the same work on the transactions' own thread, between
  // two of them: only there is it sure to catch up. Both from that thread.
  virtual int WalPages() const = 0;
  virtual void CheckpointFromWriter() = 0;

  // A job with work left for ExpandJob: members to make targets of, a cancellation that goes on, a
  // wave to open; the oldest first; 0: none.
  virtual uint64_t NextJobToExpand() const = 0;
};

}  // namespace muster::server
