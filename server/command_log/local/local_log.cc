// The writer: takes what is queued as one entry, applies and commits it, answers. While one commit
// waits for the disk the queue collects the next entry, so the more there is to do, the more each
// fsync does.
#include "server/command_log/local/local_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

// Small commands: their outcomes and callbacks would else hold up the next entry.
constexpr size_t kMaxEntryCommands = 4'096;
// 64 MiB of 4-KiB pages.
// Smaller would checkpoint the same pages again and again; larger lengthens the look through the
// log for each read.
constexpr int kCheckpointPages = 16'384;

}  // namespace

LocalLog::LocalLog(Store& store, const LocalLogOptions& options)
    : store_(store), options_(options), applied_(store.AppliedPosition()) {
  writer_ = std::thread([this] { Write(); });
  checkpointer_ = std::thread([this] { CheckpointWhenAsked(); });
}

LocalLog::~LocalLog() { LocalLog::Stop(); }

void LocalLog::ProposeAsync(Command command, Done done) {
  // On the caller's thread: parsing is the larger part of the work, and the writer has only one
  // thread.
  absl::StatusOr<CheckedCommand> checked = CheckCommand(std::move(command));
  absl::Status refusal = checked.status();
  if (refusal.ok()) {
    MutexLock lock(mutex_);
    if (stopping_) {
      refusal = absl::UnavailableError("the control plane is stopping; repeat the request");
    } else if (queue_bytes_ > kMaxQueuedBytes) {
      // Compared before it is added, so one command always gets in.
      refusal = absl::ResourceExhaustedError("too many changes are waiting; repeat the request");
    } else {
      queue_bytes_ += checked->bytes.size();
      queue_.push_back({*std::move(checked), std::move(done)});
      queued_.NotifyOne();
      return;
    }
  }
  // Without the lock, since it may propose again.
  done(std::move(refusal));
}

Position LocalLog::AppliedPosition() const {
  MutexLock lock(mutex_);
  return applied_;
}

absl::Status LocalLog::WaitUntilApplied(const Position& position, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  MutexLock lock(mutex_);
  if (position.log_id != applied_.log_id) {
    return absl::FailedPreconditionError(
        "the position is of another log: the control plane was restored; read again");
  }
  while (applied_.index < position.index) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat("entry ", position.index, " is not applied here yet"));
    }
    applied_changed_.WaitFor(mutex_, left);
  }
  return absl::OkStatus();
}

void LocalLog::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    queued_.NotifyAll();
  }
  // It empties the queue first: what was accepted is answered.
  if (writer_.joinable()) writer_.join();
  {
    MutexLock lock(mutex_);
    writer_done_ = true;
    checkpoint_asked_.NotifyAll();
  }
  if (checkpointer_.joinable()) checkpointer_.join();
}

std::vector<LocalLog::Pending> LocalLog::TakeNext() {
  std::vector<Pending> taken;
  MutexLock lock(mutex_);
  // Stopping with a full queue goes on; stopping with an empty one answers nothing, which ends the
  // writer.
  while (queue_.empty() && !stopping_) queued_.Wait(mutex_);
  size_t bytes = 0;
  while (!queue_.empty() && taken.size() < kMaxEntryCommands) {
    const size_t next = queue_.front().checked.bytes.size();
    // One that is larger than an entry should be goes alone.
    if (!taken.empty() && bytes + next > kMaxEntryBytes) break;
    bytes += next;
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  return taken;
}

void LocalLog::Write() {
  for (;;) {
    std::vector<Pending> commands = TakeNext();
    if (commands.empty()) return;
    Commit(commands);
    CareForCheckpoint();
  }
}

void LocalLog::Commit(std::vector<Pending>& commands) {
  // Only this thread moves it.
  const Position before = AppliedPosition();
  const Position position{before.log_id, before.index + 1};
  std::vector<absl::string_view> bytes;
  std::vector<const Command*> parsed;
  for (const Pending& pending : commands) {
    bytes.push_back(pending.checked.bytes);
    parsed.push_back(&pending.checked.command);
  }
  const std::string entry =
      EncodeEntry({position.log_id, position.index, 0, store_.StateTimeUs()}, bytes);
  std::unique_ptr<Transaction> transaction = store_.Begin();
  std::vector<Outcome> outcomes = transaction->Apply(position.index, parsed);
  // After Apply, since what was taken of it is kept beside it; before the commit, so that there is
  // never one without the other.
  transaction->KeepEntry(entry);
  TrimAfterTick(*transaction, commands);
  // The process stops in here if the disk fails: nothing below is reached without a durable entry.
  transaction->Commit();
  {
    MutexLock lock(mutex_);
    applied_ = position;
    applied_changed_.NotifyAll();
  }
  for (size_t i = 0; i < commands.size(); ++i) {
    Outcome& outcome = outcomes[i];
    if (!outcome.status.ok()) {
      commands[i].done(std::move(outcome.status));
    } else {
      commands[i].done(Applied{std::move(outcome.result), position, outcome.repeated});
    }
  }
}

void LocalLog::TrimAfterTick(Transaction& transaction, const std::vector<Pending>& commands) {
  const bool tick = std::any_of(commands.begin(), commands.end(), [](const Pending& pending) {
    return pending.checked.command.has_tick();
  });
  if (!tick) return;
  transaction.TrimEntries(options_.retained_bytes,
                          store_.StateTimeUs() - absl::ToInt64Microseconds(options_.retained_time));
}

void LocalLog::CareForCheckpoint() {
  bool finish = false;
  {
    MutexLock lock(mutex_);
    std::swap(finish, finish_checkpoint_);
  }
  if (finish) {
    // Only here nobody commits meanwhile: the log is wholly moved, and SQLite begins it anew at its
    // head instead of letting it grow.
    store_.CheckpointFromWriter();
    return;
  }
  if (store_.WalPages() < kCheckpointPages) return;
  MutexLock lock(mutex_);
  want_checkpoint_ = true;
  checkpoint_asked_.NotifyOne();
}

void LocalLog::CheckpointWhenAsked() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!want_checkpoint_ && !writer_done_) checkpoint_asked_.Wait(mutex_);
      if (writer_done_) return;
      want_checkpoint_ = false;
    }
    // Beside transactions, for seconds maybe; what was committed meanwhile is left for the writer.
    store_.Checkpoint();
    MutexLock lock(mutex_);
    // Asked for once more while it ran: that is what the writer finishes now.
    want_checkpoint_ = false;
    finish_checkpoint_ = true;
  }
}

}  // namespace muster::server
