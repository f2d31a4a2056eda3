#include "server/command_log/etcd/etcd_log.h"

#include <utility>

#include "common/status/status_macros.h"
#include "server/command_log/etcd/cursor.h"
#include "server/command_log/etcd/etcd_follower.h"
#include "server/command_log/etcd/etcd_writer.h"
#include "server/command_log/etcd/read_barrier.h"
#include "server/command_log/etcd/trimmer.h"

namespace muster::server {
namespace {

class RunningEtcdLog : public EtcdLog {
 public:
  RunningEtcdLog(Store& store, Etcd& etcd, const EtcdLogOptions& options, EtcdCursor cursor)
      : options_(options),
        queue_(store),
        applied_(store.AppliedPosition()),
        follower_({store, etcd, options_, applied_, health_, in_flight_, marks_, base_, counts_},
                  std::move(cursor)),
        writer_({store, etcd, options_, queue_, applied_, health_, in_flight_, counts_,
                 [this] { follower_.Redial(); }}),
        barrier_(etcd, options_, base_, applied_, counts_),
        trimmer_(etcd, options_, marks_, counts_) {
    follower_.Start();
    writer_.Start();
  }

  ~RunningEtcdLog() override { RunningEtcdLog::Stop(); }

  void ProposeAsync(Command command, Done done) override {
    absl::Status refusal = health_.Refusal();
    if (refusal.ok()) refusal = trimmer_.Admit(command);
    if (!refusal.ok()) return done(std::move(refusal));
    queue_.Add(std::move(command), std::move(done));
  }

  Position AppliedPosition() const override { return applied_.Get(); }

  absl::Status WaitUntilApplied(const Position& position, absl::Duration timeout) override {
    return applied_.Wait(position, timeout);
  }

  absl::Status ReadBarrier(absl::Duration timeout) override {
    RETURN_IF_ERROR(health_.Refusal());
    return barrier_.Wait(timeout);
  }

  LogHealth Health() const override { return health_.Get(); }

  absl::Status WaitUntilSettled(absl::Duration timeout) override {
    const absl::Status serving = health_.WaitUntilServing(timeout);
    const LogHealth health = health_.Get();
    if (serving.ok() || health.state == LogState::kReadOnly ||
        health.state == LogState::kStatesDiffer) {
      return absl::OkStatus();
    }
    if (health.state == LogState::kCatchingUp) return serving;
    return absl::FailedPreconditionError(health.reason);
  }

  void Hold(absl::string_view reason) override { health_.Hold(reason); }
  void Release() override { health_.Release(); }
  bool IsHeld() const override { return health_.IsHeld(); }
  void Halt(absl::string_view reason) override {
    health_.Set(LogState::kStopped, reason);
    // So that it sees that it has to end.
    follower_.Redial();
  }

  const EtcdLogCounts& counts() const override { return counts_; }

  void Stop() override {
    queue_.Close();
    writer_.Join();
    health_.Close();
    barrier_.Stop();
    trimmer_.Stop();
    follower_.Stop();
  }

 private:
  const EtcdLogOptions options_;
  EtcdLogCounts counts_;
  ProposalQueue queue_;
  AppliedMark applied_;
  HealthCell health_;
  InFlight in_flight_;
  LogMarks marks_;
  LogBase base_;
  EtcdFollower follower_;
  EtcdWriter writer_;
  EtcdReadBarrier barrier_;
  EtcdTrimmer trimmer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdLog>> EtcdLog::Open(Store& store, Etcd& etcd,
                                                       const EtcdLogOptions& options) {
  EtcdCursor cursor;
  const std::string note = store.EngineNote();
  if (!note.empty()) {
    ASSIGN_OR_RETURN(cursor, EtcdCursor::Decode(note));
  } else if (store.AppliedPosition().index != 0) {
    return absl::FailedPreconditionError(
        "the state was written by a node that was alone; bring it to the cluster with musterd "
        "migrate, or begin with an empty data directory");
  }
  return std::make_unique<RunningEtcdLog>(store, etcd, options, std::move(cursor));
}

}  // namespace muster::server
