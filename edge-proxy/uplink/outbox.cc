#include "edge-proxy/uplink/outbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/secrets/secrets.h"
#include "edge-proxy/uplink/convert.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;

constexpr size_t kSpoolIdBytes = 16;
// Beside the serialized bytes: what a queued item costs in memory.
constexpr size_t kItemOverhead = 400;
// A check-in is stamped a moment before it is here.
constexpr absl::Duration kStampedBeforehand = absl::Milliseconds(200);

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
      spool_id_(RandomBytes(kSpoolIdBytes)) {
  lanes_[kResults].id = wire::LANE_RESULTS;
  lanes_[kLive].id = wire::LANE_LIVE;
}

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
  Queued queued{.item = ToProto(check_in), .since = clock_.Monotonic()};
  queued.bytes = std::get<wire::CheckIn>(queued.item).ByteSizeLong() + kItemOverhead;
  bool full = false, lost = false;
  {
    MutexLock lock(mutex_);
    Lane& lane = lanes_[kLive];
    lane.bytes += queued.bytes;
    lane.queue.push_back(std::move(queued));
    while (lane.bytes > limits_.check_in_bytes && !lane.queue.empty()) {
      lane.bytes -= lane.queue.front().bytes;
      lane.queue.pop_front();
      ++stats_.dropped_check_ins;
      lost = true;
    }
    full = lane.queue.size() >= kMostItemsInBatch;
  }
  if (lost) dropped_();
  if (full) wake_();
}

bool Outbox::AddToResults(Queued queued) {
  {
    MutexLock lock(mutex_);
    Lane& lane = lanes_[kResults];
    if (closed_ || lane.bytes + queued.bytes > limits_.result_bytes) {
      ++stats_.refused_results;
      return false;
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
  AddToResults(std::move(queued));
}

void Outbox::AddJobResult(JobResult result, ResultDone done) {
  Queued queued{.item = ToProto(result), .since = clock_.Monotonic()};
  queued.bytes = std::get<wire::JobResult>(queued.item).ByteSizeLong() + kItemOverhead;
  queued.done = done;
  if (!AddToResults(std::move(queued))) done(absl::UnavailableError("the edge's queue is full"));
}

void Outbox::FillHello(wire::Hello& hello) const {
  MutexLock lock(mutex_);
  hello.set_spool_id(spool_id_);
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
      const uint64_t applied = AppliedOf(welcome, lane.id);
      went_back = went_back || applied < lane.acknowledged || applied > lane.last_number;
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

void Outbox::Renumber() {
  spool_id_ = RandomBytes(kSpoolIdBytes);
  for (Lane& lane : lanes_) {
    lane.acknowledged = 0;
    lane.last_number = 0;
    for (Made& made : lane.made) made.batch.set_number(++lane.last_number);
  }
}

void Outbox::EndSession() {
  MutexLock lock(mutex_);
  for (Lane& lane : lanes_) {
    for (Made& made : lane.made) made.sent = false;
  }
}

bool Outbox::Due(const Lane& lane) const {
  if (lane.queue.empty()) return false;
  if (lane.id == wire::LANE_RESULTS || lane.queue.size() >= kMostItemsInBatch) return true;
  return clock_.Monotonic() - lane.queue.front().since >= limits_.flush;
}

void Outbox::Make(Lane& lane) {
  Made made;
  made.batch.set_lane(lane.id);
  made.batch.set_number(++lane.last_number);
  size_t count = 0, bytes = 0;
  while (!lane.queue.empty() && count < kMostItemsInBatch) {
    Queued& queued = lane.queue.front();
    const size_t size = queued.bytes - kItemOverhead;
    if (count > 0 && bytes + size > kMostBytesInBatch) break;
    if (auto* check_in = std::get_if<wire::CheckIn>(&queued.item)) {
      *made.batch.add_check_ins() = std::move(*check_in);
    } else if (auto* event = std::get_if<wire::JobEvent>(&queued.item)) {
      *made.batch.add_job_events() = std::move(*event);
    } else {
      *made.batch.add_job_results() = std::move(std::get<wire::JobResult>(queued.item));
      made.dones.push_back(std::move(queued.done));
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
  if (sent >= kWindow) return nullptr;
  const bool all_sent = static_cast<size_t>(sent) == lane.made.size();
  if (all_sent && !Due(lane)) return nullptr;
  if (all_sent) Make(lane);
  Made& next = lane.made[sent];
  next.sent = true;
  return &next.batch;
}

std::optional<Outbox::Wire> Outbox::NextBatch() {
  MutexLock lock(mutex_);
  for (Lane& lane : lanes_) {
    if (const Wire* batch = NextOf(lane)) return *batch;
  }
  return std::nullopt;
}

wire::Watermark Outbox::WatermarkNow() const {
  MutexLock lock(mutex_);
  const Lane& live = lanes_[kLive];
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
    const uint32_t first_result =
        static_cast<uint32_t>(made.batch.check_ins_size() + made.batch.job_events_size());
    for (uint32_t i = 0; i < made.dones.size(); ++i) {
      if (made.dones[i] == nullptr) continue;
      absl::Status status;
      for (int v = 0; ack != nullptr && v < ack->verdicts_size(); ++v) {
        const wire::ItemVerdict& verdict = ack->verdicts(v);
        if (verdict.batch_number() == made.batch.number() && verdict.item() == first_result + i) {
          status = StatusOf(verdict.code());
        }
      }
      answers.push_back({std::move(made.dones[i]), status});
    }
    lane.bytes -= made.bytes;
    lane.made.pop_front();
  }
  lane.acknowledged = std::max(lane.acknowledged, number);
}

void Outbox::TakeAck(const wire::Ack& ack) {
  std::vector<Answer> answers;
  {
    MutexLock lock(mutex_);
    stats_.refused_items += static_cast<uint64_t>(ack.verdicts_size());
    for (Lane& lane : lanes_) {
      if (lane.id == ack.lane() && ack.number() <= lane.last_number) {
        Release(lane, ack.number(), &ack, answers);
      }
    }
  }
  for (const Answer& answer : answers) answer.done(answer.status);
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
