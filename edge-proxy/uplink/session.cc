// What each message of the stream does to the edge's tables, and which message goes next. Nothing
// here waits or knows gRPC, so that every order of messages can be tested.
#include "edge-proxy/uplink/session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/program/options.h"
#include "common/status/status_macros.h"
#include "edge-proxy/uplink/convert.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;

constexpr uint32_t kProtocol = 1;
// A little under the promised second, since the sender looks every 25 ms.
constexpr absl::Duration kWatermarkEvery = absl::Milliseconds(900);
// A million records and their jobs; beyond that something is wrong, and the edge keeps what it has.
constexpr size_t kMostStateBytes = 512u << 20;
// Questions come from operators; more at once than this are left unanswered.
constexpr size_t kMostAnswers = 64;

}  // namespace

wire::ConnectRequest Session::Hello() const {
  wire::ConnectRequest request;
  wire::Hello& hello = *request.mutable_hello();
  hello.set_edge_id(parts_.edge_id);
  hello.set_version(std::string(Version()));
  // Uncorrected: from it the control plane reckons the offset.
  hello.set_time_us(absl::ToUnixMicros(parts_.own_clock.Now()));
  hello.set_protocol(kProtocol);
  hello.set_router_root_sha256(parts_.router_root_sha256);
  parts_.outbox.FillHello(hello);
  return request;
}

bool Session::welcomed() const {
  MutexLock lock(mutex_);
  return welcomed_;
}

absl::Status Session::Take(const wire::ConnectResponse& response) {
  if (response.has_welcome()) return TakeWelcome(response.welcome());
  // State before trust could be of another cluster.
  if (!welcomed()) return absl::FailedPreconditionError("the first message is no welcome");
  switch (response.message_case()) {
    case wire::ConnectResponse::kAck:
      parts_.outbox.TakeAck(response.ack());
      break;
    case wire::ConnectResponse::kState:
      TakeState(response.state());
      break;
    case wire::ConnectResponse::kSettings:
      TakeSettings(response.settings());
      break;
    case wire::ConnectResponse::kContactQuestion:
      TakeQuestion(response.contact_question());
      break;
    case wire::ConnectResponse::kDrain:
      // The stream ends and another node is tried after a pause.
      return absl::UnavailableError(
          absl::StrCat("the control plane drains: ", response.drain().reason()));
    default:
      // A message of a newer control plane.
      break;
  }
  return absl::OkStatus();
}

void Session::TakeSettings(const wire::EdgeSettings& settings) {
  if (settings.interval_seconds() > 0) parts_.gate.SetInterval(settings.interval_seconds());
  parts_.roots.SetTrusted({settings.router_roots().begin(), settings.router_roots().end()});
}

absl::Status Session::TakeWelcome(const wire::Welcome& welcome) {
  if (welcomed()) return absl::FailedPreconditionError("a second welcome");
  ASSIGN_OR_RETURN(Trust trust, FromProto(welcome));
  // TLS has shown that it is our cluster's certificate; this guards against a node that was
  // restored with another cluster's state.
  if (trust.cluster_id != parts_.cluster_id) {
    return absl::FailedPreconditionError("the control plane is of another cluster");
  }
  // Before anything is applied: the stream begins anew at once, with the new spool id.
  if (!parts_.outbox.BeginSession(welcome)) {
    return absl::AbortedError("the control plane went back; going on with a new spool id");
  }
  std::vector<Revocation> revocations;
  revocations.reserve(welcome.revocations_size());
  for (const wire::Revocation& revocation : welcome.revocations()) {
    revocations.push_back({DeviceId{revocation.device_id()}, revocation.least_epoch()});
  }
  // Revocations before keys: with the new keys a token could pass that is revoked.
  parts_.devices.SetRevocations(revocations);
  // A control plane that was restored, or another node, may not have them.
  parts_.devices.ForgetSentFacts();
  const std::vector<std::string> roots(welcome.settings().router_roots().begin(),
                                       welcome.settings().router_roots().end());
  parts_.roots.SetTrusted(roots);
  parts_.clock.SetOffset(absl::Microseconds(welcome.time_offset_us()));
  parts_.gate.SetTrust(std::move(trust));
  // Last: Next begins to send as soon as this is true.
  MutexLock lock(mutex_);
  welcomed_ = true;
  return absl::OkStatus();
}

absl::Status Session::Collect(const wire::StateChunk& chunk, Coming& coming) {
  // Counted over the whole generation, which is held until its last chunk.
  coming.bytes += chunk.ByteSizeLong();
  if (coming.bytes > kMostStateBytes) return absl::InvalidArgumentError("state is too large");
  for (const wire::DeviceRecord& record : chunk.records()) {
    ASSIGN_OR_RETURN(DeviceRecord converted, FromProto(record));
    if (converted.offer != nullptr) {
      // A million devices share a handful of texts.
      converted.offer = offers_.Share(record.agent(), std::move(converted.offer));
    }
    coming.records.push_back(std::move(converted));
  }
  for (const uint64_t device : chunk.removed_devices()) {
    coming.removed_devices.push_back(DeviceId{device});
  }
  for (const wire::JobPut& put : chunk.jobs()) {
    ASSIGN_OR_RETURN(Job job, FromProto(put));
    coming.jobs.push_back(std::move(job));
  }
  for (const wire::JobRemove& removed : chunk.removed_jobs()) {
    coming.removed_jobs.emplace_back(DeviceId{removed.device_id()}, removed.number());
  }
  for (const wire::JobRemove& stopped : chunk.stopped_jobs()) {
    coming.stopped_jobs.emplace_back(DeviceId{stopped.device_id()}, stopped.number());
  }
  for (const wire::FastBeats& fast : chunk.fast_beats()) {
    coming.fast_beats.emplace_back(DeviceId{fast.device_id()}, fast.seconds());
  }
  for (const wire::Revocation& revocation : chunk.revocations()) {
    coming.revocations.push_back({DeviceId{revocation.device_id()}, revocation.least_epoch()});
  }
  return absl::OkStatus();
}

void Session::TakeQuestion(const wire::ContactQuestion& question) {
  wire::ContactAnswer answer =
      ToProto(question.question(), parts_.contacts.Find(DeviceId{question.device_id()}));
  MutexLock lock(mutex_);
  // The control plane gives up on a question by itself.
  if (answers_.size() < kMostAnswers) answers_.push_back(std::move(answer));
}

// A generation is taken or refused as a whole; the last good one stays in force until then.
void Session::TakeState(const wire::StateChunk& chunk) {
  // Another generation ends the one that was coming: its last chunk will never come.
  if (chunk.generation() != coming_.generation || coming_.generation == 0) {
    coming_ = Coming{.generation = chunk.generation()};
  }
  coming_.snapshot = coming_.snapshot || chunk.snapshot();
  // After the first fault the rest of the generation is only waited out.
  if (coming_.refusal.empty()) {
    coming_.refusal = std::string(Collect(chunk, coming_).message());
  }
  if (!chunk.last()) return;
  Coming coming = std::exchange(coming_, Coming());
  // Then the verdict, so that "taken" means applied.
  if (coming.refusal.empty()) Apply(coming);
  wire::StateVerdict verdict;
  verdict.set_generation(coming.generation);
  verdict.set_refusal(coming.refusal);
  MutexLock lock(mutex_);
  verdicts_.push_back(std::move(verdict));
}

void Session::Apply(Coming& coming) {
  const absl::Time now = parts_.clock.Now();
  // First: no record that follows may let in what is revoked.
  for (const Revocation& revocation : coming.revocations) {
    parts_.devices.AddRevocation(revocation);
  }
  if (coming.snapshot) {
    // First the records that stay or come, then jobs, then what left: events of removed jobs carry
    // the checks of their devices, also of those that are gone with this snapshot.
    for (const DeviceRecord& record : coming.records) parts_.devices.Put(record);
    parts_.jobs.ReplaceAll(std::move(coming.jobs), now);
    parts_.devices.ReplaceAll(coming.records);
  } else {
    // Records before jobs: a job of a device without a record would have to wait for its next beat.
    for (const DeviceRecord& record : coming.records) parts_.devices.Put(record);
    for (Job& job : coming.jobs) parts_.jobs.Put(std::move(job));
  }
  for (const auto& [device, number] : coming.removed_jobs) {
    parts_.jobs.Remove(device, number, now);
  }
  for (const auto& [device, number] : coming.stopped_jobs) parts_.jobs.Stop(device, number, now);
  for (const auto& [device, seconds] : coming.fast_beats) parts_.fast.Ask(device, seconds, now);
  // Last, so that events of their jobs still find a secret check.
  for (const DeviceId device : coming.removed_devices) parts_.devices.Remove(device);
}

std::optional<wire::ConnectRequest> Session::Next() {
  wire::ConnectRequest request;
  const absl::Duration now = parts_.own_clock.Monotonic();
  bool watermark_due = false;
  {
    MutexLock lock(mutex_);
    if (!welcomed_) return std::nullopt;
    // In the order of urgency: verdicts let the control plane go on, answers have an operator
    // waiting, the watermark is due by time, batches come as long as the window is open.
    if (!verdicts_.empty()) {
      *request.mutable_state_verdict() = std::move(verdicts_.front());
      verdicts_.pop_front();
      return request;
    }
    if (!answers_.empty()) {
      *request.mutable_contact_answer() = std::move(answers_.front());
      answers_.pop_front();
      return request;
    }
    // Before batches, so that a long backlog does not starve it: without it devices would turn
    // unknown.
    watermark_due = now - watermark_sent_ >= kWatermarkEvery;
    if (watermark_due) watermark_sent_ = now;
  }
  if (watermark_due) {
    // The stream lives, or keepalive would have ended it: no word is no change.
    parts_.gate.MarkFresh();
    *request.mutable_watermark() = parts_.outbox.WatermarkNow();
    return request;
  }
  std::optional<wire::Batch> batch = parts_.outbox.NextBatch();
  if (!batch.has_value()) return std::nullopt;
  *request.mutable_batch() = *std::move(batch);
  return request;
}

}  // namespace muster::edge
