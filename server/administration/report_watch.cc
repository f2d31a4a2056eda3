#include "server/administration/report_watch.h"

#include <utility>

namespace muster::server {

void ReportWatch::Hear(std::vector<NodeView>& nodes) {
  const absl::Duration now = clock_.Monotonic();
  const absl::Time wall = clock_.Now();
  std::map<uint64_t, Heard> heard;
  const MutexLock lock(mutex_);
  for (NodeView& node : nodes) {
    const auto before = heard_.find(node.id);
    Heard one{node.report_time, now, true};
    if (before == heard_.end()) {
      one.was_fresh = absl::AbsDuration(wall - node.report_time) <= kSilentAfter;
    } else if (before->second.report_time == node.report_time) {
      one = before->second;
    }
    node.silent = !one.was_fresh || now - one.since > kSilentAfter;
    heard[node.id] = one;
  }
  heard_ = std::move(heard);
}

}  // namespace muster::server
