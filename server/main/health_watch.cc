#include "server/main/health_watch.h"

#include <optional>
#include <utility>

#include "common/sync/deadline.h"

namespace muster::server {

HealthWatch::HealthWatch(const CommandLog& log, std::function<void(LogState)> tell,
                         std::function<void()> stop)
    : log_(log), tell_(std::move(tell)), stop_(std::move(stop)), thread_([this] { Run(); }) {}

void HealthWatch::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

std::string HealthWatch::problem() const {
  MutexLock lock(mutex_);
  return problem_;
}

bool HealthWatch::needs_snapshot() const {
  MutexLock lock(mutex_);
  return needs_snapshot_;
}

void HealthWatch::Run() {
  std::optional<LogState> told;
  Deadline old_reads(kBeforeFetch);
  bool ended = false;
  for (;;) {
    const LogHealth health = log_.Health();
    if (told != health.state) {
      told = health.state;
      old_reads = Deadline(kBeforeFetch);
      tell_(health.state);
      if (health.state == LogState::kStopped) {
        {
          MutexLock lock(mutex_);
          problem_ = health.reason;
        }
        stop_();
      }
    }
    if (!ended && health.state == LogState::kNeedsSnapshot && old_reads.HasPassed()) {
      {
        MutexLock lock(mutex_);
        needs_snapshot_ = true;
      }
      ended = true;
      stop_();
    }
    MutexLock lock(mutex_);
    if (!stopping_) changed_.WaitFor(mutex_, kLook);
    if (stopping_) return;
  }
}

}  // namespace muster::server
