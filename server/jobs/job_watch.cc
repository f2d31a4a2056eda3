// Watches of jobs. One thread reads and writes for all of them, a step at a time: under the mutex
// it is decided what to do, without it the state is read and the sink called. A watch has at most
// one message under way, which is all the memory that a slow reader costs.
#include "server/jobs/job_watch.h"

#include <chrono>
#include <utility>

#include "common/status/status_macros.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

// One thread serves all of them; more is an error of a client.
constexpr size_t kMostWatches = 1000;
constexpr size_t kTargetsPerMessage = 1000;
// Well within the 5 s that are promised.
constexpr absl::Duration kKeyCheckInterval = absl::Seconds(2);
// How long a message may be under way at the end, so that the reader learns why it ended.
constexpr std::chrono::seconds kGrace{1};

}  // namespace

struct JobWatches::Watch {
  Watch(OrganizationScope s, JobId j, const ChangePlace& after, JobWatchSink* k)
      : scope(std::move(s)), job(j), sink(k), place(after) {}

  OrganizationScope scope;
  JobId job;
  JobWatchSink* sink;
  ChangePlace place;
  // The first listing is told.
  bool synced = false;
  // There may be something to read.
  bool changed = true;
  bool message_under_way = false;
  bool aborted = false;
  // The job was seen ended: what is read from then on is the last.
  bool end_seen = false;
  // Start has let it go; until then nothing is sent.
  bool begun = false;
  // Set: nothing more is sent.
  std::optional<absl::Status> end;
  std::chrono::steady_clock::time_point end_time;

  // The first reason stays.
  void SetEnd(absl::Status status) {
    if (end.has_value()) return;
    end = std::move(status);
    end_time = std::chrono::steady_clock::now();
  }
  // Its reader takes nothing: the message under way is dropped, so that End can be said.
  bool IsOverdue() const {
    return end.has_value() && !aborted && std::chrono::steady_clock::now() - end_time >= kGrace;
  }
};

struct JobWatches::Step {
  enum class Kind { kSend, kAbort, kEnd };
  Kind kind = Kind::kSend;
  WatchId id = 0;
  JobWatchSink* sink = nullptr;
  std::optional<OrganizationScope> scope;
  JobId job;
  ChangePlace place;
  bool synced = false;
  bool end_seen = false;
  absl::Status end;
};

JobWatches::JobWatches(State& state, const JobBoard& board, const Authorizer& authorizer)
    : board_(board), authorizer_(authorizer) {
  subscription_ = state.Subscribe([this](const ChangeBatch& batch) { Hear(batch); });
  thread_ = std::thread([this] { Run(); });
}

JobWatches::~JobWatches() {
  Stop();
  subscription_.reset();
}

absl::StatusOr<JobWatches::WatchId> JobWatches::Start(const OrganizationScope& scope, JobId job,
                                                      const ChangePlace& after,
                                                      JobWatchSink* sink) {
  WatchId id = 0;
  {
    MutexLock lock(mutex_);
    if (stopping_) return ShuttingDown();
    if (watches_.size() >= kMostWatches) return TooManyStreams();
    id = ++last_id_;
    watches_.emplace(id, std::make_unique<Watch>(scope, job, after, sink));
  }
  const absl::Status known = board_.Get(scope, job).status();
  // Before anything can be sent, and outside of the lock, since a sink may call back.
  if (known.ok()) sink->Begun(id);
  MutexLock lock(mutex_);
  if (!known.ok()) {
    watches_.erase(id);
    return known;
  }
  watches_.at(id)->begun = true;
  ready_.insert(id);
  wake_.NotifyOne();
  return id;
}

void JobWatches::Taken(WatchId id, bool ok) {
  MutexLock lock(mutex_);
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second->message_under_way = false;
  if (!ok) found->second->SetEnd(absl::CancelledError("gone"));
  ready_.insert(id);
  wake_.NotifyOne();
}

void JobWatches::Cancel(WatchId id) {
  MutexLock lock(mutex_);
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second->SetEnd(absl::CancelledError("gone"));
  ready_.insert(id);
  wake_.NotifyOne();
}

void JobWatches::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (auto& [id, watch] : watches_) {
      watch->SetEnd(ShuttingDown());
      ready_.insert(id);
    }
    wake_.NotifyOne();
  }
  // The thread says End to every watch before it returns.
  if (thread_.joinable()) thread_.join();
}

size_t JobWatches::size() const {
  MutexLock lock(mutex_);
  return watches_.size();
}

void JobWatches::Hear(const ChangeBatch& batch) {
  MutexLock lock(mutex_);
  for (const Change& change : batch.changes) {
    // A revoked key ends its watches at once, not with the next interval.
    keys_changed_ = keys_changed_ || change.kind == ChangeKind::kApiKey;
    if (change.kind != ChangeKind::kJobTarget && change.kind != ChangeKind::kJob) continue;
    for (auto& [id, watch] : watches_) {
      if (watch->job != change.job) continue;
      watch->changed = true;
      ready_.insert(id);
    }
  }
  if (!ready_.empty() || keys_changed_) wake_.NotifyOne();
}

void JobWatches::Run() {
  std::chrono::steady_clock::time_point checked = std::chrono::steady_clock::now();
  while (true) {
    Step step;
    bool has_step = false;
    bool check_keys = false;
    {
      MutexLock lock(mutex_);
      // Every watch gets its End first.
      if (stopping_ && watches_.empty()) return;
      // Half of the interval, so that a grace that has run out is seen within a second.
      if (ready_.empty() && !keys_changed_) wake_.WaitFor(mutex_, kKeyCheckInterval / 2);
      const auto now = std::chrono::steady_clock::now();
      const bool due = now - checked >= absl::ToChronoMilliseconds(kKeyCheckInterval);
      check_keys = keys_changed_ || due;
      if (due) checked = now;
      FindOverdue();
      keys_changed_ = false;
      has_step = TakeStep(&step);
    }
    if (check_keys) CheckKeys();
    if (has_step) Do(step);
  }
}

void JobWatches::CheckKeys() {
  std::vector<std::pair<WatchId, Caller>> callers;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, watch] : watches_) callers.emplace_back(id, watch->scope.caller());
  }
  for (const auto& [id, caller] : callers) {
    // Without the lock: it reads the file.
    const absl::Status valid = authorizer_.StillValid(caller);
    if (valid.ok()) continue;
    MutexLock lock(mutex_);
    const auto found = watches_.find(id);
    // It ended while its key was looked at.
    if (found == watches_.end()) continue;
    found->second->SetEnd(valid);
    ready_.insert(id);
  }
}

void JobWatches::FindOverdue() {
  for (const auto& [id, watch] : watches_) {
    if (watch->message_under_way && watch->IsOverdue()) ready_.insert(id);
  }
}

bool JobWatches::TakeStep(Step* step) {
  while (!ready_.empty()) {
    const WatchId id = *ready_.begin();
    ready_.erase(ready_.begin());
    const auto found = watches_.find(id);
    if (found == watches_.end()) continue;
    Watch& watch = *found->second;
    // Its sink doesn't know its name yet.
    if (!watch.begun) continue;
    if (watch.message_under_way && !watch.IsOverdue()) continue;
    if (!watch.changed && !watch.end.has_value()) continue;
    step->id = id;
    PlanStep(watch, step);
    return true;
  }
  return false;
}

void JobWatches::PlanStep(Watch& watch, Step* step) {
  step->sink = watch.sink;
  if (watch.end.has_value()) {
    step->kind = watch.message_under_way ? Step::Kind::kAbort : Step::Kind::kEnd;
    step->end = *watch.end;
    // Once: Taken must follow, and then End.
    watch.aborted = true;
    return;
  }
  step->kind = Step::Kind::kSend;
  step->scope = watch.scope;
  step->job = watch.job;
  step->place = watch.place;
  step->synced = watch.synced;
  step->end_seen = watch.end_seen;
  // What is noted from here on is in the next message.
  watch.changed = false;
  watch.message_under_way = true;
}

absl::StatusOr<JobWatchMessage> JobWatches::Read(const Step& step) const {
  JobWatchMessage message;
  ASSIGN_OR_RETURN(message.targets, board_.ListChangedTargets(*step.scope, step.job, step.place,
                                                              kTargetsPerMessage));
  message.place = step.place;
  if (!message.targets.empty()) {
    const JobTarget& last = message.targets.back().target;
    message.place = {last.change_index, last.device};
  }
  // The page that is not full is the last.
  message.synced = !step.synced && message.targets.size() < kTargetsPerMessage;
  // Read last, so it may be newer than the targets; what falls between comes with the next message.
  ASSIGN_OR_RETURN(message.job, board_.Get(*step.scope, step.job));
  message.job.script.clear();
  return message;
}

void JobWatches::Do(const Step& step) {
  if (step.kind == Step::Kind::kEnd) return Finish(step.id, step.sink, step.end);
  if (step.kind == Step::Kind::kAbort) return step.sink->Abort();
  const absl::StatusOr<JobWatchMessage> message = Read(step);
  if (!message.ok()) return Finish(step.id, step.sink, message.status());
  const bool has_ended = message->job.end_time_us != 0;
  if (has_ended && step.end_seen && step.synced && message->targets.empty()) {
    return Finish(step.id, step.sink, absl::OkStatus());
  }
  {
    MutexLock lock(mutex_);
    // Only this thread erases watches, so it is still there.
    Watch& watch = *watches_.at(step.id);
    watch.place = message->place;
    watch.synced = watch.synced || message->synced;
    watch.end_seen = has_ended;
    const bool has_more = message->targets.size() == kTargetsPerMessage;
    // At the end once more: the last changes may have come between the two reads.
    watch.changed = watch.changed || has_more || has_ended;
  }
  // Without the lock; the next step of this watch waits for Taken.
  step.sink->Send(*step.scope, *message);
}

void JobWatches::Finish(WatchId id, JobWatchSink* sink, const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    watches_.erase(id);
    ready_.erase(id);
  }
  // After it was erased: the sink may be gone when this returns.
  sink->End(status);
}

}  // namespace muster::server
