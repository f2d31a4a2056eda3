// A stack of its own for a running script, so that `:delay` and `/tool fetch` can leave it in
// the middle and come back.
//
// Threads:  one thread at a time; it may be another one after each Suspend.
// Owns:     its stack (address space is taken at once, memory as it is touched).
// Errors:   none; the body must not throw.
// Example:  router_test.cc, RunsABackgroundJobWhileOthersGoOn.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace muster::simulator {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  // The body must have ended, or never begun: a stack that is thrown away would leak what stands
  // on it.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs until the body suspends or ends; true once it has ended.
  bool Resume();
  // From inside of the body: goes back to whoever called Resume.
  void Suspend();

 private:
  static void Start(unsigned high, unsigned low);

  std::function<void()> body_;
  void* stack_ = nullptr;
  size_t stack_bytes_ = 0;
  ucontext_t inside_;
  ucontext_t outside_;
  bool ended_ = false;
  // What the sanitizers want to know about stack switches.
  [[maybe_unused]] void* inside_fake_stack_ = nullptr;
  [[maybe_unused]] void* outside_fake_stack_ = nullptr;
  [[maybe_unused]] const void* outside_bottom_ = nullptr;
  [[maybe_unused]] size_t outside_size_ = 0;
  [[maybe_unused]] void* inside_thread_ = nullptr;
  [[maybe_unused]] void* outside_thread_ = nullptr;
};

}  // namespace muster::simulator
