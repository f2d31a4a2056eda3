#include "tests/router_simulator/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define MUSTER_FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MUSTER_FIBER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define MUSTER_FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MUSTER_FIBER_TSAN 1
#endif
#endif

#ifdef MUSTER_FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef MUSTER_FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace muster::simulator {
namespace {

constexpr size_t kGuardBytes = 4096;
#if defined(MUSTER_FIBER_ASAN) || defined(MUSTER_FIBER_TSAN)
constexpr size_t kStackBytes = 8 << 20;
#else
constexpr size_t kStackBytes = 2 << 20;
#endif

}  // namespace

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), stack_bytes_(kStackBytes + kGuardBytes) {
  stack_ = mmap(nullptr, stack_bytes_, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack_ == MAP_FAILED) std::abort();
  if (mprotect(stack_, kGuardBytes, PROT_NONE) != 0) std::abort();
  getcontext(&inside_);
  inside_.uc_stack.ss_sp = static_cast<char*>(stack_) + kGuardBytes;
  inside_.uc_stack.ss_size = kStackBytes;
  inside_.uc_link = nullptr;
  const uintptr_t self = reinterpret_cast<uintptr_t>(this);
  makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::Start), 2,
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
#ifdef MUSTER_FIBER_TSAN
  inside_thread_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#ifdef MUSTER_FIBER_TSAN
  __tsan_destroy_fiber(inside_thread_);
#endif
  munmap(stack_, stack_bytes_);
}

void Fiber::Start(unsigned high, unsigned low) {
  auto* self = reinterpret_cast<Fiber*>(static_cast<uintptr_t>(high) << 32 | low);
#ifdef MUSTER_FIBER_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->outside_bottom_, &self->outside_size_);
#endif
  self->body_();
  self->body_ = nullptr;
  self->ended_ = true;
#ifdef MUSTER_FIBER_ASAN
  __sanitizer_start_switch_fiber(nullptr, self->outside_bottom_, self->outside_size_);
#endif
#ifdef MUSTER_FIBER_TSAN
  __tsan_switch_to_fiber(self->outside_thread_, 0);
#endif
  setcontext(&self->outside_);
}

bool Fiber::Resume() {
  if (ended_) return true;
#ifdef MUSTER_FIBER_ASAN
  __sanitizer_start_switch_fiber(&outside_fake_stack_, inside_.uc_stack.ss_sp,
                                 inside_.uc_stack.ss_size);
#endif
#ifdef MUSTER_FIBER_TSAN
  outside_thread_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(inside_thread_, 0);
#endif
  swapcontext(&outside_, &inside_);
#ifdef MUSTER_FIBER_ASAN
  __sanitizer_finish_switch_fiber(outside_fake_stack_, nullptr, nullptr);
#endif
  return ended_;
}

void Fiber::Suspend() {
#ifdef MUSTER_FIBER_ASAN
  __sanitizer_start_switch_fiber(&inside_fake_stack_, outside_bottom_, outside_size_);
#endif
#ifdef MUSTER_FIBER_TSAN
  __tsan_switch_to_fiber(outside_thread_, 0);
#endif
  swapcontext(&inside_, &outside_);
#ifdef MUSTER_FIBER_ASAN
  __sanitizer_finish_switch_fiber(inside_fake_stack_, &outside_bottom_, &outside_size_);
#endif
}

}  // namespace muster::simulator
