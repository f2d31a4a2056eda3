// All streams of all edges at this node: tells each what the state's changes mean for its edge,
// and ends those that are fenced, revoked, silent or slow.
//
// A thread of its own turns changes into messages: apply hands them over and goes on, and reading
// the state for one edge never holds back another's batches.
//
// Threads:  safe to call from any thread.
// Owns:     one thread and the subscription to the state; the context must outlive it.
// Blocks:   Drain, up to its deadline; the others never.
// Example:  edge_hub_test.cc.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/sync/mutex.h"
#include "server/edges/edge_session.h"
#include "server/state/state.h"

namespace muster::server {

class EdgeHub {
 public:
  // `state` must be the one that `context` reads.
  EdgeHub(const EdgeContext& context, State& state);
  ~EdgeHub();

  EdgeHub(const EdgeHub&) = delete;
  EdgeHub& operator=(const EdgeHub&) = delete;

  // A new stream of an edge, which ends with the certificate. ResourceExhausted where the edge has
  // too many.
  absl::StatusOr<std::shared_ptr<EdgeSession>> Open(const std::string& edge_id,
                                                    absl::Time certificate_end, EdgeSink& sink);
  // After the session's OnClosed.
  void Close(const std::shared_ptr<EdgeSession>& session);

  // Asks the edge that heard the device last what it remembers of it. Blocks up to the deadline.
  // NotFound for an unknown device, FailedPrecondition for one that has never checked in,
  // Unavailable where that edge is not connected or does not answer.
  absl::StatusOr<RouterContacts> AskContacts(DeviceId device, absl::Duration deadline);

  // Whether the edge that heard the device last has a stream here.
  bool HoldsEdgeOf(DeviceId device) const;

  // Says farewell on every stream, takes no new ones, and waits until all have ended.
  void Drain(absl::Duration deadline);

  size_t stream_count() const;

 private:
  // An edge has one; a second comes when it connects again before the first was noticed dead.
  static constexpr size_t kMaxStreamsAnEdge = 4;
  using Sessions = std::vector<std::shared_ptr<EdgeSession>>;

  // On the log's writer thread: keeps what matters to edges, and no more.
  void OnChanges(const ChangeBatch& batch);
  void Wake(EdgeSession* session);
  // The hub's thread: routes changes, pumps streams, looks for slow ones each second.
  void Run();
  // To the streams that a change concerns.
  void Route(const Change& change);
  void ToEdge(const std::string& edge_id, const Change& change);
  void ToAll(const Change& change);
  // Copies: no lock of the hub is held while a session is called.
  Sessions SessionsOf(const std::string& edge_id) const;
  Sessions AllSessions() const;

  const EdgeContext context_;
  ContactQuestions questions_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::vector<Change> changes_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<EdgeSession*, std::shared_ptr<EdgeSession>> sessions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<EdgeSession*> awake_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Subscription> subscription_;
  std::thread thread_;
};

}  // namespace muster::server
