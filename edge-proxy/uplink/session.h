// One stream to the control plane, without gRPC: what to send next, and what an answer does.
//
// A session is of one stream and no other: a new stream begins a new one, with a hello, a welcome
// and a snapshot. What it applies goes to tables that outlive it, so between two streams the edge
// serves what it heard last.
// Threads:  Take from one thread, Next from another.
// Owns:     nothing; everything in SessionParts must outlive this object.
// Errors:   Take: Aborted where the stream has to begin anew at once, any other code where the
//           control plane broke the contract; the stream is then to be ended.
// Example:  session_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "edge-proxy/heartbeats/contact_book.h"
#include "edge-proxy/heartbeats/corrected_clock.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/fast_beats.h"
#include "edge-proxy/heartbeats/router_roots.h"
#include "edge-proxy/heartbeats/token_gate.h"
#include "edge-proxy/jobs/job_shelf.h"
#include "edge-proxy/uplink/offer_pool.h"
#include "edge-proxy/uplink/outbox.h"
#include "muster/edge/v1/edge_service.pb.h"

namespace muster::edge {

struct SessionParts {
  std::string edge_id;
  // 16 bytes.
  std::string cluster_id;
  // Gets the offset of the welcome.
  CorrectedClock& clock;
  // For the hello, from which the control plane reckons the offset, and for durations.
  // Not corrected.
  const Clock& own_clock;
  Outbox& outbox;
  DeviceTable& devices;
  JobShelf& jobs;
  TokenGate& gate;
  const ContactBook& contacts;
  FastBeats& fast;
  RouterRoots& roots;
  // SHA-256 of the root that the leaves end in, hex.
  std::string router_root_sha256;
};

class Session {
 public:
  explicit Session(const SessionParts& parts) : parts_(parts) {}
  ~Session() { parts_.outbox.EndSession(); }

  // To be sent before anything else.
  // The first message of the stream.
  ::muster::edge::v1::ConnectRequest Hello() const;

  // Calls back who waits for results, so it may take a moment; never while a lock is held.
  absl::Status Take(const ::muster::edge::v1::ConnectResponse& response);

  // One message a call, the most urgent first; to be called until it answers nothing, and again at
  // least each 25 ms or when the outbox wakes. Answers nothing before the welcome.
  // What to send now; nullopt: nothing yet.
  std::optional<::muster::edge::v1::ConnectRequest> Next();

  bool welcomed() const;

 private:
  // Collected and checked before anything of it is used, so that the edge never serves half a
  // snapshot.
  // A generation of state that is still coming.
  struct Coming {
    uint64_t generation = 0;
    bool snapshot = false;
    size_t bytes = 0;
    // Why the generation can't be taken; empty so far.
    std::string refusal;
    std::vector<DeviceRecord> records;
    std::vector<DeviceId> removed_devices;
    std::vector<Job> jobs;
    std::vector<std::pair<DeviceId, uint64_t>> removed_jobs;
    std::vector<std::pair<DeviceId, uint64_t>> stopped_jobs;
    std::vector<std::pair<DeviceId, uint32_t>> fast_beats;
    std::vector<Revocation> revocations;
  };

  void TakeSettings(const ::muster::edge::v1::EdgeSettings& settings);
  absl::Status TakeWelcome(const ::muster::edge::v1::Welcome& welcome);
  void TakeState(const ::muster::edge::v1::StateChunk& chunk);
  absl::Status Collect(const ::muster::edge::v1::StateChunk& chunk, Coming& coming);
  void TakeQuestion(const ::muster::edge::v1::ContactQuestion& question);
  void Apply(Coming& coming);

  const SessionParts parts_;
  // Touched by Take alone.
  Coming coming_;
  OfferPool offers_;
  mutable Mutex mutex_;
  bool welcomed_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<::muster::edge::v1::StateVerdict> verdicts_ ABSL_GUARDED_BY(mutex_);
  std::deque<::muster::edge::v1::ContactAnswer> answers_ ABSL_GUARDED_BY(mutex_);
  absl::Duration watermark_sent_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace muster::edge
