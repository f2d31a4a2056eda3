// Batches on their way up. Per lane: a queue of items without a number, then batches with numbers,
// the first `sent` of them on the way. Memory is counted per item when it comes and given back when
// it is acknowledged or dropped, so `bytes` is all that a lane holds.
#include "edge-proxy/uplink/outbox.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "common/secrets/secrets.h"
#include "edge-proxy/uplink/convert.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;

constexpr size_t kSpoolIdBytes = 16;
// Protobuf's objects, strings and the deque's share: an estimate.
// Beside the serialized bytes: what a queued item costs in memory.
constexpr size_t kItemOverhead = 400;
// A check-in is stamped a moment before it is here: between lie a look-up and a conversion, on a
// machine that may be busy. Without this a watermark could promise a time for which a check-in is
// still to come.
constexpr absl::Duration kStampedBeforehand = absl::Milliseconds(200);

// Ok for a verdict of a newer control plane: an item that is named at all was dealt with.
absl::Status StatusOf(wire::ItemVerdictCode code) {
  switch (code) {
    case wire::ITEM_VERDICT_CODE_REFUSED:
      return absl::InvalidArgumentError("refused by the control plane");
    case wire::ITEM_VERDICT_CODE_WRONG_SECRET:
    case wire::ITEM_VERDICT_CODE_UNKNOWN_DEVICE:
      return absl::UnauthenticatedError("unknown to the control plane");
    default:
      return absl::OkStatus();
  }
}

// 0 for a lane that it doesn't name: nothing of it was applied.
uint64_t AppliedOf(const wire::Welcome& welcome, wire::Lane lane) {
  for (const wire::LanePosition& position : welcome.applied()) {
    if (position.lane() == lane) return position.number();
  }
  return 0;
}

}  // namespace

Outbox::Outbox(const Clock& clock, const OutboxLimits& limits, std::function<void()> wake,
               std::function<void()> dropped)
    : clock_(clock),
      limits_(limits),
      wake_(std::move(wake)),
      dropped_(std::move(dropped)),
      // Numbers begin at 1 with each process, so the id has to be another one each time.
      spool_id_(RandomBytes(kSpoolIdBytes)) {
  lanes_[kResults].id = wire::LANE_RESULTS;
  lanes_[kLive].id = wire::LANE_LIVE;
}

// Items stay where they are: they may still be sent until the stream ends, only nobody waits for
// them.
void Outbox::Close() {
  std::vector<ResultDone> dones;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    Lane& results = lanes_[kResults];
    for (Made& made : results.made) {
      std::move(made.dones.begin(), made.dones.end(), std::back_inserter(dones));
      made.dones.clear();
    }
    for (Queued& queued : results.queue) {
      if (queued.done != nullptr) dones.push_back(std::exchange(queued.done, nullptr));
    }
  }
  for (const ResultDone& done : dones) done(absl::UnavailableError("the edge stops"));
}

void Outbox::AddCheckIn(CheckIn check_in) {
  // Converted before the lock: it is the larger part of the work.
  Queued queued{.item = ToProto(check_in), .since = clock_.Monotonic()};
  queued.bytes = std::get<wire::CheckIn>(queued.item).ByteSizeLong() + kItemOverhead;
  bool full = false, lost = false;
  {
    MutexLock lock(mutex_);
    Lane& lane = lanes_[kLive];
    lane.bytes += queued.bytes;
    // The new one first, so that under a flood it is the oldest that go: the newest tell who is
    // alive.
    lane.queue.push_back(std::move(queued));
    // Only what has no number: a numbered batch that vanished would be a gap, which the control
    // plane refuses for ever.
    while (lane.bytes > limits_.check_in_bytes && !lane.queue.empty()) {
      lane.bytes -= lane.queue.front().bytes;
      lane.queue.pop_front();
      ++stats_.dropped_check_ins;
      lost = true;
    }
    full = lane.queue.size() >= kMostItemsInBatch;
  }
  // Facts may have been in what was dropped, so they have to come again.
  if (lost) dropped_();
  if (full) wake_();
}

bool Outbox::AddToResults(Queued queued, size_t most_bytes) {
  {
    MutexLock lock(mutex_);
    Lane& lane = lanes_[kResults];
    if (closed_ || lane.bytes > most_bytes || queued.bytes > most_bytes - lane.bytes) return false;
    if (queued.device) {
      size_t& held = result_bytes_[queued.device];
      // Never of a single one, however large.
      if (held != 0 && held + queued.bytes > limits_.result_bytes_per_device) return false;
      held += queued.bytes;
    }
    lane.bytes += queued.bytes;
    lane.queue.push_back(std::move(queued));
  }
  wake_();
  return true;
}

void Outbox::AddJobEvent(JobEvent event) {
  Queued queued{.item = ToProto(event), .since = clock_.Monotonic()};
  queued.bytes = std::get<wire::JobEvent>(queued.item).ByteSizeLong() + kItemOverhead;
  const size_t most_bytes = event.kind == JobEventKind::kRemoved
                                ? std::numeric_limits<size_t>::max()
                                : limits_.result_bytes + limits_.event_bytes;
  if (AddToResults(std::move(queued), most_bytes)) return;
  MutexLock lock(mutex_);
  ++stats_.dropped_job_events;
}

void Outbox::AddJobResult(JobResult result, ResultDone done) {
  Queued queued{.item = ToProto(result), .since = clock_.Monotonic()};
  queued.bytes = std::get<wire::JobResult>(queued.item).ByteSizeLong() + kItemOverhead;
  queued.device = result.device;
  // A copy, since on refusal it is called here.
  queued.done = done;
  if (AddToResults(std::move(queued), limits_.result_bytes)) return;
  {
    MutexLock lock(mutex_);
    ++stats_.refused_results;
  }
  // Refused and not dropped: the router is told "later" and keeps its result.
  done(absl::UnavailableError("the edge's queue is full"));
}

void Outbox::GiveBack(const std::vector<std::pair<DeviceId, size_t>>& shares) {
  for (const auto& [device, bytes] : shares) {
    const auto found = result_bytes_.find(device);
    if (found == result_bytes_.end()) continue;
    found->second -= std::min(found->second, bytes);
    if (found->second == 0) result_bytes_.erase(found);
  }
}

void Outbox::FillHello(wire::Hello& hello) const {
  MutexLock lock(mutex_);
  hello.set_spool_id(spool_id_);
  // So that a control plane that knows less can say so at once.
  for (const Lane& lane : lanes_) {
    wire::LanePosition* position = hello.add_acknowledged();
    position->set_lane(lane.id);
    position->set_number(lane.acknowledged);
  }
}

bool Outbox::BeginSession(const wire::Welcome& welcome) {
  std::vector<Answer> answers;
  bool went_back = false;
  {
    MutexLock lock(mutex_);
    for (Lane& lane : lanes_) {
      // Below what was acknowledged: it was restored from an older copy. Above what was ever made:
      // it knows this spool id from somebody else. Either way the numbers mean nothing any more.
      const uint64_t applied = AppliedOf(welcome, lane.id);
      went_back = went_back || applied < lane.acknowledged || applied > lane.last_number;
      // A new stream: nothing is on the way.
      for (Made& made : lane.made) made.sent = false;
    }
    if (went_back) {
      Renumber();
    } else {
      for (Lane& lane : lanes_) Release(lane, AppliedOf(welcome, lane.id), nullptr, answers);
    }
  }
  for (const Answer& answer : answers) answer.done(answer.status);
  return !went_back;
}

// What is held keeps its order and its content; batches that were taken before the restore come
// again, and apply knows by the new spool id that they are to be taken.
void Outbox::Renumber() {
  spool_id_ = RandomBytes(kSpoolIdBytes);
  for (Lane& lane : lanes_) {
    lane.acknowledged = 0;
    lane.last_number = 0;
    for (Made& made : lane.made) made.batch.set_number(++lane.last_number);
  }
}

// Called by the session's end, whoever ended it.
void Outbox::EndSession() {
  MutexLock lock(mutex_);
  for (Lane& lane : lanes_) {
    for (Made& made : lane.made) made.sent = false;
  }
}

bool Outbox::Due(const Lane& lane) const {
  if (lane.queue.empty()) return false;
  // A result has a router waiting for it, 5 s at most; a check-in has time to be joined by others.
  if (lane.id == wire::LANE_RESULTS || lane.queue.size() >= kMostItemsInBatch) return true;
  return clock_.Monotonic() - lane.queue.front().since >= limits_.flush;
}

void Outbox::Make(Lane& lane) {
  Made made;
  made.batch.set_lane(lane.id);
  // From here on content and number belong together for ever.
  made.batch.set_number(++lane.last_number);
  size_t count = 0, bytes = 0;
  while (!lane.queue.empty() && count < kMostItemsInBatch) {
    Queued& queued = lane.queue.front();
    const size_t size = queued.bytes - kItemOverhead;
    // At least one item, however large, else the lane would stand still.
    if (count > 0 && bytes + size > kMostBytesInBatch) break;
    if (auto* check_in = std::get_if<wire::CheckIn>(&queued.item)) {
      *made.batch.add_check_ins() = std::move(*check_in);
    } else if (auto* event = std::get_if<wire::JobEvent>(&queued.item)) {
      *made.batch.add_job_events() = std::move(*event);
    } else {
      *made.batch.add_job_results() = std::move(std::get<wire::JobResult>(queued.item));
      made.dones.push_back(std::move(queued.done));
      made.shares.emplace_back(queued.device, queued.bytes);
    }
    ++count;
    bytes += size;
    made.bytes += queued.bytes;
    lane.queue.pop_front();
  }
  lane.made.push_back(std::move(made));
}

Outbox::Wire* Outbox::NextOf(Lane& lane) {
  const auto sent =
      std::count_if(lane.made.begin(), lane.made.end(), [](const Made& made) { return made.sent; });
  // What comes meanwhile is collected: the next batch is larger, not later.
  if (sent >= kWindow) return nullptr;
  // Batches of an earlier session go first, in their order; only behind them is a new one made.
  const bool all_sent = static_cast<size_t>(sent) == lane.made.size();
  if (all_sent && !Due(lane)) return nullptr;
  if (all_sent) Make(lane);
  Made& next = lane.made[sent];
  next.sent = true;
  return &next.batch;
}

std::optional<Outbox::Wire> Outbox::NextBatch() {
  MutexLock lock(mutex_);
  // Results first: routers wait for them.
  for (Lane& lane : lanes_) {
    if (const Wire* batch = NextOf(lane)) return *batch;
  }
  return std::nullopt;
}

wire::Watermark Outbox::WatermarkNow() const {
  MutexLock lock(mutex_);
  const Lane& live = lanes_[kLive];
  // The oldest that has no number yet bounds the promise: it is in none of the batches.
  int64_t time_us = absl::ToUnixMicros(clock_.Now() - kStampedBeforehand);
  if (!live.queue.empty()) {
    const auto& oldest = std::get<wire::CheckIn>(live.queue.front().item);
    time_us = std::min(time_us, oldest.time_us() - 1);
  }
  wire::Watermark watermark;
  watermark.set_time_us(time_us);
  watermark.set_live_number(live.last_number);
  return watermark;
}

void Outbox::Release(Lane& lane, uint64_t number, const wire::Ack* ack,
                     std::vector<Answer>& answers) {
  while (!lane.made.empty() && lane.made.front().batch.number() <= number) {
    Made& made = lane.made.front();
    // Verdicts count items over the batch in this order: check-ins, job events, results. Events and
    // results share a lane, and only results have somebody who waits.
    const uint32_t first_result =
        static_cast<uint32_t>(made.batch.check_ins_size() + made.batch.job_events_size());
    for (uint32_t i = 0; i < made.dones.size(); ++i) {
      if (made.dones[i] == nullptr) continue;
      absl::Status status;
      // "Taken" would let a router forget a result that was refused.
      if (ack == nullptr) status = absl::UnavailableError("its verdict was lost with a stream");
      // No verdict is "taken". Verdicts are few; batches of results are small.
      for (int v = 0; ack != nullptr && v < ack->verdicts_size(); ++v) {
        const wire::ItemVerdict& verdict = ack->verdicts(v);
        if (verdict.batch_number() == made.batch.number() && verdict.item() == first_result + i) {
          status = StatusOf(verdict.code());
        }
      }
      answers.push_back({std::move(made.dones[i]), status});
    }
    GiveBack(made.shares);
    lane.bytes -= made.bytes;
    lane.made.pop_front();
  }
  lane.acknowledged = std::max(lane.acknowledged, number);
}

void Outbox::TakeAck(const wire::Ack& ack) {
  std::vector<Answer> answers;
  {
    MutexLock lock(mutex_);
    // Refused by name: bad text, wrong secrets, unknown devices; a number an operator should look
    // at.
    stats_.refused_items += static_cast<uint64_t>(ack.verdicts_size());
    for (Lane& lane : lanes_) {
      if (lane.id == ack.lane() && ack.number() <= lane.last_number) {
        Release(lane, ack.number(), &ack, answers);
      }
    }
  }
  // Without the lock: an answer writes to a router, or posts to its loop.
  for (const Answer& answer : answers) answer.done(answer.status);
  // There is room in the window again.
  wake_();
}

bool Outbox::empty() const {
  MutexLock lock(mutex_);
  return std::all_of(lanes_.begin(), lanes_.end(),
                     [](const Lane& lane) { return lane.queue.empty() && lane.made.empty(); });
}

Outbox::Stats Outbox::stats() const {
  MutexLock lock(mutex_);
  Stats stats = stats_;
  stats.queued_check_ins = lanes_[kLive].queue.size();
  stats.queued_results = lanes_[kResults].queue.size();
  stats.unacknowledged_batches = lanes_[kLive].made.size() + lanes_[kResults].made.size();
  return stats;
}

}  // namespace muster::edge
