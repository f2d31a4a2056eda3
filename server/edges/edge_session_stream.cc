// The stream's side of a session: writing, finishing, deadlines. Locks are taken session before hub
// and outbox; sink_ is null once the stream has closed, and nobody touches the sink or wakes the
// hub after that.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "server/edges/edge_session.h"

namespace muster::server {

uint64_t EdgeSession::epoch() const {
  MutexLock lock(mutex_);
  return epoch_;
}

void EdgeSession::WakeHub() {
  MutexLock lock(mutex_);
  if (sink_ != nullptr) wake_();
}

void EdgeSession::OnWritten() {
  {
    MutexLock lock(mutex_);
    writing_ = false;
    last_write_begun_ = absl::InfiniteDuration();
  }
  // The farewell is on its way and nothing follows it.
  if (outbox_.drained()) return Finish(absl::UnavailableError("musterd is stopping"));
  WakeHub();
}

void EdgeSession::OnClosed() {
  MutexLock lock(mutex_);
  finished_ = true;
  sink_ = nullptr;
}

void EdgeSession::Pump() {
  BeginIfApplied();
  {
    MutexLock lock(mutex_);
    // One message at a time; OnWritten asks for the next.
    if (sink_ == nullptr || finished_ || writing_) return;
  }
  // Without the lock: this reads the database.
  const std::optional<DownMessage> message = outbox_.Next();
  if (!message.has_value()) return;
  MutexLock lock(mutex_);
  // It may have ended meanwhile; what was taken out is lost with it, and the next stream begins
  // with a snapshot.
  if (sink_ == nullptr || finished_) return;
  writing_ = true;
  last_write_begun_ = context_.clock.Monotonic();
  sink_->Write(*message);
}

void EdgeSession::CheckProgress() {
  absl::Status problem;
  {
    MutexLock lock(mutex_);
    if (finished_) return;
    const absl::Duration now = context_.clock.Monotonic();
    if (!said_hello_ && now - opened_ > kHelloDeadline) {
      problem = absl::DeadlineExceededError("no hello came");
    } else if (now - last_write_begun_ > kSlowDeadline) {
      // Infinite while nothing is being written.
      problem = absl::ResourceExhaustedError("the edge does not read its stream; connect again");
    } else if (context_.clock.Now() >= certificate_end_) {
      problem = absl::UnauthenticatedError(
          "the certificate of this stream has ended; connect with a renewed one");
    }
  }
  if (problem.ok() && outbox_.waiting() > kMaxWaiting) {
    problem = absl::ResourceExhaustedError("the edge does not keep up; connect again");
  }
  if (!problem.ok()) Finish(problem);
}

void EdgeSession::CheckFence() {
  const std::optional<Edge> edge = context_.state.FindEdge(edge_id_);
  if (!edge.has_value() || edge->revoke_time_us != 0) {
    return Finish(absl::PermissionDeniedError("this edge is revoked"));
  }
  const uint64_t mine = epoch();
  // 0: our own hello is not applied yet, and will be the newest.
  if (mine != 0 && edge->session_epoch > mine) {
    Finish(absl::AbortedError("a newer stream of this edge has taken over"));
  }
}

void EdgeSession::Finish(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    // Finish of the sink under the lock: no Write may come after it.
    if (std::exchange(finished_, true) || sink_ == nullptr) return;
    sink_->Finish(status);
  }
  LogInfo("edges", "stream of an edge ended", {{"edge", edge_id_}, {"why", status.ToString()}});
}

void EdgeSession::Drain(absl::string_view reason) {
  outbox_.AddDrain(std::string(reason));
  WakeHub();
}

bool EdgeSession::Knows(DeviceId device) const {
  MutexLock lock(mutex_);
  return checks_ != nullptr && checks_->Knows(device);
}

void EdgeSession::TellAgain(OrganizationId organization) {
  const SecretChecks* checks = nullptr;
  {
    MutexLock lock(mutex_);
    // Set once and never taken away, so it may be used without the lock.
    checks = checks_.get();
  }
  if (checks == nullptr) return;
  for (const DeviceId device : checks->KnownOf(organization)) outbox_.AddDevice(device);
}

void EdgeSession::Forget(DeviceId device) {
  MutexLock lock(mutex_);
  if (checks_ != nullptr) checks_->Forget(device);
}

}  // namespace muster::server
