// Watches of devices. Two sources of news: apply keeps the order in which it has changed devices,
// and a scan over the statuses finds what only check-ins have changed, of which apply says nothing:
// a message for each of 33,000 check-ins a second would be the most expensive part of the log.
#include "server/devices/device_watch.h"

#include <algorithm>
#include <optional>

#include "absl/time/time.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/feature_level.h"
#include "server/devices/device_match.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMostWatches = 64;
constexpr size_t kChangesPerMessage = 500;
// Above this many that a scan has found and nobody read yet, all devices are read again.
constexpr size_t kMostPending = 65'536;
// Devices that all watches together remember.
// About 160 MB at 40 bytes each; more ends the watches that ask for it.
constexpr size_t kMostRemembered = 4'000'000;
// Of them, as long as there are fewer, also those that were told as gone.
constexpr size_t kMostToldGone = 1'000'000;
constexpr std::chrono::seconds kTick{1};
// A scan may take this share of the time.
// A scan of a million devices takes 0.2 s; it is then made every 4 s.
constexpr int kScanShare = 20;
// How long a message may be under way at the end, so that the reader learns why it ended.
constexpr std::chrono::seconds kGrace{1};

}  // namespace

// What is remembered of a device, to see what changes.
struct DeviceWatches::Seen {
  int64_t check_in_us = 0;
  FilterVerdict verdict = FilterVerdict::kNo;
  bool matched = false;
};

struct DeviceWatches::Watch {
  Watch(OrganizationScope s, DeviceWatchTerms t, DeviceWatchSink* k)
      : scope(std::move(s)),
        terms(std::move(t)),
        sink(k),
        place(terms.after.value_or(ChangePlace{})) {}

  const OrganizationScope scope;
  const DeviceWatchTerms terms;
  DeviceWatchSink* const sink;

  // The thread's own. Changes were read up to here; more may be there.
  ChangePlace place;
  bool behind = true;
  bool synced = false;
  // What the scan has found, and the last of it that was read: the next one is behind it, so that
  // each gets its turn.
  std::set<uint64_t> pending;
  uint64_t last_read = 0;
  // Changes are sent once a second.
  bool may_send = true;
  // The thread's own, so that a scan takes no lock a device.
  absl::flat_hash_map<uint64_t, Seen> seen;

  // Guarded by the watches' mutex.
  bool begun = false;
  bool under_way = false;
  bool aborted = false;
  std::optional<absl::Status> end;
  steady_clock::time_point end_time;

  void SetEnd(absl::Status status) {
    if (end.has_value()) return;
    end = std::move(status);
    end_time = steady_clock::now();
  }

  void Pend(uint64_t device) {
    pending.insert(device);
    if (pending.size() <= kMostPending) return;
    // Everything again: the set would cost more than the listing.
    pending.clear();
    place = ChangePlace{};
    behind = true;
  }

  // Whether a device must be read again because of what its status shows now.
  bool IsNews(uint64_t device, const DeviceStatus& status, const FilterStatus& for_filter,
              int64_t now_us) {
    const FilterVerdict verdict = terms.filter.MatchStatus(for_filter, now_us);
    const auto found = seen.find(device);
    if (found == seen.end()) {
      return verdict == FilterVerdict::kYes ||
             (verdict == FilterVerdict::kNeedsFacts && terms.filter.reads_check_ins());
    }
    Seen& row = found->second;
    // Was none of ours and is none.
    if (!row.matched && verdict == FilterVerdict::kNo) return false;
    const bool checked_in = status.last_check_in_us != row.check_in_us;
    // The row must be read to know, and a check-in can have changed what it says (the address).
    const bool open = verdict == FilterVerdict::kNeedsFacts && terms.filter.reads_check_ins();
    return verdict != row.verdict ||
           (checked_in && (open || (row.matched && terms.include_status)));
  }
};

DeviceWatches::DeviceWatches(State& state, const Authorizer& authorizer)
    : state_(state), authorizer_(authorizer), next_scan_(steady_clock::now()) {
  subscription_ = state.Subscribe([this](const ChangeBatch& batch) { Hear(batch); });
  thread_ = std::thread([this] { Run(); });
}

DeviceWatches::~DeviceWatches() {
  Stop();
  subscription_.reset();
}

absl::StatusOr<DeviceWatches::WatchId> DeviceWatches::Start(const OrganizationScope& scope,
                                                            DeviceWatchTerms terms,
                                                            DeviceWatchSink* sink) {
  RETURN_IF_ERROR(CheckFeatureLevel(state_.FeatureLevel(), kPresenceLevel));
  WatchId id = 0;
  {
    MutexLock lock(mutex_);
    if (stopping_) return ShuttingDown();
    if (watches_.size() >= kMostWatches) return TooManyStreams();
    id = ++last_id_;
    watches_.emplace(id, std::make_unique<Watch>(scope, std::move(terms), sink));
  }
  // Without the lock: the sink may call back.
  sink->Begun(id);
  MutexLock lock(mutex_);
  watches_.at(id)->begun = true;
  work_ = true;
  wake_.NotifyOne();
  return id;
}

void DeviceWatches::Taken(WatchId id, bool ok) {
  MutexLock lock(mutex_);
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second->under_way = false;
  // The stream has broken: nobody is there to read the rest.
  if (!ok) found->second->SetEnd(absl::CancelledError("gone"));
  work_ = true;
  wake_.NotifyOne();
}

void DeviceWatches::Cancel(WatchId id) {
  MutexLock lock(mutex_);
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second->SetEnd(absl::CancelledError("gone"));
  work_ = true;
  wake_.NotifyOne();
}

void DeviceWatches::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (auto& [id, watch] : watches_) watch->SetEnd(ShuttingDown());
    work_ = true;
    wake_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
}

size_t DeviceWatches::size() const {
  MutexLock lock(mutex_);
  return watches_.size();
}

void DeviceWatches::Hear(const ChangeBatch& batch) {
  MutexLock lock(mutex_);
  // Nearly always: the log pays one lock.
  if (watches_.empty()) return;
  for (const Change& change : batch.changes) {
    if (change.kind == ChangeKind::kDevice || change.kind == ChangeKind::kDeviceOnline) {
      heard_.insert(change.organization);
    }
  }
}

void DeviceWatches::Run() {
  steady_clock::time_point next_tick = steady_clock::now();
  bool again = false;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (stopping_ && watches_.empty()) return;
      const auto now = steady_clock::now();
      if (!work_ && !again && now < next_tick) {
        wake_.WaitFor(mutex_, absl::FromChrono(next_tick - now));
      }
      // Before the work: what comes meanwhile wakes the thread again.
      work_ = false;
    }
    if (steady_clock::now() >= next_tick) {
      Tick();
      next_tick = steady_clock::now() + kTick;
    }
    again = false;
    // One step each in turn: a long listing does not hold up the others.
    for (const auto& [id, watch] : Begun()) again = Serve(id) || again;
  }
}

std::vector<std::pair<DeviceWatches::WatchId, DeviceWatches::Watch*>> DeviceWatches::Begun() const {
  std::vector<std::pair<WatchId, Watch*>> begun;
  MutexLock lock(mutex_);
  for (const auto& [id, watch] : watches_) {
    if (watch->begun) begun.emplace_back(id, watch.get());
  }
  return begun;
}

void DeviceWatches::Tick() {
  CheckKeys();
  SpreadHeard();
  if (steady_clock::now() >= next_scan_) {
    const auto begin = steady_clock::now();
    Scan();
    const auto end = steady_clock::now();
    // Half a tick at least, so that a tick which comes a little early still scans.
    next_scan_ = begin + std::max<steady_clock::duration>(kTick / 2, (end - begin) * kScanShare);
  }
  for (const auto& [id, watch] : Begun()) watch->may_send = true;
}

void DeviceWatches::CheckKeys() {
  for (const auto& [id, watch] : Begun()) {
    const absl::Status valid = authorizer_.StillValid(watch->scope.caller());
    if (valid.ok()) continue;
    MutexLock lock(mutex_);
    watch->SetEnd(valid);
  }
}

void DeviceWatches::SpreadHeard() {
  std::set<OrganizationId> heard;
  {
    MutexLock lock(mutex_);
    heard.swap(heard_);
  }
  for (const auto& [id, watch] : Begun()) {
    if (heard.count(watch->scope.id()) != 0) watch->behind = true;
  }
}

void DeviceWatches::Scan() {
  // One walk an organization, however many watch it.
  std::map<OrganizationId, std::vector<Watch*>> groups;
  for (const auto& [id, watch] : Begun()) {
    // What the listing has not come to yet is read by it anyway.
    if (!watch->behind && !watch->terms.HasPlace()) groups[watch->scope.id()].push_back(watch);
  }
  const int64_t now_us = absl::ToUnixMicros(state_.StateTime());
  for (const auto& group : groups) {
    const std::vector<Watch*>& watches = group.second;
    state_.ScanStatuses(group.first, [&](DeviceId device, const DeviceStatus& status) {
      const FilterStatus for_filter = StatusForFilter(status);
      for (Watch* watch : watches) {
        if (watch->IsNews(device.value, status, for_filter, now_us)) watch->Pend(device.value);
      }
      return true;
    });
  }
}

bool DeviceWatches::Remembers(const Watch& watch, const Seen& row, bool is_here) const {
  // What does not match only where a check-in can change that, or where it would be told as gone a
  // second time.
  return row.matched || (is_here && watch.terms.filter.reads_check_ins()) ||
         (watch.terms.after.has_value() && remembered_ < kMostToldGone);
}

void DeviceWatches::Judge(Watch& watch, Device device, DeviceWatchMessage* message) {
  const uint64_t id = device.id.value;
  const int64_t now_us = absl::ToUnixMicros(state_.StateTime());
  // Moved away or deleted is gone, for this organization.
  const bool is_here = device.organization == watch.scope.id() && device.delete_time_us == 0;
  const auto found = watch.seen.find(id);
  // Nothing is known of what a watch told that goes on here: it may have matched.
  const bool matched_before =
      found != watch.seen.end() ? found->second.matched : watch.terms.after.has_value();
  Seen row;
  row.check_in_us = device.status.last_check_in_us;
  row.verdict = watch.terms.filter.MatchStatus(StatusForFilter(device.status), now_us);
  row.matched = is_here && FilterMatches(watch.terms.filter, device, now_us);
  // The row is made anew each time, so the count is right whatever was there.
  remembered_ -= watch.seen.erase(id);
  if (Remembers(watch, row, is_here)) {
    watch.seen.emplace(id, row);
    ++remembered_;
  }
  // It was looked at and is nobody's business.
  if (!row.matched && !matched_before) return;
  DeviceChange change;
  change.kind = !row.matched     ? DeviceChangeKind::kRemoved
                : matched_before ? DeviceChangeKind::kChanged
                                 : DeviceChangeKind::kAdded;
  if (device.organization == watch.scope.id()) {
    change.device = std::move(device);
  } else {
    // Where it went and what it is called there is not this organization's to know.
    change.device.id = DeviceId{id};
  }
  message->changes.push_back(std::move(change));
}

bool DeviceWatches::ReadChanged(Watch& watch, DeviceWatchMessage* message) {
  std::vector<Device> page =
      state_.ListChangedDevices(watch.scope.id(), watch.place, kChangesPerMessage);
  const bool last = page.size() < kChangesPerMessage;
  for (Device& device : page) {
    watch.place = {device.change_index, device.id};
    // What it shows now is told; the scan need not come back to it.
    watch.pending.erase(device.id.value);
    Judge(watch, std::move(device), message);
  }
  if (!last) return false;
  watch.behind = false;
  message->synced = !watch.synced;
  watch.synced = true;
  return true;
}

void DeviceWatches::ReadPending(Watch& watch, DeviceWatchMessage* message) {
  for (size_t read = 0; read < kChangesPerMessage && !watch.pending.empty(); ++read) {
    if (message->changes.size() == kChangesPerMessage) return;
    auto next = watch.pending.upper_bound(watch.last_read);
    if (next == watch.pending.end()) next = watch.pending.begin();
    watch.last_read = *next;
    watch.pending.erase(next);
    std::optional<Device> device = state_.FindDevice(DeviceId{watch.last_read});
    if (device.has_value()) Judge(watch, *std::move(device), message);
  }
  // Until the next tick, so that a device which changes ten times a second is told once.
  if (watch.pending.empty()) watch.may_send = false;
}

bool DeviceWatches::EndOrWait(WatchId id, Watch& watch) {
  bool abort = false;
  {
    MutexLock lock(mutex_);
    if (!watch.end.has_value()) return watch.under_way;
    // The reader gets a second to take the message, so that it learns why it ends.
    if (watch.under_way) {
      abort = !watch.aborted && steady_clock::now() - watch.end_time >= kGrace;
      watch.aborted = watch.aborted || abort;
      if (!abort) return true;
    }
  }
  if (abort) {
    watch.sink->Abort();
  } else {
    Finish(id, watch);
  }
  return true;
}

bool DeviceWatches::Serve(WatchId id) {
  Watch* watch = nullptr;
  {
    MutexLock lock(mutex_);
    watch = watches_.at(id).get();
  }
  // The watch may be gone after it.
  if (EndOrWait(id, *watch)) return false;
  DeviceWatchMessage message;
  if (!watch->synced || watch->may_send) {
    const bool complete = !watch->behind || ReadChanged(*watch, &message);
    // A page without a match: on to the next at once.
    if (!complete && message.changes.empty()) return true;
    if (complete) ReadPending(*watch, &message);
  }
  if (watch->terms.HasPlace()) message.place = watch->place;
  const bool empty = message.changes.empty() && !message.synced;
  {
    MutexLock lock(mutex_);
    // The one that is being served, which is the one that grows.
    if (remembered_ > kMostRemembered) watch->SetEnd(TooManyStreams());
    if (watch->end.has_value()) return true;
    watch->under_way = !empty;
  }
  // Nothing to say; more may be pending behind what was no news.
  if (empty) return !watch->pending.empty() && watch->may_send;
  watch->sink->Send(watch->scope, message);
  return false;
}

void DeviceWatches::Finish(WatchId id, Watch& watch) {
  DeviceWatchSink* const sink = watch.sink;
  const absl::Status status = *watch.end;
  remembered_ -= watch.seen.size();
  {
    MutexLock lock(mutex_);
    watches_.erase(id);
  }
  sink->End(status);
}

}  // namespace muster::server
