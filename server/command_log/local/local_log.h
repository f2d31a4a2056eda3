// The log of a node that is alone: entries lie in the state's own database, appended, applied and
// made durable in one transaction (group commit).
//
// Threads:  safe to call from any thread. One writer thread, one for checkpoints.
// Owns:     its threads; `store` must outlive it.
// Errors:   as CommandLog; ResourceExhausted where ProposalQueue is full.
// Example:  local_log_test.cc and the contract suite.
#pragma once

#include <thread>

#include "server/command_log/log/command_log.h"
#include "server/command_log/log/store.h"
#include "server/command_log/node/applied_mark.h"
#include "server/command_log/node/checkpointer.h"
#include "server/command_log/node/proposal_queue.h"

namespace muster::server {

// How much of the log is kept for starts; whichever limit comes first.
struct LocalLogOptions {
  uint64_t retained_bytes = uint64_t{512} << 20;
  absl::Duration retained_time = absl::Minutes(10);
};

class LocalLog : public CommandLog {
 public:
  LocalLog(Store& store, const LocalLogOptions& options);
  ~LocalLog() override;

  void ProposeAsync(Command command, Done done) override;
  Position AppliedPosition() const override;
  absl::Status WaitUntilApplied(const Position& position, absl::Duration timeout) override;
  // What was answered was applied here: nothing to wait for.
  absl::Status ReadBarrier(absl::Duration timeout) override;
  LogHealth Health() const override;
  void Stop() override;

 private:
  // Of the writer thread: entries until the queue is empty and Stop was called.
  void Write();
  // Applies the commands as one entry, makes it durable, then answers them.
  void Commit(Proposals& commands);
  // Drops old entries with a Tick, once a second: state time has moved only there.
  void TrimAfterTick(Transaction& transaction, const Proposals& commands);

  Store& store_;
  const LocalLogOptions options_;
  ProposalQueue queue_;
  AppliedMark applied_;
  Checkpointer checkpointer_;
  std::thread writer_;
};

}  // namespace muster::server
