#include "server/command_log/node/proposal_queue.h"

#include <utility>

#include "server/command_log/log/feature_level.h"

namespace muster::server {
namespace {

// Small commands: their outcomes and callbacks would else hold up the next entry.
constexpr size_t kMaxEntryCommands = 4'096;

absl::Status CheckLevel(const Store& store, const Command& command) {
  if (RaisesLevel(command)) return absl::OkStatus();
  return CheckFeatureLevel(store.FeatureLevel(), command.version());
}

}  // namespace

void ProposalQueue::Add(Command command, CommandLog::Done done) {
  // On the caller's thread: parsing is the larger part of the work, and the writer has only one
  // thread.
  absl::StatusOr<CheckedCommand> checked = CheckCommand(std::move(command));
  absl::Status refusal = checked.ok() ? CheckLevel(store_, checked->command) : checked.status();
  if (refusal.ok()) {
    MutexLock lock(mutex_);
    if (closed_) {
      refusal = absl::UnavailableError("the control plane is stopping; repeat the request");
    } else if (bytes_ > kMaxQueuedBytes) {
      // Compared before it is added, so one command always gets in.
      refusal = absl::ResourceExhaustedError("too many changes are waiting; repeat the request");
    } else {
      bytes_ += checked->bytes.size();
      queue_.push_back({*std::move(checked), std::move(done)});
      changed_.NotifyOne();
      return;
    }
  }
  // Without the lock, since it may propose again.
  done(std::move(refusal));
}

Proposals ProposalQueue::TakeNext() {
  Proposals taken;
  MutexLock lock(mutex_);
  // Closed with a full queue goes on; closed with an empty one answers nothing, which ends the
  // writer.
  while (queue_.empty() && !closed_) changed_.Wait(mutex_);
  size_t bytes = 0;
  while (!queue_.empty() && taken.size() < kMaxEntryCommands) {
    const size_t next = queue_.front().checked.bytes.size();
    // One that is larger than an entry should be goes alone.
    if (!taken.empty() && bytes + next > kMaxEntryBytes) break;
    bytes += next;
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  bytes_ -= bytes;
  return taken;
}

void ProposalQueue::RefuseAll(const absl::Status& status) {
  std::deque<Proposal> refused;
  {
    MutexLock lock(mutex_);
    refused.swap(queue_);
    bytes_ = 0;
  }
  for (Proposal& proposal : refused) proposal.done(status);
}

void ProposalQueue::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyAll();
}

std::vector<absl::string_view> BytesOf(const Proposals& proposals) {
  std::vector<absl::string_view> bytes;
  bytes.reserve(proposals.size());
  for (const Proposal& proposal : proposals) bytes.push_back(proposal.checked.bytes);
  return bytes;
}

std::vector<const Command*> CommandsOf(const Proposals& proposals) {
  std::vector<const Command*> commands;
  commands.reserve(proposals.size());
  for (const Proposal& proposal : proposals) commands.push_back(&proposal.checked.command);
  return commands;
}

void Answer(Proposals& proposals, std::vector<Outcome> outcomes, const Position& position) {
  for (size_t i = 0; i < proposals.size(); ++i) {
    Outcome& outcome = outcomes[i];
    if (!outcome.status.ok()) {
      proposals[i].done(std::move(outcome.status));
    } else {
      proposals[i].done(Applied{std::move(outcome.result), position, outcome.repeated});
    }
  }
}

void AnswerAll(Proposals& proposals, const absl::Status& status) {
  for (Proposal& proposal : proposals) proposal.done(status);
}

}  // namespace muster::server
