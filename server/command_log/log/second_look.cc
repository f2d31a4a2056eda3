#include "server/command_log/log/second_look.h"

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "absl/time/time.h"

namespace muster::server {
namespace {

using std::chrono::steady_clock;

// As long as a call without a key may hold a thread.
constexpr absl::Duration kLongest = absl::Seconds(1);
// Between two barriers: 50 a second at most, whoever asks.
constexpr std::chrono::milliseconds kPause{20};

}  // namespace

SecondLook::SecondLook(CommandLog& log) : log_(log), thread_([this] { Run(); }) {}

SecondLook::~SecondLook() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void SecondLook::Ask(Done done) {
  {
    MutexLock lock(mutex_);
    if (!stopping_ && waiting_.size() + under_way_ < kMostWaiting) {
      waiting_.push_back(std::move(done));
      changed_.NotifyAll();
      return;
    }
  }
  done(false);
}

bool SecondLook::Wait() {
  auto fresh = std::make_shared<std::promise<bool>>();
  std::future<bool> answer = fresh->get_future();
  Ask([fresh](bool is) { fresh->set_value(is); });
  return answer.get();
}

void SecondLook::Run() {
  for (;;) {
    std::vector<Done> asked;
    bool stopping = false;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.WaitFor(mutex_, absl::Seconds(60));
      asked.swap(waiting_);
      under_way_ = asked.size();
      stopping = stopping_;
    }
    // Begun after all of them asked, so it is good for all of them.
    const bool fresh = !stopping && log_.ReadBarrier(kLongest).ok();
    for (Done& done : asked) done(fresh);
    MutexLock lock(mutex_);
    under_way_ = 0;
    if (stopping_ && waiting_.empty()) return;
    const auto next = steady_clock::now() + kPause;
    for (auto now = steady_clock::now(); !stopping_ && now < next; now = steady_clock::now()) {
      changed_.WaitFor(mutex_, absl::FromChrono(next - now));
    }
  }
}

}  // namespace muster::server
