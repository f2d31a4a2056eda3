#include "tests/router_simulator/program/fleet.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace muster::simulator {
namespace {

struct Board {
  absl::string_view name;
  absl::string_view architecture;
  bool routerboard;
};
constexpr Board kBoards[] = {{"hEX", "mmips", true},
                             {"RB4011iGS+", "arm", true},
                             {"hAP ac^2", "arm", true},
                             {"CHR", "x86_64", false},
                             {"CCR2004-16G-2S+", "arm64", true}};

// Enough that a slow edge doesn't hold up the others, few enough for one machine.
int ThreadsFor(const FleetOptions& options) {
  if (options.threads > 0) return options.threads;
  return std::clamp(options.count, 2, 48);
}

absl::Duration Monotonic() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

Fleet::Fleet(FleetOptions options, HttpTransport* transport)
    : options_(std::move(options)), transport_(transport), started_(absl::Now()) {
  started_ = absl::UnixEpoch() + Monotonic();
  for (int i = 0; i < options_.count; ++i) {
    members_.push_back(std::make_unique<FleetMember>(i, OptionsOf(i), transport_,
                                                     options_.behaviours, options_.quiet));
  }
}

Fleet::~Fleet() { Stop(); }

absl::Duration Fleet::Now() const {
  return (absl::UnixEpoch() + Monotonic() - started_) * options_.speed;
}

RouterOptions Fleet::OptionsOf(int index) const {
  RouterOptions options;
  const size_t which = static_cast<size_t>(index);
  options.version = options_.versions[which % options_.versions.size()];
  // Boards and versions in steps that don't divide each other, so that all pairs come up.
  const Board& board = kBoards[(which + which / options_.versions.size()) % std::size(kBoards)];
  options.board = std::string(board.name);
  options.architecture = std::string(board.architecture);
  options.routerboard = board.routerboard;
  const uint64_t number = options_.seed * 100'000 + which;
  options.serial = absl::StrFormat("SIM%09X", number);
  options.software_id = absl::StrFormat("%04X-%04X", (number >> 16) & 0xFFFF, number & 0xFFFF);
  options.identity = absl::StrFormat("sim-%04d", index);
  options.mac = absl::StrFormat("48:8F:%02X:%02X:%02X:%02X", (number >> 21) & 255,
                                (number >> 13) & 255, (number >> 5) & 255, (number << 3) & 255);
  options.seed = number;
  options.clock = absl::Now();
  options.dumps = options_.dumps;
  options.beat_interval = options_.interval;
  ApplyToOptions(options_.behaviours, &options);
  return options;
}

void Fleet::Start() {
  const int count = size();
  for (int i = 0; i < count; ++i) {
    FleetMember& member = *members_[static_cast<size_t>(i)];
    const MutexLock lock(member.mutex);
    member.born = Now() + options_.interval * i / count;
    member.waits_for_neighbour = options_.behaviours.count("clone") > 0 && i % 2 == 1;
    Schedule(member, member.born);
  }
  for (int i = 0; i < ThreadsFor(options_); ++i) threads_.emplace_back([this] { Work(); });
}

void Fleet::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  first_wake_changed_.NotifyAll();
  leader_left_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Fleet::Schedule(FleetMember& member, absl::Duration at) {
  if (at >= member.scheduled || at == absl::InfiniteDuration()) return;
  member.scheduled = at;
  {
    const MutexLock lock(mutex_);
    wakes_.push({at, member.index});
    if (wakes_.top().index != member.index) return;
  }
  first_wake_changed_.NotifyOne();
}

// One thread, the leader, waits for the first wake; were it all of them, each wake would wake all.
int Fleet::WaitForWake() {
  const MutexLock lock(mutex_);
  while (led_ && !stopping_) leader_left_.Wait(mutex_);
  led_ = true;
  int index = -1;
  while (!stopping_ && index < 0) {
    const absl::Duration rest = wakes_.empty() ? absl::Seconds(1) : wakes_.top().at - Now();
    if (rest <= absl::ZeroDuration()) {
      index = wakes_.top().index;
      wakes_.pop();
    } else {
      first_wake_changed_.WaitFor(mutex_, std::min(rest / options_.speed, absl::Seconds(1)));
    }
  }
  led_ = false;
  leader_left_.NotifyOne();
  return index;
}

void Fleet::Work() {
  for (int index = WaitForWake(); index >= 0; index = WaitForWake()) Turn(index);
}

bool Fleet::BeginLife(FleetMember& member) {
  if (member.waits_for_neighbour) {
    FleetMember& neighbour = *members_[static_cast<size_t>(member.index) - 1];
    const MutexLock lock(neighbour.mutex);
    if (neighbour.counts.enrolled == 0) return false;
    member.router->RestoreConfig(neighbour.router->CopyConfig());
    member.waits_for_neighbour = false;
    member.pasted = true;
    return true;
  }
  if (!member.pasted) {
    member.pasted = true;
    member.router->Paste(options_.bootstrap);
  }
  return true;
}

void Fleet::TellTurn(FleetMember& member) {
  member.turned.NotifyAll();
  {
    const MutexLock lock(mutex_);
    ++turns_;
  }
  turned_.NotifyAll();
}

bool Fleet::WaitUntil(const std::function<bool()>& condition, absl::Duration patience) {
  const absl::Duration deadline = Monotonic() + patience;
  while (true) {
    uint64_t seen = 0;
    {
      const MutexLock lock(mutex_);
      seen = turns_;
    }
    if (condition()) return true;
    const MutexLock lock(mutex_);
    while (turns_ == seen) {
      const absl::Duration rest = deadline - Monotonic();
      if (rest <= absl::ZeroDuration()) return false;
      turned_.WaitFor(mutex_, rest);
    }
  }
}

void Fleet::Turn(int index) {
  FleetMember& member = *members_[static_cast<size_t>(index)];
  std::vector<std::shared_ptr<BlockingCall>> calls;
  {
    const MutexLock lock(member.mutex);
    member.scheduled = absl::InfiniteDuration();
    if (!BeginLife(member)) {
      Schedule(member, Now() + options_.interval);
      return;
    }
    member.mishaps->BetweenTurns(*member.router);
    calls = member.router->Step(Now() - member.born);
    member.ReportPaste();
    Schedule(member, member.router->NextWake() + member.born);
  }
  TellTurn(member);
  for (const auto& call : calls) {
    call->Run();
    const MutexLock lock(member.mutex);
    member.router->Complete(call);
    Schedule(member, Now());
  }
}

FleetCounts Fleet::Counts() const {
  FleetCounts sum;
  for (const auto& member : members_) {
    const MutexLock lock(member->mutex);
    sum.Add(member->counts);
  }
  return sum;
}

}  // namespace muster::simulator
