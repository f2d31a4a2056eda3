// Check-in history: what routers reported, kept for charts and sums. A second applier of the
// command log, with an index of its own, so that it may lag behind the state and catch up.
//
// Rows come in the order of the log into a *hot* range. Cut ends the range, Seal rewrites it for
// reading, and whole sealed ranges are removed when they are old. Who cuts at the same log indices
// gets the same sealed ranges, on every node.
//
// Threads:  Append and Cut from one thread, the writer; all else from any thread. Seal and
//           RemoveBefore wait for each other, and for no reader; no reader waits for any of them.
// Blocks:   all but AppliedIndex and SealedRanges read or write the disk; Seal for many seconds.
// Errors:   FailedPrecondition for what is out of order; InvalidArgument for a row or a query that
//           can't be; ResourceExhausted for memory or disk; DataLoss for a damaged file. Append and
//           Cut change all or nothing. Where they could not write, they answer Unavailable until
//           history is opened again; so does everything after a failure that the store gave up at.
// Example:  duckdb_history_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/ids/ids.h"
#include "server/history/check_in_row.h"

namespace muster::server {

// From `begin` on, up to but without `end`.
struct TimeRange {
  absl::Time begin;
  absl::Time end;
};

enum class Metric {
  kUptimeSeconds,
  kCpuLoadPercent,
  kMemoryFreeBytes,
  kDiskFreeBytes,
  kSectorsWritten,
  kAgentErrors,
  kTemperatureMilliCelsius,
  kVoltageMilli,
  kLinkRttUs,
  kLinkJitterUs,
  kLinkLossPermille,
};

// What a metric was between `begin` and the next bucket. Where nothing was heard check_ins is 0,
// and where nobody read the metric `readings` is: then there are no values, rather than zeros.
struct Bucket {
  absl::Time begin;
  uint64_t check_ins = 0;
  uint64_t readings = 0;
  std::optional<double> least;
  std::optional<double> mean;
  std::optional<double> most;
};

// The rows of the entries `first_index` to `last_index`.
struct SealedRange {
  uint64_t first_index = 0;
  uint64_t last_index = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  // Of its rows; both 0 where there are none.
  int64_t first_time_us = 0;
  int64_t last_time_us = 0;

  friend bool operator==(const SealedRange&, const SealedRange&) = default;
};

class History {
 public:
  // More buckets at once are refused.
  static constexpr int64_t kMostBuckets = 100'000;

  virtual ~History() = default;

  // The rows of all entries up to here are kept. 0 at the beginning.
  virtual uint64_t AppliedIndex() const = 0;
  // Keeps `rows`, those of all entries from AppliedIndex() + 1 to `index`, at once or not at all.
  // FailedPrecondition, without effect, where `index` is not above AppliedIndex().
  virtual absl::Status Append(absl::Span<const CheckInRow> rows, uint64_t index) = 0;
  // Ends the hot range at AppliedIndex(); nothing to do where it ended there before.
  virtual absl::Status Cut() = 0;

  // Seals all ranges that were cut. After an error or a crash the next call goes on.
  virtual absl::Status Seal() = 0;
  // Removes the sealed ranges all of whose rows came before `time`; the number of them.
  virtual absl::StatusOr<int> RemoveBefore(absl::Time time) = 0;
  // Oldest first.
  virtual std::vector<SealedRange> SealedRanges() const = 0;

  // In the two below `organization` none stands for all of them.
  virtual absl::StatusOr<uint64_t> CountCheckIns(OrganizationId organization) const = 0;
  // Over the check-ins that carried a number of CPUs.
  virtual absl::StatusOr<uint64_t> SumCpuCount(OrganizationId organization) const = 0;

  // By time, the first `limit` of the range.
  virtual absl::StatusOr<std::vector<CheckInRow>> DeviceSeries(OrganizationId organization,
                                                               DeviceId device,
                                                               const TimeRange& range,
                                                               size_t limit) const = 0;
  // All buckets of the range, the first at its begin, the last perhaps cut short by its end.
  virtual absl::StatusOr<std::vector<Bucket>> DeviceBuckets(OrganizationId organization,
                                                            DeviceId device, Metric metric,
                                                            const TimeRange& range,
                                                            absl::Duration width) const = 0;
};

}  // namespace muster::server
