#include "server/jobs/window_keeper.h"

#include "absl/time/time.h"

namespace muster::server {
namespace {

constexpr absl::Duration kEvery = absl::Hours(1);

}  // namespace

WindowKeeper::WindowKeeper(WindowBook& book) : book_(book) {
  thread_ = std::thread([this] { Run(); });
}

WindowKeeper::~WindowKeeper() { Stop(); }

void WindowKeeper::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    woken_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void WindowKeeper::Run() {
  for (;;) {
    // At the start too: nobody renewed while musterd was away.
    book_.RenewAll();
    MutexLock lock(mutex_);
    if (!stopping_) woken_.WaitFor(mutex_, kEvery);
    if (stopping_) return;
  }
}

}  // namespace muster::server
