#include "server/command_log/etcd/trimmer.h"

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/sync/deadline.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {
namespace {

EtcdPressure PressureOf(const EtcdStatus& status, uint64_t quota) {
  if (!status.alarm.empty()) return EtcdPressure::kNoJobs;
  const uint64_t percent = static_cast<uint64_t>(status.bytes_in_use) / (quota / 100 + 1);
  if (percent >= 95) return EtcdPressure::kNoJobs;
  if (percent >= 80) return EtcdPressure::kNoCheckIns;
  if (percent >= 60) return EtcdPressure::kTrimHarder;
  return EtcdPressure::kNone;
}

bool IsOnlyCheckIns(const Command& command) {
  return command.has_edge_batch() && command.edge_batch().job_results_size() == 0 &&
         command.edge_batch().job_events_size() == 0;
}

}  // namespace

EtcdTrimmer::EtcdTrimmer(Etcd& etcd, const EtcdLogOptions& options, LogMarks& marks,
                         EtcdLogCounts& counts)
    : etcd_(etcd), options_(options), marks_(marks), counts_(counts), thread_([this] { Run(); }) {}

absl::Status EtcdTrimmer::Admit(const Command& command) const {
  const EtcdPressure pressure = pressure_;
  const bool refused =
      (pressure >= EtcdPressure::kNoCheckIns && IsOnlyCheckIns(command)) ||
      (pressure >= EtcdPressure::kNoJobs && (command.has_create_job() || command.has_extend_job()));
  if (!refused) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "etcd is nearly full: see docs/cluster.md on quota, defragmentation and alarms");
}

void EtcdTrimmer::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void EtcdTrimmer::Run() {
  for (;;) {
    {
      const Deadline next(options_.trim_interval);
      MutexLock lock(mutex_);
      while (!stopping_ && !next.HasPassed()) changed_.WaitFor(mutex_, next.Left());
      if (stopping_) return;
    }
    Look();
    if (!IsHeldBack()) Trim();
  }
}

void EtcdTrimmer::Look() {
  const absl::StatusOr<EtcdStatus> status = etcd_.Status(options_.call_timeout);
  if (!status.ok()) return;
  counts_.etcd_bytes = static_cast<uint64_t>(status->bytes);
  counts_.etcd_bytes_in_use = static_cast<uint64_t>(status->bytes_in_use);
  const EtcdPressure pressure = PressureOf(*status, options_.quota_bytes);
  if (pressure > pressure_) {
    LogWarning("command_log", "etcd is filling up",
               {{"bytes", absl::StrCat(status->bytes)},
                {"in_use", absl::StrCat(status->bytes_in_use)},
                {"quota", absl::StrCat(options_.quota_bytes)},
                {"alarm", status->alarm}});
  }
  pressure_ = pressure;
}

bool EtcdTrimmer::IsHeldBack() {
  const auto pins = etcd_.List(PinsKey(options_), options_.call_timeout);
  // Not known: what is kept for one more turn does no harm.
  if (!pins.ok()) return true;
  counts_.pins = pins->size();
  const bool held = !pins->empty() && pressure_ < EtcdPressure::kTrimHarder;
  if (held && !was_held_back_) {
    LogInfo("command_log", "the log is not trimmed while a node brings itself up to date");
  } else if (was_held_back_ && !pins->empty() && !held) {
    LogWarning("command_log", "etcd is filling up; the log is trimmed though a node joins");
  }
  was_held_back_ = held;
  return held;
}

void EtcdTrimmer::Trim() {
  const bool harder = pressure_ >= EtcdPressure::kTrimHarder;
  const int64_t cut = marks_.TakeCut(harder ? options_.retained_bytes / 4 : options_.retained_bytes,
                                     harder ? options_.retained_time / 4 : options_.retained_time);
  if (cut == 0) return;
  const absl::Status status = etcd_.Compact(cut, options_.call_timeout);
  // Another node was first.
  if (status.ok() || absl::IsOutOfRange(status)) return;
  LogWarning("command_log", "etcd did not trim the log", {{"why", status.ToString()}});
}

}  // namespace muster::server
