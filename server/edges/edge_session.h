// One stream of one edge: hello, batches and watermarks up; welcome, acknowledgements, state and
// jobs down. Knows no gRPC: a stream hands messages in and is an EdgeSink.
//
// Up:    one message after the other (one receive loop). A batch is proposed without waiting; at
//        most kMaxBatchesInFlight wait to be applied, then the stream stops reading.
// Down:  the hub's thread alone calls Pump, which writes one message at a time.
// End:   the first Finish counts. A number that skips, an outcome that is unknown and a batch that
//        the log refused end the stream: the edge connects again and sends what is not
//        acknowledged.
//
// Threads:  safe to call from any thread, besides OnMessage (one at a time).
// Owns:     nothing of the context; the sink until OnClosed.
// Errors:   streams end with InvalidArgument (hello missing or malformed), PermissionDenied
//           (revoked), Aborted (a newer stream of the edge), FailedPrecondition (number skipped),
//           ResourceExhausted (does not read), DeadlineExceeded (no hello), Unauthenticated (its
//           certificate has ended), Unavailable.
// Example:  edge_session_test.cc.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"
#include "server/edges/contact_questions.h"
#include "server/edges/edge_messages.h"
#include "server/edges/edge_outbox.h"
#include "server/edges/secret_checks.h"
#include "server/pki/cluster_keys.h"
#include "server/state/state.h"

namespace muster::server {

// What a session writes to. None of the calls may call back into the session before it returns.
class EdgeSink {
 public:
  virtual ~EdgeSink() = default;

  // Begins to write; EdgeSession::OnWritten says when the next may come.
  virtual void Write(const DownMessage& message) = 0;
  // The stream may hand in the message that it held back.
  virtual void ResumeReading() = 0;
  // Ends the stream; called once.
  virtual void Finish(const absl::Status& status) = 0;
};

// What all sessions share; must outlive them.
struct EdgeContext {
  CommandLog& log;
  const State& state;
  const Secret& master;
  const ClusterKeys& keys;
  const Clock& clock;
};

class EdgeSession : public std::enable_shared_from_this<EdgeSession> {
 public:
  static constexpr int kMaxBatchesInFlight = 16;
  static constexpr absl::Duration kHelloDeadline = absl::Seconds(10);
  static constexpr absl::Duration kSlowDeadline = absl::Seconds(20);
  // Devices with untold changes; above it the edge does not keep up.
  static constexpr size_t kMaxWaiting = 500'000;

  // `wake` asks for a Pump soon; called from any thread, also under locks. `edge_id` is what the
  // client certificate says. `questions` takes the edge's answers and must outlive the stream.
  // `certificate_end`: when that certificate ends, and the stream with it.
  EdgeSession(const EdgeContext& context, std::string edge_id, absl::Time certificate_end,
              EdgeSink& sink, std::function<void()> wake, ContactQuestions* questions = nullptr);

  const std::string& edge_id() const { return edge_id_; }
  EdgeOutbox& outbox() { return outbox_; }

  // Takes one message of the edge. False: hold the next message back until ResumeReading, so that
  // an edge that floods fills its own buffers and not ours.
  bool OnMessage(UpMessage message);
  // The client has sent its last message: the stream ends Ok. What it sent is still applied; the
  // acknowledgements are lost with the stream.
  void OnEndOfReading();
  // The message that was handed to the sink is on its way; the next may come.
  void OnWritten();
  // No more calls to the sink after it. Batches under way are applied all the same.
  void OnClosed();

  // Writes the next message if the stream can take one. Reads the state; the hub's thread alone.
  void Pump();
  // Ends a stream that says no hello, does not read, keeps too much waiting, or whose certificate
  // has ended. About once a second.
  void CheckProgress();
  // Ends the stream where the edge was revoked or has a newer session. Reads the state.
  void CheckFence();

  // Ends the stream with this status; the first call counts.
  void Finish(const absl::Status& status);
  // Says farewell and ends the stream behind it.
  void Drain(absl::string_view reason);

  // 0 until the hello was applied.
  uint64_t epoch() const;

  // True where this stream has met the device, so that its changes matter to it.
  bool Knows(DeviceId device) const;
  // Tells the edge again of the devices of an organization that it has met.
  void TellAgain(OrganizationId organization);
  // A device was deleted or re-keyed.
  // Its next item is judged by what the state says then.
  void Forget(DeviceId device);

 private:
  // Numbers of one lane in this stream. proposed > applied: under way.
  struct LaneState {
    // Highest number proposed or applied.
    uint64_t proposed = 0;
    uint64_t applied = 0;
  };

  // Asks for a Pump, unless the stream has closed (the hub may be gone then).
  void WakeHub();
  void OnHello(UpHello hello);
  void OnSession(UpHello hello, absl::StatusOr<Applied> applied);
  // Makes the welcome of a hello that was applied, if one was. Reads the state.
  void BeginIfApplied();
  bool OnBatch(UpBatch batch);
  void OnWatermark(const UpWatermark& watermark);
  void OnStateVerdict(const UpStateVerdict& verdict);
  // Shows operators what is wrong with the edge; empty: it is over.
  void ProposeProblem(absl::string_view problem);
  // False where the batch must not be proposed; acknowledges a repetition.
  bool TakeNumber(Lane lane, uint64_t number);
  // Drops the items whose proof is not right, and says so in `batch.refused`.
  void DropUnproven(UpBatch& batch);
  // A router that was released and has come back (out of a backup, say): its edge shall know it.
  void TellOfReleased(const UpBatch& batch, const std::vector<ProofVerdict>& verdicts);
  void ProposeBatch(UpBatch batch);
  void OnBatchDone(LaneNumber lane, std::vector<ItemVerdict> verdicts,
                   const absl::StatusOr<Applied>& applied);
  DownWelcome MakeWelcome(const UpHello& hello, const internal::v1::EdgeSessionResult& result);

  const EdgeContext context_;
  const std::string edge_id_;
  const absl::Time certificate_end_;
  const std::function<void()> wake_;
  ContactQuestions* const questions_;
  EdgeOutbox outbox_;

  mutable Mutex mutex_;
  EdgeSink* sink_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool reading_held_ ABSL_GUARDED_BY(mutex_) = false;
  bool said_hello_ ABSL_GUARDED_BY(mutex_) = false;
  bool refused_state_ ABSL_GUARDED_BY(mutex_) = false;
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string spool_id_ ABSL_GUARDED_BY(mutex_);
  std::array<LaneState, kEdgeLanes> lanes_ ABSL_GUARDED_BY(mutex_);
  // A hello that was applied and not yet welcomed.
  struct AppliedHello {
    UpHello hello;
    internal::v1::EdgeSessionResult result;
  };
  std::optional<AppliedHello> applied_hello_ ABSL_GUARDED_BY(mutex_);
  // Set once, before the welcome.
  std::unique_ptr<SecretChecks> checks_ ABSL_GUARDED_BY(mutex_);
  absl::Duration opened_;
  absl::Duration last_write_begun_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Duration last_watermark_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace muster::server
