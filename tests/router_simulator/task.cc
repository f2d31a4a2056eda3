#include "tests/router_simulator/task.h"

#include <utility>

namespace muster::simulator {

Task::Task(Router* router, int64_t id, std::string script, uint32_t policy)
    : evaluator(router, this, policy),
      router_(router),
      id_(id),
      script_(std::move(script)),
      wake_(router->now()) {
  started = router->WallClock();
  evaluator.RedirectOutput(&output);
}

Task::~Task() {
  // What stands on the stack must be let go.
  if (begun_ && !ended_) {
    killed_ = true;
    while (!Resume()) {
    }
  }
}

bool Task::Resume() {
  if (ended_) return true;
  if (killed_ && !begun_) {
    ended_ = true;
    return true;
  }
  if (!fiber_) fiber_ = std::make_unique<Fiber>([this] { Main(); });
  begun_ = true;
  waits_for_reply_ = false;
  ended_ = fiber_->Resume();
  if (ended_) fiber_.reset();
  return ended_;
}

void Task::Main() {
  Value value;
  const bool good = body ? body(evaluator, &value) : evaluator.RunProgram(program, &value);
  const Unwind unwind = evaluator.TakeUnwind();
  if (good) {
    result.value = std::move(value);
  } else if (unwind.kind == UnwindKind::kReturn) {
    result.value = unwind.value;
  } else if (unwind.kind == UnwindKind::kError) {
    result.ok = false;
    result.error = unwind.text;
    if (report_errors) {
      router_->ReportError(script_, unwind.text, unwind.line, unwind.column, false);
    }
  } else if (unwind.kind == UnwindKind::kKilled) {
    result.ok = false;
    result.error = "interrupted";
  }
}

void Task::Kill() {
  killed_ = true;
  wake_ = router_->now();
  waits_for_reply_ = false;
}

bool Task::Wait(absl::Duration wake) {
  wake_ = wake;
  if (!killed_) fiber_->Suspend();
  return !killed_;
}

bool Task::WaitForReply(HttpReply* reply) {
  waits_for_reply_ = true;
  wake_ = absl::InfiniteDuration();
  if (!killed_) fiber_->Suspend();
  waits_for_reply_ = false;
  if (killed_) return false;
  *reply = std::move(reply_);
  return true;
}

bool Task::WaitForEnd(const Task& other) {
  waits_for_task_ = other.id();
  wake_ = absl::InfiniteDuration();
  if (!killed_) fiber_->Suspend();
  waits_for_task_ = 0;
  return !killed_;
}

void Task::Deliver(HttpReply reply) {
  reply_ = std::move(reply);
  wake_ = router_->now();
  waits_for_reply_ = false;
}

}  // namespace muster::simulator
