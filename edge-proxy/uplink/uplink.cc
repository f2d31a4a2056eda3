// The stream's life: connect, hello, send until something ends it, pause, the next control plane.
// Two threads of its own (the stream and renewals), one more per stream that reads, and gRPC's, on
// which unary calls are answered.
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
#include "common/sync/deadline.h"
#include "edge-proxy/uplink/convert.h"
#include "edge-proxy/uplink/join.h"
#include "muster/edge/v1/edge_service.grpc.pb.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;
using Stream = grpc::ClientReaderWriter<wire::ConnectRequest, wire::ConnectResponse>;

// How late a batch can be that nobody woke for; below the 50 ms for which check-ins are collected.
constexpr absl::Duration kTick = absl::Milliseconds(25);
constexpr absl::Duration kHousekeeping = absl::Seconds(1);
constexpr absl::Duration kRenewalCheck = absl::Hours(1);
// Ten days are left when the first try is made.
constexpr absl::Duration kRenewalRetry = absl::Minutes(1);
constexpr absl::Duration kFirstPause = absl::Seconds(2);
// Before the next of several nodes, so that the edges of a node that died don't come in one moment.
constexpr absl::Duration kNextNode = absl::Milliseconds(200);
// A machine that is gone doesn't refuse; where there are other nodes, they are not kept waiting.
constexpr absl::Duration kConnectDeadline = absl::Milliseconds(1500);
// A control plane that comes back is found within this by every edge.
constexpr absl::Duration kLongestPause = absl::Seconds(30);
// Connected and silent: a node that hangs, or a port that is something else.
constexpr absl::Duration kWelcomeDeadline = absl::Seconds(10);
// Below the 5 s that a router's connection waits, so that it hears "away" and not "slow".
constexpr absl::Duration kCallDeadline = absl::Milliseconds(4500);

// The codes of both are the same numbers.
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

// Without it the end of the last channel would shut the library down and the next stream start it
// up.
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
  static bool ReachInTime(grpc::Channel& through);
  absl::Status RunSession(const std::string& control);
  void Send(Session& session, Stream& stream, const bool& ended);
  void Pause(absl::Duration longest);
  void RunRenewal();
  bool RenewalRests(absl::Duration end, bool failed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
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
  // Of the stream that is open, or was last.
  bool was_welcomed ABSL_GUARDED_BY(mutex) = false;
  std::vector<std::unique_ptr<AnyCall>> open_calls ABSL_GUARDED_BY(mutex);
  std::vector<std::unique_ptr<AnyCall>> retired_calls ABSL_GUARDED_BY(mutex);
  // Shared with the calls that are on their way when a stream ends.
  std::shared_ptr<grpc::Channel> channel ABSL_GUARDED_BY(mutex);
  grpc::ClientContext* stream_context ABSL_GUARDED_BY(mutex) = nullptr;
  absl::Duration housekept;
  std::thread thread;
  std::thread renewal;
};

// A copy of the identity: it may be renewed while a session lives.
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
          .contacts = parts.contacts,
          .fast = parts.fast,
          .roots = parts.roots,
          .router_root_sha256 = RouterRootSha256(identity)};
}

// On the stream's thread, also while it is disconnected: jobs end by time, not by messages.
void Uplink::State::Housekeep() {
  const absl::Duration now = parts.own_clock.Monotonic();
  if (now - housekept < kHousekeeping) return;
  housekept = now;
  parts.jobs.DropExpired(parts.clock.Now());
  FreeRetired();
}

// A random part of the longest pause: edges that lost one node together don't come back together.
void Uplink::State::Pause(absl::Duration longest) {
  absl::BitGen random;
  const absl::Duration pause =
      absl::Milliseconds(absl::Uniform<int64_t>(random, 0, absl::ToInt64Milliseconds(longest)));
  const absl::Duration end = parts.own_clock.Monotonic() + pause;
  MutexLock lock(mutex);
  while (!stopping && parts.own_clock.Monotonic() < end) {
    changed.WaitFor(mutex, std::min(kHousekeeping, end - parts.own_clock.Monotonic()));
    // Housekeeping adds events, which wake this uplink: it must not hold the lock.
    mutex.unlock();
    Housekeep();
    mutex.lock();
  }
}

// True once it can't be worse to open a stream: connected, or refused (the stream then says why).
bool Uplink::State::ReachInTime(grpc::Channel& through) {
  const Deadline deadline(kConnectDeadline);
  for (;;) {
    const grpc_connectivity_state state = through.GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_TRANSIENT_FAILURE) return true;
    if (!through.WaitForStateChange(state, absl::ToChronoTime(absl::Now() + deadline.Left())))
      return false;
  }
}

void Uplink::State::Run() {
  absl::Duration longest = kFirstPause;
  // Anywhere in the list: edges spread over the nodes.
  absl::BitGen random;
  const size_t first = absl::Uniform<size_t>(random, 0, parts.controls.size());
  // Nodes that were tried in vain since the last good stream.
  size_t tried = 0;
  for (size_t attempt = first;; ++attempt) {
    {
      MutexLock lock(mutex);
      if (stopping) return;
    }
    // In turn, also after a stream that was good: the node may be stopping.
    const std::string control = parts.controls[attempt % parts.controls.size()];
    const absl::Duration begin = parts.own_clock.Monotonic();
    const absl::Status status = RunSession(control);
    bool welcomed = false;
    {
      MutexLock lock(mutex);
      if (stopping) return;
      welcomed = std::exchange(was_welcomed, false);
    }
    LogWarning("uplink", "disconnected",
               {{"control", control}, {"why", std::string(status.message())}});
    // A new spool id: to be told at once, without a pause.
    if (absl::IsAborted(status)) continue;
    // A stream that lived longer than the longest pause was no failure to connect.
    const absl::Duration lived = parts.own_clock.Monotonic() - begin;
    const bool lasted = lived > kLongestPause;
    // Not at once: two processes of one identity would push each other out for ever.
    if (welcomed && lived > kFirstPause) tried = 0;
    if (lasted) longest = kFirstPause;
    // Routers wait: the other nodes are tried before there is a pause.
    if (++tried % parts.controls.size() != 0) {
      Pause(kNextNode);
      continue;
    }
    if (!lasted) longest = std::min(longest * 1.5, kLongestPause);
    Pause(longest);
  }
}

absl::Status Uplink::State::RunSession(const std::string& control) {
  std::shared_ptr<grpc::Channel> own_channel;
  grpc::ClientContext context;
  {
    MutexLock lock(mutex);
    // A channel for each stream: certificates may be new, and an old one may sit in a back-off.
    own_channel =
        MakeChannel(control, identity.cluster_root, identity.client_key, identity.client_chain);
    stream_context = &context;
  }
  // Before the stream, so that it outlives the thread that reads.
  Session session(PartsOfSession());
  if (parts.controls.size() > 1 && !ReachInTime(*own_channel)) {
    MutexLock lock(mutex);
    stream_context = nullptr;
    return absl::UnavailableError("no connection in time");
  }
  const auto stub = wire::EdgeService::NewStub(own_channel);
  const std::unique_ptr<Stream> stream = stub->Connect(&context);
  absl::Status why;
  bool ended = false;  // guarded by mutex
  // gRPC allows one reader and one writer at once on a synchronous stream.
  std::thread reader([&] {
    wire::ConnectResponse response;
    while (stream->Read(&response)) {
      absl::Status taken = session.Take(response);
      MutexLock lock(mutex);
      // Only a welcomed stream's channel serves routers' calls.
      if (session.welcomed() && channel == nullptr) {
        channel = own_channel;
        was_welcomed = true;
        welcomed_once = true;
        LogInfo("uplink", "connected", {{"control", control}});
      }
      // Whatever was taken may have made something to send: a verdict, room in the window.
      woken = true;
      if (!taken.ok()) why = std::move(taken);
      changed.NotifyAll();
      if (!why.ok()) break;
    }
    MutexLock lock(mutex);
    ended = true;
    changed.NotifyAll();
  });
  // Fails without a word where nothing is connected; the reader then ends, and Send with it.
  stream->Write(session.Hello());
  Send(session, *stream, ended);
  {
    // Cancelled where we end it, else Finish would wait for the other side for ever.
    // A stream that the control plane has ended says why.
    MutexLock lock(mutex);
    if (!ended || !why.ok()) context.TryCancel();
  }
  reader.join();
  // After join: Finish must not run beside Read.
  const absl::Status status = FromGrpc(stream->Finish());
  MutexLock lock(mutex);
  stream_context = nullptr;
  // Calls that have begun hold the channel themselves.
  channel = nullptr;
  changed.NotifyAll();
  if (!why.ok()) return why;
  // Aborted without a pause is for a new spool id alone: from the control plane it means that
  // another stream of this identity has taken over, and two that come back at once would do so for
  // ever.
  return absl::IsAborted(status) ? absl::UnavailableError(status.message()) : status;
}

void Uplink::State::Send(Session& session, Stream& stream, const bool& ended) {
  const absl::Duration welcome_by = parts.own_clock.Monotonic() + kWelcomeDeadline;
  while (true) {
    {
      MutexLock lock(mutex);
      if (ended || stopping) return;
      // `woken` is kept from before the wait, so no wake-up is lost.
      if (!woken) changed.WaitFor(mutex, kTick);
      if (ended || stopping) return;
      woken = false;
    }
    Housekeep();
    // No welcome in time: the caller cancels the stream and tries the next node.
    if (!session.welcomed() && parts.own_clock.Monotonic() > welcome_by) return;
    while (std::optional<wire::ConnectRequest> request = session.Next()) {
      // Blocks while the other side doesn't read: items collect in the outbox, where they are
      // bounded.
      if (!stream.Write(*request)) return;
    }
  }
}

// Renewed only over a live stream: it shows that this identity is still good there. Another router
// root is not waited for, unless the last renewal has failed.
bool Uplink::State::RenewalRests(absl::Duration end, bool failed) {
  if (channel == nullptr) return true;
  return parts.own_clock.Monotonic() < end && (failed || !parts.roots.WantsOther());
}

// A thread of its own, since making keys and a unary call would hold up the stream.
void Uplink::State::RunRenewal() {
  absl::Duration pause = absl::ZeroDuration();
  while (true) {
    std::shared_ptr<grpc::Channel> through;
    Identity current;
    {
      MutexLock lock(mutex);
      const absl::Duration end = parts.own_clock.Monotonic() + pause;
      const bool failed = pause == kRenewalRetry;
      while (!stopping && RenewalRests(end, failed)) changed.WaitFor(mutex, kHousekeeping);
      if (stopping) return;
      through = channel;
      current = identity;
    }
    pause = kRenewalCheck;
    const absl::StatusOr<bool> due = NeedsRenewal(current, parts.clock.Now());
    const bool other_root = parts.roots.WantsOther();
    if (!other_root && (!due.ok() || !*due)) continue;
    absl::StatusOr<Identity> renewed = Renew(through, current);
    absl::Status kept = renewed.status();
    // Used only where it could be kept: after a crash the old one would be there again, and it
    // would have to be good still.
    if (kept.ok()) kept = parts.on_renewed(*renewed);
    if (!kept.ok()) {
      LogWarning("uplink", "can't renew certificates", {{"why", std::string(kept.message())}});
      pause = kRenewalRetry;
      continue;
    }
    LogInfo("uplink",
            other_root ? "renewed certificates under another router root" : "renewed certificates");
    parts.roots.SetOwn(renewed->router_root);
    // A node that did not know of the other root yet; not again at once.
    if (parts.roots.WantsOther()) pause = kRenewalRetry;
    MutexLock lock(mutex);
    // The next stream uses it; the one that is open stays.
    identity = *std::move(renewed);
    // The hello says which root routers are shown.
    if (other_root && stream_context != nullptr) stream_context->TryCancel();
  }
}

template <typename Request, typename Response>
PendingCall<Request, Response>* Uplink::State::BeginCall() {
  MutexLock lock(mutex);
  if (channel == nullptr || stopping) return nullptr;
  auto call = std::make_unique<PendingCall<Request, Response>>();
  // By gRPC's own clock, which is the machine's.
  call->context.set_deadline(absl::ToChronoTime(absl::Now() + kCallDeadline));
  call->stub = wire::EdgeService::NewStub(channel);
  PendingCall<Request, Response>* const open = call.get();
  // Owned here, so that FreeRetired and not a callback frees it (see AnyCall).
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

// In this order: the threads first, so that nothing begins any more, then the calls, which end by
// their deadline at the latest, then what they held.
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
  // In the caller's thread, at once.
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
                                  // Enrolled all the same where the record is bad: the router gets
                                  // its token, and the stream brings the record again.
                                  const absl::StatusOr<DeviceRecord> record =
                                      FromProto(call->response.record());
                                  if (record.ok()) answer.record = *record;
                                  done(std::move(answer));
                                }
                                state_->Retire(call);
                              });
}

}  // namespace muster::edge
