// The hub's thread: from changes of the state to messages of streams. Apply only appends to a list
// here; everything that reads the database happens on this thread, so no edge that is slow to read
// holds up the log.
#include "server/edges/edge_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

// How often silent and slow streams are looked for.
constexpr absl::Duration kLookEvery = absl::Seconds(1);

// Targets and jobs are for watchers of the API: what an edge must know of them comes as kJobPut and
// kJobRemove.
bool MattersToEdges(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kDevice:
    case ChangeKind::kDeviceAtEdge:
    case ChangeKind::kDeviceRevoked:
    case ChangeKind::kDeviceRekeyed:
    case ChangeKind::kJobPut:
    case ChangeKind::kJobRemove:
    case ChangeKind::kJobStop:
    case ChangeKind::kFastBeats:
    case ChangeKind::kEdge:
    case ChangeKind::kOrganization:
    case ChangeKind::kRouterRoots:
      return true;
    default:
      return false;
  }
}

}  // namespace

EdgeHub::EdgeHub(const EdgeContext& context, State& state)
    : context_(context), questions_(context.clock) {
  subscription_ = state.Subscribe([this](const ChangeBatch& batch) { OnChanges(batch); });
  thread_ = std::thread([this] { Run(); });
}

EdgeHub::~EdgeHub() {
  // First: no change may come while the thread ends.
  subscription_.reset();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

absl::StatusOr<std::shared_ptr<EdgeSession>> EdgeHub::Open(const std::string& edge_id,
                                                           absl::Time certificate_end,
                                                           EdgeSink& sink) {
  MutexLock lock(mutex_);
  if (draining_) return absl::UnavailableError("musterd is stopping");
  const auto streams = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return entry.second->edge_id() == edge_id;
  });
  if (static_cast<size_t>(streams) >= kMaxStreamsAnEdge) {
    return absl::ResourceExhaustedError(absl::StrCat("edge ", edge_id, " has too many streams"));
  }
  // The session calls it only while it is in sessions_, which keeps it alive.
  // Its address is known only after it was made, and its wake must name it.
  auto key = std::make_shared<EdgeSession*>(nullptr);
  auto session = std::make_shared<EdgeSession>(
      context_, edge_id, certificate_end, sink, [this, key] { Wake(*key); }, &questions_);
  *key = session.get();
  sessions_.emplace(session.get(), session);
  return session;
}

void EdgeHub::Close(const std::shared_ptr<EdgeSession>& session) {
  {
    MutexLock lock(mutex_);
    awake_.erase(session.get());
    sessions_.erase(session.get());
    changed_.NotifyAll();
  }
  if (SessionsOf(session->edge_id()).empty()) questions_.Abandon(session->edge_id());
}

absl::StatusOr<RouterContacts> EdgeHub::AskContacts(DeviceId device, absl::Duration deadline) {
  const std::optional<Device> found = context_.state.FindDevice(device);
  if (!found.has_value()) return absl::NotFoundError("no such device");
  const std::string& edge_id = found->status.edge;
  if (edge_id.empty()) {
    return absl::FailedPreconditionError("the device has never checked in through an edge");
  }
  // Before the streams are looked for: one that ends from here on abandons it.
  const uint64_t question = questions_.Begin(edge_id);
  std::shared_ptr<EdgeSession> newest;
  for (const std::shared_ptr<EdgeSession>& session : SessionsOf(edge_id)) {
    // An older stream may be dead and not noticed yet.
    if (session->epoch() > (newest == nullptr ? 0 : newest->epoch())) newest = session;
  }
  if (newest == nullptr || !newest->outbox().AddContactQuestion({question, device})) {
    // Forgets the question that was begun.
    (void)questions_.Wait(question, absl::ZeroDuration());
    return absl::UnavailableError(absl::StrCat("edge ", edge_id, " is not connected"));
  }
  Wake(newest.get());
  return questions_.Wait(question, deadline);
}

bool EdgeHub::HoldsEdgeOf(DeviceId device) const {
  const std::optional<Device> found = context_.state.FindDevice(device);
  return found.has_value() && !SessionsOf(found->status.edge).empty();
}

void EdgeHub::Drain(absl::Duration deadline) {
  {
    MutexLock lock(mutex_);
    draining_ = true;
  }
  for (const std::shared_ptr<EdgeSession>& session : AllSessions()) {
    session->Drain("musterd is stopping");
  }
  const absl::Duration end = context_.clock.Monotonic() + deadline;
  for (;;) {
    {
      MutexLock lock(mutex_);
      const absl::Duration left = end - context_.clock.Monotonic();
      if (sessions_.empty() || left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, std::min(left, kLookEvery));
    }
  }
  for (const std::shared_ptr<EdgeSession>& session : AllSessions()) {
    session->Finish(absl::UnavailableError("musterd is stopping"));
  }
}

size_t EdgeHub::stream_count() const {
  MutexLock lock(mutex_);
  return sessions_.size();
}

void EdgeHub::OnChanges(const ChangeBatch& batch) {
  MutexLock lock(mutex_);
  // Nobody to tell: a stream that opens later begins with a snapshot of the state.
  if (sessions_.empty()) return;
  const size_t before = changes_.size();
  std::copy_if(batch.changes.begin(), batch.changes.end(), std::back_inserter(changes_),
               [](const Change& change) { return MattersToEdges(change.kind); });
  if (changes_.size() != before) changed_.NotifyAll();
}

void EdgeHub::Wake(EdgeSession* session) {
  MutexLock lock(mutex_);
  // Closed meanwhile; the pointer may be that of nothing.
  if (!sessions_.contains(session)) return;
  if (awake_.insert(session).second) changed_.NotifyAll();
}

void EdgeHub::Run() {
  absl::Duration last_look = context_.clock.Monotonic();
  for (;;) {
    std::vector<Change> changes;
    Sessions awake;
    {
      MutexLock lock(mutex_);
      if (changes_.empty() && awake_.empty() && !stopping_) changed_.WaitFor(mutex_, kLookEvery);
      if (stopping_) return;
      // Taken at once, so that apply never waits for what is done with them.
      changes.swap(changes_);
      for (EdgeSession* session : awake_) awake.push_back(sessions_.at(session));
      awake_.clear();
    }
    for (const Change& change : changes) Route(change);
    // A change may concern any stream; a Pump without work costs a look.
    if (!changes.empty()) awake = AllSessions();
    for (const std::shared_ptr<EdgeSession>& session : awake) session->Pump();
    const absl::Duration now = context_.clock.Monotonic();
    if (now - last_look < kLookEvery) continue;
    last_look = now;
    for (const std::shared_ptr<EdgeSession>& session : AllSessions()) session->CheckProgress();
  }
}

void EdgeHub::Route(const Change& change) {
  if (change.kind == ChangeKind::kOrganization) {
    for (const std::shared_ptr<EdgeSession>& session : AllSessions()) {
      session->TellAgain(change.organization);
    }
  } else if (change.kind == ChangeKind::kRouterRoots) {
    for (const std::shared_ptr<EdgeSession>& session : AllSessions()) {
      session->outbox().AddSettings();
    }
  } else if (change.kind == ChangeKind::kDevice || change.kind == ChangeKind::kDeviceRevoked ||
             change.kind == ChangeKind::kDeviceRekeyed) {
    ToAll(change);
  } else {
    ToEdge(change.edge, change);
  }
}

void EdgeHub::ToAll(const Change& change) {
  for (const std::shared_ptr<EdgeSession>& session : AllSessions()) {
    // Every edge: the revoked token may be shown where its router never was.
    if (change.kind == ChangeKind::kDeviceRevoked) {
      session->Forget(change.device);
      session->outbox().AddRevocation(change.device);
    } else if (change.kind == ChangeKind::kDeviceRekeyed) {
      // Told before it is forgotten: Knows asks the very thing that Forget drops.
      if (session->Knows(change.device)) session->outbox().AddDevice(change.device);
      session->Forget(change.device);
    } else if (session->Knows(change.device)) {
      session->outbox().AddDevice(change.device);
    }
  }
}

void EdgeHub::ToEdge(const std::string& edge_id, const Change& change) {
  for (const std::shared_ptr<EdgeSession>& session : SessionsOf(edge_id)) {
    switch (change.kind) {
      case ChangeKind::kDeviceAtEdge:
        session->outbox().AddDevice(change.device);
        session->outbox().AddJob(change.device);
        break;
      case ChangeKind::kJobPut:
        session->outbox().AddDevice(change.device);
        session->outbox().AddJob(change.device);
        break;
      case ChangeKind::kJobRemove:
        session->outbox().AddRemovedJob(change.device, change.number);
        break;
      case ChangeKind::kJobStop:
        session->outbox().AddStoppedJob(change.device, change.number);
        break;
      case ChangeKind::kFastBeats:
        session->outbox().AddFastBeats(change.device, static_cast<uint32_t>(change.number));
        break;
      default:
        // kEdge: revoked, or a newer hello; what else it may mean is harmless.
        session->CheckFence();
    }
  }
}

EdgeHub::Sessions EdgeHub::SessionsOf(const std::string& edge_id) const {
  Sessions found = AllSessions();
  std::erase_if(found, [&](const auto& session) { return session->edge_id() != edge_id; });
  return found;
}

EdgeHub::Sessions EdgeHub::AllSessions() const {
  MutexLock lock(mutex_);
  Sessions all;
  all.reserve(sessions_.size());
  for (const auto& entry : sessions_) all.push_back(entry.second);
  return all;
}

}  // namespace muster::server
