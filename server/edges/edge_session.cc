// The receiving side of a stream: hello, batches, watermarks. Numbers are compared twice: here,
// against what this stream has proposed, so that nothing is proposed twice or out of order; and in
// apply, against what is durable, which alone is acknowledged.
#include "server/edges/edge_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "server/edges/result_redaction.h"
#include "server/pki/join_credentials.h"
#include "server/pki/router_roots.h"

namespace muster::server {
namespace {

constexpr size_t kSpoolIdBytes = 16;
// Edges send one a second; what comes faster adds nothing.
// A watermark is a log entry of its own.
constexpr absl::Duration kWatermarkEvery = absl::Milliseconds(800);
// An edge's clock is corrected by the offset of its welcome; what is further ahead is cut.
// A minute is far beyond what an honest edge is off by.
constexpr int64_t kMaxAheadUs = 60'000'000;
// The whole set goes into the welcome; read in pages, since a read that is held long keeps the
// write-ahead log from being used again.
constexpr size_t kRevocationsAPage = 10'000;

LaneNumber NumberOf(const internal::v1::EdgeBatch& batch) {
  return {static_cast<Lane>(batch.lane()), batch.number()};
}

size_t IndexOf(Lane lane) { return static_cast<size_t>(lane) - 1; }

internal::v1::Command CommandOf(const std::string& edge_id, absl::string_view method) {
  internal::v1::Command command;
  command.mutable_actor()->set_principal(absl::StrCat("edges/", edge_id));
  command.set_method(std::string(method));
  return command;
}

// Keeps the items of `items` whose verdict is right; reports the others. `next` walks over the
// verdicts, which stand in the order check-ins, events, results.
template <typename Items>
void KeepProven(Items& items, const std::vector<ProofVerdict>& verdicts, size_t& next,
                UpBatch& batch) {
  int kept = 0;
  for (int i = 0; i < items.size(); ++i, ++next) {
    if (IsRight(verdicts[next])) {
      // Moves what stays to the front: no item is copied, and the order of those that stay is kept.
      items.SwapElements(kept++, i);
      continue;
    }
    const bool unknown = verdicts[next] == ProofVerdict::kUnknownDevice;
    batch.refused.push_back(
        {batch.batch.number(), items.Get(i).item(),
         unknown ? ItemVerdictCode::kUnknownDevice : ItemVerdictCode::kWrongSecret,
         unknown ? "no such device" : "the secret check does not fit"});
  }
  items.DeleteSubrange(kept, items.size() - kept);
}

// An edge whose clock runs ahead must not hide what comes later: a check-in of next year would make
// all that follow "not newer". Cut and not refused, since the figures in it are good.
void CutFuture(internal::v1::EdgeBatch& batch, int64_t now_us) {
  const int64_t latest = now_us + kMaxAheadUs;
  for (internal::v1::CheckIn& item : *batch.mutable_check_ins()) {
    if (item.time_delta_us() > latest - batch.base_time_us()) {
      item.set_time_delta_us(now_us - batch.base_time_us());
    }
  }
  for (internal::v1::JobEvent& event : *batch.mutable_job_events()) {
    if (event.time_us() > latest) event.set_time_us(now_us);
  }
}

}  // namespace

EdgeSession::EdgeSession(const EdgeContext& context, std::string edge_id,
                         absl::Time certificate_end, EdgeSink& sink, std::function<void()> wake,
                         ContactQuestions* questions)
    : context_(context),
      edge_id_(std::move(edge_id)),
      certificate_end_(certificate_end),
      wake_(std::move(wake)),
      questions_(questions),
      outbox_(context.state, edge_id_),
      sink_(&sink),
      opened_(context.clock.Monotonic()) {}

bool EdgeSession::OnMessage(UpMessage message) {
  if (auto* batch = std::get_if<UpBatch>(&message)) return OnBatch(std::move(*batch));
  if (auto* hello = std::get_if<UpHello>(&message)) OnHello(std::move(*hello));
  if (const auto* watermark = std::get_if<UpWatermark>(&message)) OnWatermark(*watermark);
  if (const auto* verdict = std::get_if<UpStateVerdict>(&message)) OnStateVerdict(*verdict);
  if (auto* answer = std::get_if<UpContactAnswer>(&message); answer && questions_ != nullptr) {
    questions_->Answer(edge_id_, std::move(*answer));
  }
  return true;
}

void EdgeSession::OnEndOfReading() { Finish(absl::OkStatus()); }

void EdgeSession::OnHello(UpHello hello) {
  // The certificate says who it is; the hello may only agree.
  if (hello.edge_id != edge_id_) {
    return Finish(absl::PermissionDeniedError("the hello names another edge than the certificate"));
  }
  if (hello.spool_id.size() != kSpoolIdBytes) {
    return Finish(absl::InvalidArgumentError("a spool id must have 16 bytes"));
  }
  {
    MutexLock lock(mutex_);
    if (finished_ || sink_ == nullptr) return;
    // A second hello in one stream means nothing.
    if (std::exchange(said_hello_, true)) return;
    spool_id_ = hello.spool_id;
  }
  internal::v1::Command command = CommandOf(edge_id_, "muster.edge.v1.EdgeService/Connect");
  internal::v1::EdgeSession& session = *command.mutable_edge_session();
  session.set_edge_id(edge_id_);
  session.set_spool_id(hello.spool_id);
  session.set_version(hello.version);
  session.set_router_root_sha256(hello.router_root_sha256);
  context_.log.ProposeAsync(std::move(command),
                            // The session lives until the log has answered, whatever becomes of the
                            // stream.
                            [self = shared_from_this(),
                             hello = std::move(hello)](absl::StatusOr<Applied> applied) mutable {
                              self->OnSession(std::move(hello), std::move(applied));
                            });
}

void EdgeSession::OnSession(UpHello hello, absl::StatusOr<Applied> applied) {
  if (!applied.ok()) return Finish(applied.status());
  {
    MutexLock lock(mutex_);
    // On the log's writer thread: what follows reads the database, so the hub's thread does it.
    applied_hello_ = AppliedHello{std::move(hello), applied->result.edge_session()};
  }
  WakeHub();
}

void EdgeSession::BeginIfApplied() {
  std::optional<AppliedHello> applied;
  {
    MutexLock lock(mutex_);
    applied = std::exchange(applied_hello_, std::nullopt);
  }
  if (!applied.has_value()) return;
  const std::optional<Edge> edge = context_.state.FindEdge(edge_id_);
  // Revoked between the hello's entry and now.
  if (!edge.has_value() || edge->revoke_time_us != 0) {
    return Finish(absl::PermissionDeniedError("this edge is revoked"));
  }
  absl::StatusOr<Secret> key = OpenCheckKey(context_.master, edge_id_, edge->sealed_check_key);
  if (!key.ok()) return Finish(absl::InternalError("the edge's key for secret checks is damaged"));
  SecretChecks* checks = nullptr;
  {
    MutexLock lock(mutex_);
    checks_ = std::make_unique<SecretChecks>(context_.state, context_.master, context_.keys,
                                             context_.clock, *std::move(key));
    checks = checks_.get();
    for (const internal::v1::LaneNumber& lane : applied->result.applied()) {
      if (lane.lane() < 1 || lane.lane() > kEdgeLanes) continue;
      // The edge goes on behind these, whatever it thought to have sent.
      lanes_[lane.lane() - 1] = {lane.number(), lane.number()};
    }
    // From here on batches are taken: the checks that judge them are there.
    epoch_ = applied->result.session_epoch();
  }
  outbox_.Begin(MakeWelcome(applied->hello, applied->result), *checks);
  LogInfo("edges", "edge connected",
          {{"edge", edge_id_},
           {"version", applied->hello.version},
           {"epoch", absl::StrCat(applied->result.session_epoch())}});
}

DownWelcome EdgeSession::MakeWelcome(const UpHello& hello,
                                     const internal::v1::EdgeSessionResult& result) {
  DownWelcome welcome;
  welcome.cluster_id = context_.keys.cluster_id;
  welcome.session_epoch = result.session_epoch();
  for (const internal::v1::LaneNumber& lane : result.applied()) {
    welcome.applied.push_back({static_cast<Lane>(lane.lane()), lane.number()});
  }
  for (const routeros::TokenKey& key : context_.keys.token_keys) {
    welcome.token_keys.push_back({key.key_id, key.key});
  }
  {
    MutexLock lock(mutex_);
    welcome.secret_check_key = checks_->edge_key();
  }
  DeviceId after;
  for (;;) {
    const std::vector<State::Revocation> page =
        context_.state.ListRevocations(after, kRevocationsAPage);
    for (const State::Revocation& revocation : page) {
      welcome.revocations.push_back({revocation.device, revocation.least_epoch});
      after = revocation.device;
    }
    if (page.size() < kRevocationsAPage) break;
  }
  welcome.router_roots = TrustedRootPems(context_.state);
  // Our clock minus the edge's; the way of the hello is in it, some tens of milliseconds that
  // nothing here depends on.
  welcome.time_offset_us = absl::ToUnixMicros(context_.clock.Now()) - hello.time_us;
  return welcome;
}

bool EdgeSession::TakeNumber(Lane lane, uint64_t number) {
  absl::Status skipped;
  {
    MutexLock lock(mutex_);
    if (finished_ || sink_ == nullptr) return false;
    LaneState& state = lanes_[IndexOf(lane)];
    // Proposed and not applied: the edge need not wait for us to send the next.
    if (number == state.proposed + 1) {
      state.proposed = number;
      ++in_flight_;
      return true;
    }
    // Only an edge with a mistake, or one that we lost something of: it connects again and begins
    // behind what is applied.
    if (number > state.proposed) {
      skipped = absl::FailedPreconditionError(
          absl::StrCat("batch ", number, " of lane ", static_cast<int>(lane), " came after ",
                       state.proposed, "; connect again and send what is not acknowledged"));
    } else if (number <= state.applied) {
      // A repetition of what is durable: say so again. One that is still under way is answered when
      // it is applied.
      outbox_.AddAck({{lane, state.applied}, {}});
    }
  }
  if (!skipped.ok()) {
    Finish(skipped);
  } else {
    WakeHub();
  }
  return false;
}

bool EdgeSession::OnBatch(UpBatch batch) {
  {
    MutexLock lock(mutex_);
    if (epoch_ != 0) {
      batch.batch.set_session_epoch(epoch_);
      batch.batch.set_spool_id(spool_id_);
    }
  }
  // 0: no hello was applied yet.
  if (batch.batch.session_epoch() == 0) {
    Finish(absl::InvalidArgumentError("a batch came before the welcome"));
    return true;
  }
  const LaneNumber number = NumberOf(batch.batch);
  if (IndexOf(number.lane) >= kEdgeLanes || number.number == 0) {
    Finish(absl::InvalidArgumentError("a batch needs a lane and a number from 1"));
    return true;
  }
  if (!TakeNumber(number.lane, number.number)) return true;
  // Here, before it is proposed: no proof and no unproven item ever reaches the log.
  DropUnproven(batch);
  RedactResults(context_.state, context_.master, batch.batch);
  CutFuture(batch.batch, absl::ToUnixMicros(context_.clock.Now()));
  ProposeBatch(std::move(batch));
  MutexLock lock(mutex_);
  // After the proposal: done may have come in the meantime and found nothing to resume.
  reading_held_ = in_flight_ >= kMaxBatchesInFlight;
  return !reading_held_;
}

void EdgeSession::DropUnproven(UpBatch& batch) {
  SecretChecks* checks = nullptr;
  {
    MutexLock lock(mutex_);
    checks = checks_.get();
  }
  const std::vector<ProofVerdict> verdicts = checks->Check(batch.proofs);
  // Nearly every batch: nothing is moved or copied.
  if (std::all_of(verdicts.begin(), verdicts.end(),
                  [](ProofVerdict verdict) { return verdict == ProofVerdict::kRight; })) {
    return;
  }
  for (int i = 0; i < batch.batch.check_ins_size(); ++i) {
    const bool proves_next = verdicts[static_cast<size_t>(i)] == ProofVerdict::kRightNext;
    // Apply counts these: they are what a new token is promoted by.
    if (proves_next) batch.batch.mutable_check_ins(i)->set_next_token(true);
  }
  TellOfReleased(batch, verdicts);
  size_t next = 0;
  KeepProven(*batch.batch.mutable_check_ins(), verdicts, next, batch);
  KeepProven(*batch.batch.mutable_job_events(), verdicts, next, batch);
  KeepProven(*batch.batch.mutable_job_results(), verdicts, next, batch);
}

void EdgeSession::TellOfReleased(const UpBatch& batch, const std::vector<ProofVerdict>& verdicts) {
  for (size_t i = 0; i < verdicts.size(); ++i) {
    // A released device is unknown to Check; its record makes the edge answer X.
    if (verdicts[i] != ProofVerdict::kUnknownDevice) continue;
    const std::optional<DeviceKeyRecord> key = context_.state.FindDeviceKey(batch.proofs[i].device);
    if (key.has_value() && key->released) outbox_.AddDevice(batch.proofs[i].device);
  }
}

void EdgeSession::ProposeBatch(UpBatch batch) {
  const LaneNumber number = NumberOf(batch.batch);
  internal::v1::Command command = CommandOf(edge_id_, "muster.edge.v1.EdgeService/Connect");
  batch.batch.set_edge_id(edge_id_);
  *command.mutable_edge_batch() = std::move(batch.batch);
  context_.log.ProposeAsync(
      std::move(command), [self = shared_from_this(), number, verdicts = std::move(batch.refused)](
                              absl::StatusOr<Applied> applied) mutable {
        self->OnBatchDone(number, std::move(verdicts), applied);
      });
}

void EdgeSession::OnBatchDone(LaneNumber lane, std::vector<ItemVerdict> verdicts,
                              const absl::StatusOr<Applied>& applied) {
  using internal::v1::BatchOutcome;
  BatchOutcome outcome = internal::v1::BATCH_OUTCOME_UNSPECIFIED;
  {
    MutexLock lock(mutex_);
    // First of all: whatever the outcome, its place is free.
    --in_flight_;
    if (applied.ok()) {
      const internal::v1::EdgeBatchResult& result = applied->result.edge_batch();
      outcome = result.outcome();
      LaneState& state = lanes_[IndexOf(lane.lane)];
      // Outcomes come in order, but a duplicate's says what was applied before it.
      state.applied = std::max(state.applied, result.applied_number());
      for (const internal::v1::RefusedItem& item : result.refused()) {
        verdicts.push_back(
            {lane.number, item.item(), static_cast<ItemVerdictCode>(item.code()), item.reason()});
      }
      lane.number = state.applied;
    }
    if (sink_ != nullptr && !finished_ && std::exchange(reading_held_, false)) {
      sink_->ResumeReading();
    }
  }
  // Nobody knows whether it will be: the edge has it still, so it is for the edge to send it again.
  if (!applied.ok()) {
    return Finish(absl::UnavailableError(
        absl::StrCat("a batch could not be applied: ", applied.status().message())));
  }
  if (outcome == internal::v1::BATCH_OUTCOME_FENCED) {
    return Finish(absl::AbortedError("a newer stream of this edge has taken over"));
  }
  if (outcome == internal::v1::BATCH_OUTCOME_GAP) {
    return Finish(absl::FailedPreconditionError("a batch before this one is missing"));
  }
  // TAKEN and DUPLICATE alike: up to here all is durable.
  outbox_.AddAck({lane, std::move(verdicts)});
  WakeHub();
}

void EdgeSession::OnWatermark(const UpWatermark& watermark) {
  internal::v1::Command command = CommandOf(edge_id_, "muster.edge.v1.EdgeService/Connect");
  {
    MutexLock lock(mutex_);
    const absl::Duration now = context_.clock.Monotonic();
    const bool early = now - last_watermark_ < kWatermarkEvery;
    // A number that this stream has not seen says nothing that could be checked.
    const bool unseen = watermark.live_number > lanes_[IndexOf(Lane::kLive)].proposed;
    if (finished_ || epoch_ == 0 || early || unseen) return;
    last_watermark_ = now;
    internal::v1::EdgeWatermark& entry = *command.mutable_edge_watermark();
    entry.set_edge_id(edge_id_);
    entry.set_spool_id(spool_id_);
    entry.set_session_epoch(epoch_);
    // Not beyond this node's own clock: devices must not be called offline ahead of time.
    entry.set_time_us(std::min(watermark.time_us, absl::ToUnixMicros(context_.clock.Now())));
    entry.set_live_number(watermark.live_number);
  }
  // A lost one is followed by the next within a second.
  context_.log.ProposeAsync(std::move(command), [](const absl::StatusOr<Applied>&) {});
}

void EdgeSession::ProposeProblem(absl::string_view problem) {
  internal::v1::Command command = CommandOf(edge_id_, "muster.edge.v1.EdgeService/Connect");
  internal::v1::EdgeProblem& entry = *command.mutable_edge_problem();
  entry.set_edge_id(edge_id_);
  entry.set_session_epoch(epoch());
  entry.set_problem(std::string(problem));
  context_.log.ProposeAsync(std::move(command), [](const absl::StatusOr<Applied>&) {});
}

void EdgeSession::OnStateVerdict(const UpStateVerdict& verdict) {
  const bool refused = !verdict.refusal.empty();
  bool changed = false;
  {
    MutexLock lock(mutex_);
    if (finished_ || epoch_ == 0) return;
    // One entry in the log when it begins and one when it is over, not one a delta.
    changed = std::exchange(refused_state_, refused) != refused;
  }
  if (changed) {
    ProposeProblem(
        refused ? absl::StrCat("refused a state, works with the one before: ", verdict.refusal)
                : "");
  }
  if (!refused) return;
  LogWarning("edges", "the edge refused a state and goes on with the one before",
             {{"edge", edge_id_},
              {"generation", absl::StrCat(verdict.generation)},
              {"reason", verdict.refusal}});
}

}  // namespace muster::server
