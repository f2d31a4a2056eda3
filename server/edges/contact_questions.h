// Questions of operators to edges about one router, and their answers: callers wait here while the
// stream of the edge carries question and answer.
//
// Threads:  safe to call from any thread.
// Blocks:   Wait, until the answer, the end of the edge's streams or the deadline.
// Errors:   Unavailable where no answer comes.
// Example:  edge_hub_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "server/edges/edge_messages.h"

namespace muster::server {

class ContactQuestions {
 public:
  explicit ContactQuestions(const Clock& clock) : clock_(clock) {}

  // Begins a question to this edge; answers its number, which goes into the message. Wait must
  // follow, or it is kept for ever.
  uint64_t Begin(const std::string& edge_id);
  // Waits for the answer and forgets the question; one that comes later is dropped.
  absl::StatusOr<RouterContacts> Wait(uint64_t question, absl::Duration deadline);

  // What an edge says. Without effect where that edge was not asked this.
  void Answer(const std::string& edge_id, UpContactAnswer answer);
  // Wakes all who wait for this edge: it has no stream any more.
  void Abandon(const std::string& edge_id);

 private:
  struct Open {
    std::string edge_id;
    bool abandoned = false;
    std::optional<RouterContacts> answer;
  };

  const Clock& clock_;
  Mutex mutex_;
  ConditionVariable changed_;
  absl::flat_hash_map<uint64_t, Open> open_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace muster::server
