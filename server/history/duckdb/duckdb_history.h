// History in DuckDB: a hot file that is written, sealed files that are only read. DESIGN.md says
// what lies where and why nothing is lost.
//
// Threads:  as History.
// Owns:     the folder, which one process at a time can open, and DuckDB's threads.
// Blocks:   Append for half a second where it checkpoints, each 400,000 rows; for longer right
//           after a seal, during which there are none. Open reads what has no checkpoint.
// Errors:   of Open: Aborted while another one has the folder open; FailedPrecondition for a folder
//           that is no history, of another command log, or of a newer Muster; DataLoss for what is
//           damaged or missing. Open deletes nothing before it has found all of it in order.
// Example:  duckdb_history_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/sync/mutex.h"
#include "server/history/duckdb/connection.h"
#include "server/history/duckdb/files.h"
#include "server/history/duckdb/manifest.h"
#include "server/history/duckdb/tables.h"
#include "server/history/history.h"

namespace muster::server {

struct DuckDbSettings {
  // Made where it is missing; its parent must be there.
  std::string folder;
  // Of the command log that fills it.
  std::string log_id;
  // For all that DuckDB does; what a seal needs beyond it goes to the folder.
  uint64_t memory_bytes = uint64_t{512} << 20;
  int threads = 2;
  // How long Open waits for another one to let go of the folder.
  absl::Duration lock_patience = absl::Seconds(5);
};

class DuckDbHistory final : public History {
 public:
  static absl::StatusOr<std::unique_ptr<DuckDbHistory>> Open(const DuckDbSettings& settings);

  uint64_t AppliedIndex() const override;
  absl::Status Append(absl::Span<const CheckInRow> rows, uint64_t index) override;
  absl::Status Cut() override;
  absl::Status Seal() override;
  absl::StatusOr<int> RemoveBefore(absl::Time time) override;
  std::vector<SealedRange> SealedRanges() const override;
  absl::StatusOr<uint64_t> CountCheckIns(OrganizationId organization) const override;
  absl::StatusOr<uint64_t> SumCpuCount(OrganizationId organization) const override;
  absl::StatusOr<std::vector<CheckInRow>> DeviceSeries(OrganizationId organization, DeviceId device,
                                                       const TimeRange& range,
                                                       size_t limit) const override;
  absl::StatusOr<std::vector<Bucket>> DeviceBuckets(OrganizationId organization, DeviceId device,
                                                    Metric metric, const TimeRange& range,
                                                    absl::Duration width) const override;

 private:
  friend class HistoryOpening;
  DuckDbHistory(std::string folder, duck::FolderLock lock, std::shared_ptr<duck::Instance> instance,
                duck::Connection writer, duck::Manifest manifest, duck::Tables tables,
                uint64_t applied_index);

  std::shared_ptr<const duck::Tables> CurrentTables() const;
  // What `change` takes out of service goes with its last reader, at the earliest behind the lock.
  void ChangeTables(const std::function<void(duck::Tables& tables)>& change);
  absl::Status AppendChunks(absl::Span<const CheckInRow> rows, const std::string& table);
  absl::Status SealOldest(const duck::Table& oldest, uint64_t last_index)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(seal_mutex_);
  // Writes and publishes the file.
  absl::StatusOr<SealedRange> WriteSealed(duck::Connection& connection, const duck::Table& table,
                                          uint64_t last_index)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(seal_mutex_);
  absl::Status CheckWriter() const;
  absl::Status FailWriter(absl::Status problem);
  // The one number that a query answers.
  absl::StatusOr<uint64_t> Number(const std::string& sql) const;

  const std::string folder_;
  const duck::FolderLock lock_;
  const std::shared_ptr<duck::Instance> instance_;
  // The writer's.
  duck::Connection writer_;
  // DuckDB 1.4.4 takes an append back that did not reach the disk, but not its strings: the next
  // string of the table would begin with theirs. What lies on the disk is right.
  bool writer_failed_ = false;

  // Held while a range is sealed or removed.
  Mutex seal_mutex_;
  duck::Manifest manifest_ ABSL_GUARDED_BY(seal_mutex_);

  mutable Mutex mutex_ ABSL_ACQUIRED_AFTER(seal_mutex_);
  std::shared_ptr<const duck::Tables> tables_ ABSL_GUARDED_BY(mutex_);
  uint64_t applied_index_ ABSL_GUARDED_BY(mutex_);
};

namespace duck {

// Where things lie in a history's folder.
std::string ManifestPath(const std::string& folder);
std::string HotPath(const std::string& folder);
std::string SealedFolder(const std::string& folder);
// The sealed file that is being written.
std::string UnfinishedPath(const std::string& folder);
std::string SealedPath(const std::string& folder, const SealedRange& range);

// Makes a sealed file readable as AttachedName(). DataLoss where it is missing or not the one that
// `range` says.
absl::Status AttachSealed(Connection& connection, const Manifest& manifest,
                          const std::string& folder, const SealedRange& range);

}  // namespace duck
}  // namespace muster::server
