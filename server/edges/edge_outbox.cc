// From "what has changed" to messages. What is told is read when the message is made, so it is the
// newest; a change that comes after the reading is in pending_ again and is told once more.
#include "server/edges/edge_outbox.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "server/edges/job_filling.h"
#include "server/pki/router_roots.h"

namespace muster::server {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 10;
// A job with the longest script and its numbers must still fit behind what a chunk holds.
constexpr size_t kFullBytes = kChunkBytes - (size_t{66} << 10);
// Id, organization, epoch, check and interval on the wire, with their tags.
constexpr size_t kDeviceBytes = 56;
// With agent offers and their tokens a record takes up to 500 bytes, a few URLs included.
constexpr size_t kDevicesAChunk = 500;
constexpr size_t kJobsAPage = 64;
constexpr size_t kRemovalsAChunk = 8'000;
constexpr size_t kPendingADelta = 1'000;
// People ask these; more at once is a mistake.
constexpr size_t kMostQuestions = 64;

size_t BytesOf(const EdgeJob& job) {
  size_t bytes = job.script.size() + job.boot_at_first_send.size() + 64;
  for (const JobSecret& secret : job.secrets) bytes += secret.name.size() + secret.value.size() + 8;
  return bytes;
}

size_t BytesOf(const EdgeDevice& device) {
  if (!device.offer.has_value()) return kDeviceBytes;
  size_t bytes = kDeviceBytes + 64 + device.offered_token.size();
  for (const std::string& url : device.offer->urls) bytes += url.size() + 4;
  return bytes;
}

}  // namespace

void EdgeOutbox::Begin(DownWelcome welcome, SecretChecks& checks) {
  MutexLock lock(mutex_);
  checks_ = &checks;
  welcome_ = std::move(welcome);
  begun_ = true;
}

void EdgeOutbox::AddAck(DownAck ack) {
  MutexLock lock(mutex_);
  // An acknowledgement stands for all before it, so one a lane is enough however slow the edge
  // reads.
  std::optional<DownAck>& slot = acks_[static_cast<size_t>(ack.applied.lane) - 1];
  if (!slot.has_value()) {
    slot = std::move(ack);
    return;
  }
  slot->applied.number = std::max(slot->applied.number, ack.applied.number);
  std::move(ack.verdicts.begin(), ack.verdicts.end(), std::back_inserter(slot->verdicts));
}

void EdgeOutbox::AddDevice(DeviceId device) {
  MutexLock lock(mutex_);
  pending_[device.value].device = true;
}

void EdgeOutbox::AddJob(DeviceId device) {
  MutexLock lock(mutex_);
  pending_[device.value].job = true;
}

void EdgeOutbox::AddRemovedJob(DeviceId device, uint64_t number) {
  MutexLock lock(mutex_);
  pending_[device.value].removed_jobs.push_back(number);
}

void EdgeOutbox::AddStoppedJob(DeviceId device, uint64_t number) {
  MutexLock lock(mutex_);
  pending_[device.value].stopped_job = number;
}

void EdgeOutbox::AddFastBeats(DeviceId device, uint32_t seconds) {
  MutexLock lock(mutex_);
  pending_[device.value].fast_seconds = seconds;
}

void EdgeOutbox::AddRevocation(DeviceId device) {
  MutexLock lock(mutex_);
  pending_[device.value].revocation = true;
}

void EdgeOutbox::AddDrain(std::string reason) {
  MutexLock lock(mutex_);
  if (!drained_) drain_ = DownDrain{std::move(reason)};
}

bool EdgeOutbox::AddContactQuestion(const DownContactQuestion& question) {
  MutexLock lock(mutex_);
  if (questions_.size() >= kMostQuestions) return false;
  questions_.push_back(question);
  return true;
}

bool EdgeOutbox::drained() const {
  MutexLock lock(mutex_);
  return drained_;
}

size_t EdgeOutbox::waiting() const {
  MutexLock lock(mutex_);
  return pending_.size();
}

bool EdgeOutbox::HasWork() const {
  MutexLock lock(mutex_);
  if (drain_.has_value()) return true;
  if (!begun_) return false;
  return welcome_.has_value() || !snapshot_done_ || !pending_.empty() || !questions_.empty() ||
         settings_due_ ||
         std::any_of(acks_.begin(), acks_.end(), [](const auto& ack) { return ack.has_value(); });
}

std::optional<DownMessage> EdgeOutbox::Next() {
  {
    MutexLock lock(mutex_);
    if (std::optional<DownMessage> urgent = NextUrgent()) return urgent;
    if (!begun_ || drained_) return std::nullopt;
  }
  if (stage_ != Stage::kDone) return NextOfSnapshot();
  return NextDelta();
}

void EdgeOutbox::AddSettings() {
  MutexLock lock(mutex_);
  settings_due_ = true;
}

std::optional<DownMessage> EdgeOutbox::NextUrgent() {
  if (welcome_.has_value()) return DownMessage(*std::exchange(welcome_, std::nullopt));
  if (drained_) return std::nullopt;
  // Before the welcome there is nothing to acknowledge.
  if (begun_) {
    for (std::optional<DownAck>& ack : acks_) {
      if (ack.has_value()) return DownMessage(*std::exchange(ack, std::nullopt));
    }
    if (std::exchange(settings_due_, false)) {
      return DownMessage(DownSettings{.router_roots = TrustedRootPems(state_)});
    }
    if (!questions_.empty()) {
      const DownContactQuestion question = questions_.front();
      questions_.pop_front();
      return DownMessage(question);
    }
  }
  if (!drain_.has_value()) return std::nullopt;
  // Nothing is handed out after it: what waits is told by the next stream.
  drained_ = true;
  return DownMessage(*std::exchange(drain_, std::nullopt));
}

DownState EdgeOutbox::NextOfSnapshot() {
  DownState chunk;
  chunk.generation = generation_;
  chunk.snapshot = true;
  // Devices, then jobs, then removals: a job whose device the edge doesn't know would be of no use
  // to it.
  if (stage_ == Stage::kNotBegun) stage_ = Stage::kDevices;
  if (stage_ == Stage::kDevices) AddSnapshotDevices(chunk);
  // A chunk has one kind, so that each stays within its size; an empty stage leads on to the next
  // at once.
  if (stage_ == Stage::kJobs && chunk.empty()) AddSnapshotJobs(chunk);
  if (stage_ == Stage::kRemovals && chunk.empty()) AddSnapshotRemovals(chunk);
  chunk.last = stage_ == Stage::kDone;
  if (chunk.last) {
    MutexLock lock(mutex_);
    // The edge now drops what the snapshot did not name.
    snapshot_done_ = true;
  }
  return chunk;
}

void EdgeOutbox::AddSnapshotDevices(DownState& chunk) {
  const State::EdgeDevices page = state_.ListEdgeDevices(edge_id_, device_cursor_, kDevicesAChunk);
  for (const DeviceKeyRecord& key : page.devices) {
    if (std::optional<EdgeDevice> device = checks_->Describe(key.id)) {
      chunk.devices.push_back(*std::move(device));
    }
  }
  // A device that was made or moved here behind the cursor comes as a delta: its change was heard,
  // since the session listens from before its hello.
  device_cursor_ = page.next;
  if (page.next == 0) stage_ = Stage::kJobs;
}

void EdgeOutbox::AddSnapshotJobs(DownState& chunk) {
  size_t bytes = 0;
  std::vector<EdgeJob> page = state_.ListEdgeJobs(edge_id_, job_cursor_, kJobsAPage);
  const bool whole_page = page.size() == kJobsAPage;
  for (EdgeJob& job : page) {
    // The next chunk goes on behind the last that was taken.
    if (bytes > kFullBytes) return;
    bytes += BytesOf(job);
    job_cursor_ = job.device;
    if (FillIn(state_, checks_->master(), job)) chunk.jobs.push_back(std::move(job));
  }
  if (!whole_page) stage_ = Stage::kRemovals;
}

void EdgeOutbox::AddSnapshotRemovals(DownState& chunk) {
  const std::vector<State::EdgeRemoval> page =
      state_.ListEdgeRemovals(edge_id_, removal_cursor_, kRemovalsAChunk);
  for (const State::EdgeRemoval& removal : page) {
    chunk.removed_jobs.push_back({removal.device, removal.number});
    removal_cursor_ = removal.device;
  }
  if (page.size() < kRemovalsAChunk) stage_ = Stage::kDone;
}

std::vector<std::pair<uint64_t, EdgeOutbox::Pending>> EdgeOutbox::TakePending() {
  MutexLock lock(mutex_);
  std::vector<std::pair<uint64_t, Pending>> taken;
  // In no order: what is told is a state and not a history.
  while (!pending_.empty() && taken.size() < kPendingADelta) {
    const auto first = pending_.begin();
    taken.emplace_back(first->first, std::move(first->second));
    pending_.erase(first);
  }
  return taken;
}

void EdgeOutbox::PutBack(std::vector<std::pair<uint64_t, Pending>> rest) {
  MutexLock lock(mutex_);
  for (auto& [device, pending] : rest) {
    Pending& target = pending_[device];
    target.device |= pending.device;
    target.job |= pending.job;
    target.revocation |= pending.revocation;
    // Older ones first; the edge answers each number.
    target.removed_jobs.insert(target.removed_jobs.begin(), pending.removed_jobs.begin(),
                               pending.removed_jobs.end());
    if (target.stopped_job == 0) target.stopped_job = pending.stopped_job;
    if (target.fast_seconds == 0) target.fast_seconds = pending.fast_seconds;
  }
}

void EdgeOutbox::Tell(DeviceId device, const Pending& pending, DownState& delta, size_t& bytes) {
  if (pending.revocation) {
    const std::optional<DeviceKeyRecord> key = state_.FindDeviceKey(device);
    const bool gone = !key.has_value() || key->deleted;
    if (gone) delta.removed_devices.push_back(device);
    // A deletion and a revocation raise the least epoch; a device that is replaced goes on from it.
    delta.revocations.push_back(
        {device, key.has_value() ? key->least_epoch : std::numeric_limits<uint32_t>::max()});
    bytes += kDeviceBytes;
  }
  // A device that was re-keyed gets its new check beside the raised epoch, in one message.
  if (pending.device) {
    if (std::optional<EdgeDevice> described = checks_->Describe(device)) {
      bytes += BytesOf(*described);
      delta.devices.push_back(*std::move(described));
    }
  }
  for (const uint64_t number : pending.removed_jobs) {
    delta.removed_jobs.push_back({device, number});
    bytes += kDeviceBytes;
  }
  if (pending.stopped_job != 0) {
    delta.stopped_jobs.push_back({device, pending.stopped_job});
    bytes += kDeviceBytes;
  }
  if (pending.fast_seconds != 0) {
    delta.fast_beats.push_back({device, pending.fast_seconds});
    bytes += kDeviceBytes;
  }
  if (pending.job) {
    std::optional<EdgeJob> job = state_.FindEdgeJob(edge_id_, device);
    if (job.has_value() && FillIn(state_, checks_->master(), *job)) {
      bytes += BytesOf(*job);
      delta.jobs.push_back(*std::move(job));
    }
  }
}

std::optional<DownMessage> EdgeOutbox::NextDelta() {
  for (;;) {
    std::vector<std::pair<uint64_t, Pending>> taken = TakePending();
    if (taken.empty()) return std::nullopt;
    DownState delta;
    size_t bytes = 0;
    size_t told = 0;
    while (told < taken.size() && bytes <= kFullBytes) {
      Tell(DeviceId{taken[told].first}, taken[told].second, delta, bytes);
      ++told;
    }
    taken.erase(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(told));
    PutBack(std::move(taken));
    // All that waited concerned nothing that this edge may know.
    if (delta.empty()) continue;
    // The snapshot is generation 1, all its chunks.
    delta.generation = ++generation_;
    delta.last = true;
    return DownMessage(std::move(delta));
  }
}

}  // namespace muster::server
