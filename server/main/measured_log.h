// A command log that counts what passes through another one.
//
// Threads:  as CommandLog.
// Owns:     nothing; `log` must outlive this object and every command that it was given.
#pragma once

#include <atomic>
#include <cstdint>

#include "server/command_log/log/command_log.h"

namespace muster::server {

struct LogCounts {
  // Commands that took effect, that were refused, and that were not answered yet.
  std::atomic<uint64_t> applied = 0;
  std::atomic<uint64_t> refused = 0;
  std::atomic<int64_t> waiting = 0;
  // Of edge batches that were taken.
  std::atomic<uint64_t> check_ins = 0;
  std::atomic<uint64_t> job_results = 0;
  std::atomic<uint64_t> jobs_created = 0;
  std::atomic<uint64_t> devices_enrolled = 0;
};

class MeasuredLog final : public CommandLog {
 public:
  explicit MeasuredLog(CommandLog& log) : log_(log) {}

  // Counts on the way in and, by the outcome, on the way back.
  void ProposeAsync(Command command, Done done) override;
  Position AppliedPosition() const override { return log_.AppliedPosition(); }
  absl::Status WaitUntilApplied(const Position& position, absl::Duration timeout) override {
    return log_.WaitUntilApplied(position, timeout);
  }
  absl::Status ReadBarrier(absl::Duration timeout) override { return log_.ReadBarrier(timeout); }
  LogHealth Health() const override { return log_.Health(); }
  void Stop() override { log_.Stop(); }

  const LogCounts& counts() const { return counts_; }

 private:
  CommandLog& log_;
  LogCounts counts_;
};

}  // namespace muster::server
