#include "server/main/health_watch.h"

#include <optional>
#include <utility>

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

void HealthWatch::Run() {
  std::optional<LogState> told;
  for (;;) {
    const LogHealth health = log_.Health();
    if (told != health.state) {
      told = health.state;
      tell_(health.state);
      if (health.state == LogState::kStopped) {
        {
          MutexLock lock(mutex_);
          problem_ = health.reason;
        }
        stop_();
      }
    }
    MutexLock lock(mutex_);
    if (!stopping_) changed_.WaitFor(mutex_, kLook);
    if (stopping_) return;
  }
}

}  // namespace muster::server
