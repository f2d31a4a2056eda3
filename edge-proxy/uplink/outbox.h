// What is on its way to the control plane: check-ins, job events and results, in numbered batches
// that are kept and repeated until they are acknowledged.
//
// A batch gets its number when it is made and never changes afterwards. At most kWindow batches of
// a lane are on the way in one session; what comes meanwhile is collected. Everything lies in
// memory and is bounded: over the limit the oldest check-ins that have no number yet are dropped
// and counted, results are refused. The spool id is of this process; it is changed only when the
// control plane has gone back behind what it had acknowledged.
//
// Numbers are what makes "exactly once" of "again until it is acknowledged": the control plane
// takes the batch after the last one and drops every other. So a batch is never made again with
// other content, and never skipped.
// Threads:  safe to call from any thread; callbacks run while no lock is held.
// Owns:     nothing; `clock` must outlive this object.
// Blocks:   never.
// Example:  outbox_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "edge-proxy/heartbeats/check_in.h"
#include "edge-proxy/jobs/job_events.h"
#include "muster/edge/v1/edge_service.pb.h"

namespace muster::edge {

// More in flight only moves the queue to the control plane: with 16 batches of 500 a round trip
// grew to 260 ms, with 4 to 32 (measured).
constexpr int kWindow = 4;
// Far below gRPC's limit of 4 MiB for a message; one item alone may be larger than the second
// figure.
constexpr size_t kMostItemsInBatch = 1000;
constexpr size_t kMostBytesInBatch = 256 * 1024;

struct OutboxLimits {
  // About 150,000 plain check-ins: four minutes of 20,000 routers, or over an hour of a thousand.
  size_t check_in_bytes = 96u << 20;
  size_t result_bytes = 32u << 20;
  // Of them, the results of one device: 15 of the largest. A router posts one and waits; who holds
  // its token may invent more.
  size_t result_bytes_per_device = 256u << 10;
  // For job events above all of that: a lost one leaves a job waiting for its end.
  size_t event_bytes = 8u << 20;
  // How long a check-in may wait for others.
  absl::Duration flush = absl::Milliseconds(50);
};

class Outbox : public CheckIns, public JobEvents, public JobResults {
 public:
  // Both are called from whatever thread adds or acknowledges, without a lock.
  // `clock` is the corrected one. `wake` is called when there is something to send at once;
  // `dropped` when check-ins were dropped.
  Outbox(const Clock& clock, const OutboxLimits& limits, std::function<void()> wake,
         std::function<void()> dropped);
  ~Outbox() override { Close(); }

  // For the end of the edge: after it no answer comes, so that who waits for one may go.
  // Answers every result that waits, and every one that comes, with Unavailable.
  void Close();

  // See CheckIns. Never refuses: over the limit the oldest go.
  void AddCheckIn(CheckIn check_in) override;
  // See JobEvents, and JobResults for the next: both share the results' lane, so that a flood of
  // check-ins never costs a result. Events have room beyond that of results. Removals are taken
  // always: each answers a message of the control plane, and a cancelled job waits for it.
  void AddJobEvent(JobEvent event) override;
  void AddJobResult(JobResult result, ResultDone done) override;

  // Fills what a new stream begins with.
  void FillHello(::muster::edge::v1::Hello& hello) const;
  // Batches that were applied while no stream was there are released. Their verdicts are lost, so
  // their results are answered Unavailable: posted again, each gets the verdict of its copy, and
  // the control plane knows a copy by its number. All other batches are sent again in order. The
  // control plane has answered. False: it knows less than it had acknowledged; this outbox now has
  // a new spool id and numbers what it holds from 1, and the stream must begin anew.
  bool BeginSession(const ::muster::edge::v1::Welcome& welcome);
  // Repeating does nothing.
  // What was on the way will be sent again in the next session.
  void EndSession();

  // To be called until it answers nothing. It counts as sent from here on.
  // The next batch to send, results first; nullopt: nothing now.
  std::optional<::muster::edge::v1::Batch> NextBatch();
  // "All check-ins up to this time are in live batches up to this number", which is what lets the
  // control plane call a silent router offline.
  ::muster::edge::v1::Watermark WatermarkNow() const;
  // Cumulative: releases every batch up to the number. An acknowledgement of a number that was
  // never given is ignored.
  void TakeAck(const ::muster::edge::v1::Ack& ack);

  // Nothing is queued and nothing unacknowledged.
  bool empty() const;

  struct Stats {
    size_t queued_check_ins = 0;
    size_t queued_results = 0;
    size_t unacknowledged_batches = 0;
    uint64_t dropped_check_ins = 0;
    uint64_t refused_results = 0;
    uint64_t dropped_job_events = 0;
    uint64_t refused_items = 0;
  };
  Stats stats() const;

 private:
  using Wire = ::muster::edge::v1::Batch;
  // An item without a number yet.
  struct Queued {
    std::variant<::muster::edge::v1::CheckIn, ::muster::edge::v1::JobEvent,
                 ::muster::edge::v1::JobResult>
        item;
    size_t bytes = 0;
    absl::Duration since;
    ResultDone done;
    // Of a result.
    DeviceId device;
  };
  // A batch with its number: it is on the way, or waits to be sent again.
  struct Made {
    Wire batch;
    size_t bytes = 0;
    bool sent = false;
    std::vector<ResultDone> dones;  // of job_results, in order
    std::vector<std::pair<DeviceId, size_t>> shares;
  };
  struct Lane {
    ::muster::edge::v1::Lane id;
    std::deque<Queued> queue;
    size_t bytes = 0;  // queued and made
    std::deque<Made> made;
    // The number of the newest batch, and the highest that was acknowledged: the batches between
    // are in `made`.
    uint64_t last_number = 0;
    uint64_t acknowledged = 0;
  };
  // Collected under the lock, called without it.
  struct Answer {
    ResultDone done;
    absl::Status status;
  };
  enum { kResults, kLive, kLanes };

  bool Due(const Lane& lane) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Make(Lane& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Wire* NextOf(Lane& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False where the lane holds more than `most_bytes` with it.
  bool AddToResults(Queued queued, size_t most_bytes);
  // `ack` nullptr: how its items ended is not known.
  void Release(Lane& lane, uint64_t number, const ::muster::edge::v1::Ack* ack,
               std::vector<Answer>& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBack(const std::vector<std::pair<DeviceId, size_t>>& shares)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Renumber() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  const OutboxLimits limits_;
  const std::function<void()> wake_;
  const std::function<void()> dropped_;
  mutable Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::string spool_id_ ABSL_GUARDED_BY(mutex_);
  std::array<Lane, kLanes> lanes_ ABSL_GUARDED_BY(mutex_);
  // Bytes of results that are held, of devices that have any.
  absl::flat_hash_map<DeviceId, size_t> result_bytes_ ABSL_GUARDED_BY(mutex_);
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
