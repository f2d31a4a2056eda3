// Which nodes are silent, by when this node last saw their reports change, on its own steady clock:
// clocks of machines may be hours apart, and are set.
//
// Until a report has changed before its eyes, or kSilentAfter has passed, this node can't know; the
// time in the report is all that there is then. It counts as fresh where that is within
// kSilentAfter of this node's own clock.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `clock` must outlive it.
// Blocks:   never.
// Example:  report_watch_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "server/administration/node_view.h"

namespace muster::server {

class ReportWatch {
 public:
  explicit ReportWatch(const Clock& clock) : clock_(clock) {}

  // Takes all reports that there are now, and says in each whether its node is silent. To be called
  // more often than each kSilentAfter. A node that is not among them is forgotten.
  void Hear(std::vector<NodeView>& nodes);

 private:
  struct Heard {
    // What the report said, by the other node's clock: another value is another report.
    absl::Time report_time;
    // When it was seen first, on the steady clock.
    absl::Duration since;
    // False only for the first report, where its own time said that it was old.
    bool was_fresh = true;
  };

  const Clock& clock_;
  Mutex mutex_;
  std::map<uint64_t, Heard> heard_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
