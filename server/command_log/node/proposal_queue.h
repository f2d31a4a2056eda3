// Commands that wait to become an entry, each with whoever waits for its outcome.
//
// Threads:  Add from any thread; TakeNext from the engine's writer; the others from any.
// Errors:   Add: InvalidArgument for what could not be read back, ResourceExhausted where more than
//           kMaxQueuedBytes wait, Unavailable once closed, FailedPrecondition for what needs a
//           higher feature level than the state's; always through `done`.
// Example:  local_log.cc.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"
#include "server/command_log/log/entry_codec.h"
#include "server/command_log/log/store.h"

namespace muster::server {

struct Proposal {
  CheckedCommand checked;
  CommandLog::Done done;
};

// The commands of one entry, in order.
using Proposals = std::vector<Proposal>;

class ProposalQueue {
 public:
  // `store` must outlive it.
  explicit ProposalQueue(const Store& store) : store_(store) {}

  // Bounds the memory of a writer that can't keep up; beyond it callers are better told to come
  // back.
  static constexpr size_t kMaxQueuedBytes = size_t{64} << 20;

  // As CommandLog::ProposeAsync.
  void Add(Command command, CommandLog::Done done);

  // Waits for commands and takes those of the next entry, at most kMaxEntryBytes unless one alone
  // is larger. Empty: closed, and nothing is left.
  Proposals TakeNext();

  // Answers all that wait with `status`; they had no effect.
  void RefuseAll(const absl::Status& status);

  // Takes no more commands; TakeNext still gives those that wait.
  void Close();

 private:
  const Store& store_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Proposal> queue_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// What an entry holds and what is applied.
std::vector<absl::string_view> BytesOf(const Proposals& proposals);
std::vector<const Command*> CommandsOf(const Proposals& proposals);

// Tells each proposer its own outcome; `outcomes` are those of Transaction::Apply.
void Answer(Proposals& proposals, std::vector<Outcome> outcomes, const Position& position);
// Tells all the same.
void AnswerAll(Proposals& proposals, const absl::Status& status);

}  // namespace muster::server
