// The writer: takes what is queued as one entry, applies and commits it, answers. While one commit
// waits for the disk the queue collects the next entry, so the more there is to do, the more each
// fsync does.
#include "server/command_log/local/local_log.h"

#include <algorithm>
#include <utility>

namespace muster::server {

LocalLog::LocalLog(Store& store, const LocalLogOptions& options)
    : store_(store),
      options_(options),
      queue_(store),
      applied_(store.AppliedPosition()),
      checkpointer_(store),
      writer_([this] { Write(); }) {}

LocalLog::~LocalLog() { LocalLog::Stop(); }

void LocalLog::ProposeAsync(Command command, Done done) {
  queue_.Add(std::move(command), std::move(done));
}

Position LocalLog::AppliedPosition() const { return applied_.Get(); }

absl::Status LocalLog::WaitUntilApplied(const Position& position, absl::Duration timeout) {
  return applied_.Wait(position, timeout);
}

absl::Status LocalLog::ReadBarrier(absl::Duration timeout) { return absl::OkStatus(); }

LogHealth LocalLog::Health() const { return {}; }

void LocalLog::Stop() {
  queue_.Close();
  // It empties the queue first: what was accepted is answered.
  if (writer_.joinable()) writer_.join();
  checkpointer_.Stop();
}

void LocalLog::Write() {
  for (;;) {
    Proposals commands = queue_.TakeNext();
    if (commands.empty()) return;
    Commit(commands);
    checkpointer_.Care();
  }
}

void LocalLog::Commit(Proposals& commands) {
  // Only this thread moves it.
  const Position before = applied_.Get();
  const Position position{before.log_id, before.index + 1};
  const std::string entry =
      EncodeEntry({position.log_id, position.index, 0, store_.StateTimeUs()}, BytesOf(commands));
  std::unique_ptr<Transaction> transaction = store_.Begin();
  std::vector<Outcome> outcomes = transaction->Apply(position.index, CommandsOf(commands));
  // After Apply, since what was taken of it is kept beside it; before the commit, so that there is
  // never one without the other.
  transaction->KeepEntry(entry);
  TrimAfterTick(*transaction, commands);
  // The process stops in here if the disk fails: nothing below is reached without a durable entry.
  transaction->Commit();
  applied_.Set(position);
  Answer(commands, std::move(outcomes), position);
}

void LocalLog::TrimAfterTick(Transaction& transaction, const Proposals& commands) {
  const bool tick = std::any_of(commands.begin(), commands.end(), [](const Proposal& proposal) {
    return proposal.checked.command.has_tick();
  });
  if (!tick) return;
  transaction.TrimEntries(options_.retained_bytes,
                          store_.StateTimeUs() - absl::ToInt64Microseconds(options_.retained_time));
}

}  // namespace muster::server
