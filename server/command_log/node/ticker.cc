// Ticks, and the steps that nobody asks for. Both are commands like others: on a cluster the holder
// of the tick lease proposes them, and apply knows no difference.
#include "server/command_log/node/ticker.h"

#include <algorithm>

#include "common/log/log.h"

namespace muster::server {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);
constexpr absl::Duration kSlew = absl::Milliseconds(1);
// No Tick of anybody for so long: the node that had the duty is gone, and jobs need not wait for
// the next one.
constexpr absl::Duration kNobodyTicks = absl::Milliseconds(1500);

// "musterd" in the audit: what the system did by itself.
Command CommandOf(absl::string_view method) {
  Command command;
  command.mutable_actor()->set_principal("musterd");
  command.set_method(std::string(method));
  return command;
}

}  // namespace

SlewedClock::SlewedClock(const Clock& clock)
    : clock_(clock), time_(clock.Now()), monotonic_(clock.Monotonic()) {}

absl::Time SlewedClock::Next() {
  const absl::Duration monotonic = clock_.Monotonic();
  // As fast as real time passes, whatever is done to the wall clock.
  time_ += monotonic - monotonic_;
  monotonic_ = monotonic;
  // A wall clock that was set an hour off is followed by 1 ms a Tick, in some 40 days; a restart
  // takes it at once, as a jump.
  time_ += std::clamp(clock_.Now() - time_, -kSlew, kSlew);
  return time_;
}

Ticker::Ticker(CommandLog& log, const Store& store, State& state, const Clock& clock,
               const TickDuty* duty)
    : log_(log),
      store_(store),
      state_(state),
      machine_(clock),
      duty_(duty),
      seen_time_(state.StateTime()),
      seen_at_(clock.Monotonic()) {
  // State time never goes back: until the clock has caught up nothing falls due.
  const absl::Duration behind = state.StateTime() - clock.Now();
  if (behind > absl::Seconds(2)) {
    LogWarning("command_log", "the clock of this machine is behind the state; time stands still",
               {{"behind", absl::FormatDuration(behind)}});
  }
  subscription_ = state.Subscribe([this](const ChangeBatch& batch) {
    const bool jobs = std::any_of(batch.changes.begin(), batch.changes.end(),
                                  [](const Change& c) { return c.kind == ChangeKind::kJob; });
    if (!jobs) return;
    MutexLock lock(mutex_);
    jobs_changed_ = true;
    woken_.NotifyAll();
  });
  if (IsMine()) ProposeTick();
  thread_ = std::thread([this] { Run(); });
}

Ticker::~Ticker() { Stop(); }

void Ticker::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    woken_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  subscription_.reset();
}

bool Ticker::IsMine() {
  const bool mine = duty_ == nullptr || duty_->IsMine();
  // A clock that has run on beside the duty could be far from what the others brought in meanwhile.
  if (!mine) clock_.reset();
  if (mine && !clock_.has_value()) clock_.emplace(machine_);
  return mine;
}

bool Ticker::IsExpander(bool mine) {
  const absl::Time time = state_.StateTime();
  const absl::Duration now = machine_.Monotonic();
  if (time != seen_time_) {
    seen_time_ = time;
    seen_at_ = now;
  }
  return mine || now - seen_at_ > kNobodyTicks;
}

void Ticker::Run() {
  // By the monotonic clock: a wall clock that is set back by an hour would else stop time for one.
  absl::Duration next = machine_.Monotonic() + kTick;
  for (;;) {
    bool expand = false;
    {
      MutexLock lock(mutex_);
      while (!stopping_ && !jobs_changed_ && machine_.Monotonic() < next) {
        woken_.WaitFor(mutex_, next - machine_.Monotonic());
      }
      if (stopping_) return;
      // Cleared before the work: what changes meanwhile asks for another round.
      std::swap(expand, jobs_changed_);
    }
    const bool mine = IsMine();
    const bool expander = IsExpander(mine);
    if (expand && expander) ExpandJobs(next);
    if (machine_.Monotonic() < next) continue;
    if (mine) ProposeTick();
    // A Tick that was late does not make the following ones come in a crowd.
    next = std::max(next + kTick, machine_.Monotonic());
    // An unsealed job that Tick closed tells nobody.
    if (expander) ExpandJobs(next);
  }
}

void Ticker::ProposeTick() {
  Command command = CommandOf("Tick");
  command.mutable_tick()->set_time_us(absl::ToUnixMicros(clock_->Next()));
  const absl::StatusOr<Applied> applied = log_.Propose(std::move(command));
  if (!applied.ok()) {
    // The queue is full, or the log is stopping; time goes on with the next.
    LogWarning("command_log", "a Tick was not taken", {{"why", applied.status().ToString()}});
  }
}

void Ticker::ExpandJobs(absl::Duration until) {
  while (const uint64_t job = store_.NextJobToExpand()) {
    Command command = CommandOf("ExpandJob");
    command.mutable_expand_job()->set_job_id(job);
    // A refusal would be repeated for ever; the next Tick asks again.
    if (!log_.Propose(std::move(command)).ok()) return;
    MutexLock lock(mutex_);
    if (stopping_) return;
    if (machine_.Monotonic() < until) continue;
    // A job on a million devices takes minutes; without Ticks in between time would jump over them.
    jobs_changed_ = true;
    return;
  }
}

}  // namespace muster::server
