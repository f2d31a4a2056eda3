// Opens a history's folder: checks that all of it is there and fits together, and only then removes
// what a crash has left.
//
// Threads:  one thread.
// Owns:     what it opened, until Open hands it over.
// Errors:   as DuckDbHistory::Open.
// Example:  damaged_folder_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/history/duckdb/duckdb_history.h"

namespace muster::server {

class HistoryOpening {
 public:
  explicit HistoryOpening(const DuckDbSettings& settings) : settings_(settings) {}

  absl::StatusOr<std::unique_ptr<DuckDbHistory>> Open();

 private:
  // Makes the folder and its manifest where there is none.
  absl::Status FindManifest();
  absl::Status BeginManifest();
  absl::Status CheckSealedFiles() const;
  absl::Status OpenHot();
  // Of a hot file that was never used.
  absl::Status MakeHotTables();
  absl::Status CheckAbout();
  // The hot tables, of which those that are sealed already go to `leftovers_`.
  absl::Status FindHotTables();
  void RemoveLeftovers();

  const DuckDbSettings& settings_;
  std::optional<duck::FolderLock> lock_;
  duck::Manifest manifest_;
  std::shared_ptr<duck::Instance> instance_;
  std::optional<duck::Connection> connection_;
  duck::Tables tables_;
  std::vector<std::shared_ptr<duck::Table>> leftovers_;
  uint64_t applied_index_ = 0;
};

}  // namespace muster::server
