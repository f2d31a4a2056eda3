// What is kept of every edge in memory: its number, session, lanes and watermark. A copy of the
// tables `edges` and `lanes`, so that neither a batch nor the judgement of who is online reads one.
//
// Threads:  safe to call from any thread; only the log's writer thread changes it.
// Owns:     the copies; their durable form is the caller's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/sync/mutex.h"

namespace muster::server {

// Lanes are numbered as muster.edge.v1.Lane, 1 to 3.
inline constexpr int kLanes = 4;

// `number` stands for the id where space counts: in status rows, holders and lanes. Numbers are
// given in order of creation and never again.
struct EdgeCore {
  uint16_t number = 0;
  std::string id;
  bool revoked = false;
  uint64_t session_epoch = 0;
  std::string spool_id;
  // The last number taken per lane of this spool id.
  std::array<uint64_t, kLanes> lanes{};
  int64_t watermark_us = 0;
  int64_t watermark_seen_us = 0;
};

class EdgeTable {
 public:
  // Adds it, or replaces the one with the same number. Numbers go from 0 without gaps.
  void Set(const EdgeCore& edge);

  size_t size() const;
  std::optional<EdgeCore> Find(absl::string_view id) const;
  // `number` must be below size().
  EdgeCore Get(uint16_t number) const;

 private:
  mutable Mutex mutex_;
  // Only looked up, never walked.
  absl::flat_hash_map<std::string, uint16_t> number_of_ ABSL_GUARDED_BY(mutex_);
  std::vector<EdgeCore> edges_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
