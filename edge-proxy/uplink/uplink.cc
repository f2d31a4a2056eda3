#include "edge-proxy/uplink/uplink.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "edge-proxy/uplink/convert.h"
#include "edge-proxy/uplink/join.h"
#include "muster/edge/v1/edge_service.grpc.pb.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;
using Stream = grpc::ClientReaderWriter<wire::ConnectRequest, wire::ConnectResponse>;

constexpr absl::Duration kTick = absl::Milliseconds(25);
constexpr absl::Duration kHousekeeping = absl::Seconds(1);
constexpr absl::Duration kRenewalCheck = absl::Hours(1);
constexpr absl::Duration kRenewalRetry = absl::Minutes(1);
constexpr absl::Duration kFirstPause = absl::Seconds(2);
constexpr absl::Duration kLongestPause = absl::Seconds(30);
constexpr absl::Duration kWelcomeDeadline = absl::Seconds(10);
constexpr absl::Duration kCallDeadline = absl::Milliseconds(4500);

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// A unary call. It holds its channel, whose end waits for the thread that runs callbacks: so it
// must never be that thread that frees it.
struct AnyCall {
  virtual ~AnyCall() = default;
  grpc::ClientContext context;
  std::unique_ptr<wire::EdgeService::Stub> stub;
};
template <typename Request, typename Response>
struct PendingCall : AnyCall {
  Request request;
  Response response;
};

// Keeps gRPC initialized between streams.
struct GrpcLibrary {
  GrpcLibrary() { grpc_init(); }
  ~GrpcLibrary() { grpc_shutdown(); }
};

}  // namespace

struct Uplink::State {
  State(UplinkParts the_parts, Identity the_identity)
      : parts(std::move(the_parts)), identity(std::move(the_identity)) {}

  void Run();
  absl::Status RunSession(const std::string& control);
  void Send(Session& session, Stream& stream, const bool& ended);
  void Pause(absl::Duration longest);
  void RunRenewal();
  void Housekeep();
  SessionParts PartsOfSession();
  // nullptr where there is no control plane. To be given to Retire when it has been answered.
  template <typename Request, typename Response>
  PendingCall<Request, Response>* BeginCall();
  void Retire(AnyCall* call);
  void FreeRetired();

  const GrpcLibrary library;
  UplinkParts parts;
  Mutex mutex;
  ConditionVariable changed;
  Identity identity ABSL_GUARDED_BY(mutex);
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool woken ABSL_GUARDED_BY(mutex) = false;
  bool welcomed_once ABSL_GUARDED_BY(mutex) = false;
  std::vector<std::unique_ptr<AnyCall>> open_calls ABSL_GUARDED_BY(mutex);
  std::vector<std::unique_ptr<AnyCall>> retired_calls ABSL_GUARDED_BY(mutex);
  // Shared with the calls that are on their way when a stream ends.
  std::shared_ptr<grpc::Channel> channel ABSL_GUARDED_BY(mutex);
  grpc::ClientContext* stream_context ABSL_GUARDED_BY(mutex) = nullptr;
  absl::Duration housekept;
  std::thread thread;
  std::thread renewal;
};

SessionParts Uplink::State::PartsOfSession() {
  MutexLock lock(mutex);
  return {.edge_id = identity.edge_id,
          .cluster_id = identity.cluster_id,
          .clock = parts.clock,
          .own_clock = parts.own_clock,
          .outbox = parts.outbox,
          .devices = parts.devices,
          .jobs = parts.jobs,
          .gate = parts.gate,
          .contacts = parts.contacts};
}

void Uplink::State::Housekeep() {
  const absl::Duration now = parts.own_clock.Monotonic();
  if (now - housekept < kHousekeeping) return;
  housekept = now;
  parts.jobs.DropExpired(parts.clock.Now());
  FreeRetired();
}

void Uplink::State::Pause(absl::Duration longest) {
  absl::BitGen random;
  const absl::Duration pause =
      absl::Milliseconds(absl::Uniform<int64_t>(random, 0, absl::ToInt64Milliseconds(longest)));
  const absl::Duration end = parts.own_clock.Monotonic() + pause;
  MutexLock lock(mutex);
  while (!stopping && parts.own_clock.Monotonic() < end) {
    changed.WaitFor(mutex, std::min(kHousekeeping, end - parts.own_clock.Monotonic()));
    mutex.unlock();
    Housekeep();
    mutex.lock();
  }
}

void Uplink::State::Run() {
  absl::Duration longest = kFirstPause;
  for (size_t attempt = 0;; ++attempt) {
    {
      MutexLock lock(mutex);
      if (stopping) return;
    }
    const std::string control = parts.controls[attempt % parts.controls.size()];
    const absl::Duration begin = parts.own_clock.Monotonic();
    const absl::Status status = RunSession(control);
    {
      MutexLock lock(mutex);
      if (stopping) return;
    }
    LogWarning("uplink", "disconnected",
               {{"control", control}, {"why", std::string(status.message())}});
    if (absl::IsAborted(status)) continue;
    const bool lasted = parts.own_clock.Monotonic() - begin > kLongestPause;
    longest = lasted ? kFirstPause : std::min(longest * 1.5, kLongestPause);
    Pause(longest);
  }
}

absl::Status Uplink::State::RunSession(const std::string& control) {
  std::shared_ptr<grpc::Channel> own_channel;
  grpc::ClientContext context;
  {
    MutexLock lock(mutex);
    own_channel =
        MakeChannel(control, identity.cluster_root, identity.client_key, identity.client_chain);
    stream_context = &context;
  }
  Session session(PartsOfSession());
  const auto stub = wire::EdgeService::NewStub(own_channel);
  const std::unique_ptr<Stream> stream = stub->Connect(&context);
  absl::Status why;
  bool ended = false;  // guarded by mutex
  std::thread reader([&] {
    wire::ConnectResponse response;
    while (stream->Read(&response)) {
      absl::Status taken = session.Take(response);
      MutexLock lock(mutex);
      if (session.welcomed() && channel == nullptr) {
        channel = own_channel;
        welcomed_once = true;
        LogInfo("uplink", "connected", {{"control", control}});
      }
      woken = true;
      if (!taken.ok()) why = std::move(taken);
      changed.NotifyAll();
      if (!why.ok()) break;
    }
    MutexLock lock(mutex);
    ended = true;
    changed.NotifyAll();
  });
  stream->Write(session.Hello());
  Send(session, *stream, ended);
  {
    // A stream that the control plane has ended says why.
    MutexLock lock(mutex);
    if (!ended || !why.ok()) context.TryCancel();
  }
  reader.join();
  const absl::Status status = FromGrpc(stream->Finish());
  MutexLock lock(mutex);
  stream_context = nullptr;
  channel = nullptr;
  changed.NotifyAll();
  return why.ok() ? status : why;
}

void Uplink::State::Send(Session& session, Stream& stream, const bool& ended) {
  const absl::Duration welcome_by = parts.own_clock.Monotonic() + kWelcomeDeadline;
  while (true) {
    {
      MutexLock lock(mutex);
      if (ended || stopping) return;
      if (!woken) changed.WaitFor(mutex, kTick);
      if (ended || stopping) return;
      woken = false;
    }
    Housekeep();
    if (!session.welcomed() && parts.own_clock.Monotonic() > welcome_by) return;
    while (std::optional<wire::ConnectRequest> request = session.Next()) {
      if (!stream.Write(*request)) return;
    }
  }
}

void Uplink::State::RunRenewal() {
  absl::Duration pause = absl::ZeroDuration();
  while (true) {
    std::shared_ptr<grpc::Channel> through;
    Identity current;
    {
      MutexLock lock(mutex);
      const absl::Duration end = parts.own_clock.Monotonic() + pause;
      while (!stopping && (channel == nullptr || parts.own_clock.Monotonic() < end)) {
        changed.WaitFor(mutex, kHousekeeping);
      }
      if (stopping) return;
      through = channel;
      current = identity;
    }
    pause = kRenewalCheck;
    const absl::StatusOr<bool> due = NeedsRenewal(current, parts.clock.Now());
    if (!due.ok() || !*due) continue;
    absl::StatusOr<Identity> renewed = Renew(through, current);
    absl::Status kept = renewed.status();
    if (kept.ok()) kept = parts.on_renewed(*renewed);
    if (!kept.ok()) {
      LogWarning("uplink", "can't renew certificates", {{"why", std::string(kept.message())}});
      pause = kRenewalRetry;
      continue;
    }
    LogInfo("uplink", "renewed certificates");
    MutexLock lock(mutex);
    identity = *std::move(renewed);
  }
}

template <typename Request, typename Response>
PendingCall<Request, Response>* Uplink::State::BeginCall() {
  MutexLock lock(mutex);
  if (channel == nullptr || stopping) return nullptr;
  auto call = std::make_unique<PendingCall<Request, Response>>();
  call->context.set_deadline(absl::ToChronoTime(absl::Now() + kCallDeadline));
  call->stub = wire::EdgeService::NewStub(channel);
  PendingCall<Request, Response>* const open = call.get();
  open_calls.push_back(std::move(call));
  return open;
}

void Uplink::State::Retire(AnyCall* call) {
  MutexLock lock(mutex);
  const auto found = std::find_if(open_calls.begin(), open_calls.end(),
                                  [call](const auto& open) { return open.get() == call; });
  retired_calls.push_back(std::move(*found));
  open_calls.erase(found);
  changed.NotifyAll();
}

void Uplink::State::FreeRetired() {
  std::vector<std::unique_ptr<AnyCall>> retired;
  {
    MutexLock lock(mutex);
    retired.swap(retired_calls);
  }
  // Freed without the lock: the end of a channel may wait for a callback that retires another call.
}

Uplink::Uplink(UplinkParts parts, Identity identity)
    : state_(std::make_unique<State>(std::move(parts), std::move(identity))) {}

Uplink::~Uplink() { Stop(); }

void Uplink::Start() {
  state_->thread = std::thread([this] { state_->Run(); });
  state_->renewal = std::thread([this] { state_->RunRenewal(); });
}

void Uplink::Wake() {
  MutexLock lock(state_->mutex);
  state_->woken = true;
  state_->changed.NotifyAll();
}

bool Uplink::WaitForWelcome(absl::Duration at_most) const {
  const absl::Duration end = state_->parts.own_clock.Monotonic() + at_most;
  MutexLock lock(state_->mutex);
  while (!state_->welcomed_once && state_->parts.own_clock.Monotonic() < end) {
    state_->changed.WaitFor(state_->mutex, end - state_->parts.own_clock.Monotonic());
  }
  return state_->welcomed_once;
}

bool Uplink::welcomed_once() const {
  MutexLock lock(state_->mutex);
  return state_->welcomed_once;
}

bool Uplink::connected() const {
  MutexLock lock(state_->mutex);
  return state_->channel != nullptr;
}

void Uplink::Flush(absl::Duration at_most) {
  const absl::Duration end = state_->parts.own_clock.Monotonic() + at_most;
  while (!state_->parts.outbox.empty() && state_->parts.own_clock.Monotonic() < end) {
    MutexLock lock(state_->mutex);
    if (state_->channel == nullptr) return;
    state_->changed.WaitFor(state_->mutex, kTick);
  }
}

void Uplink::Stop() {
  {
    MutexLock lock(state_->mutex);
    state_->stopping = true;
    if (state_->stream_context != nullptr) state_->stream_context->TryCancel();
    state_->changed.NotifyAll();
  }
  if (state_->thread.joinable()) state_->thread.join();
  if (state_->renewal.joinable()) state_->renewal.join();
  {
    MutexLock lock(state_->mutex);
    while (!state_->open_calls.empty()) state_->changed.Wait(state_->mutex);
  }
  state_->FreeRetired();
}

void Uplink::CheckClaim(const ClaimQuestion& question,
                        std::function<void(absl::StatusOr<ClaimAnswer>)> done) {
  auto* call = state_->BeginCall<wire::CheckClaimRequest, wire::CheckClaimResponse>();
  if (call == nullptr) return done(absl::UnavailableError("the control plane is away"));
  call->request.set_claim(question.claim);
  call->request.set_source_address(question.source_address);
  call->stub->async()->CheckClaim(&call->context, &call->request, &call->response,
                                  [this, call, done = std::move(done)](const grpc::Status& status) {
                                    if (status.ok()) {
                                      done(FromProto(call->response));
                                    } else {
                                      done(FromGrpc(status));
                                    }
                                    state_->Retire(call);
                                  });
}

void Uplink::Enroll(const ClaimQuestion& question, const routeros::Enrolment& enrolment,
                    std::function<void(absl::StatusOr<EnrolmentAnswer>)> done) {
  auto* call = state_->BeginCall<wire::EnrollRequest, wire::EnrollResponse>();
  if (call == nullptr) return done(absl::UnavailableError("the control plane is away"));
  call->request = ToProto(question, enrolment);
  call->stub->async()->Enroll(&call->context, &call->request, &call->response,
                              [this, call, done = std::move(done)](const grpc::Status& status) {
                                if (!status.ok()) {
                                  done(FromGrpc(status));
                                } else {
                                  EnrolmentAnswer answer;
                                  answer.verdict = FromProto(call->response.verdict());
                                  answer.token = Secret(call->response.token());
                                  const absl::StatusOr<DeviceRecord> record =
                                      FromProto(call->response.record());
                                  if (record.ok()) answer.record = *record;
                                  done(std::move(answer));
                                }
                                state_->Retire(call);
                              });
}

}  // namespace muster::edge
