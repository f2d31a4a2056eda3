// Read connections, one per reader at a time. A connection that was opened stays: each has its own
// page cache (4 MiB at most) and prepared statements, which a handler should not pay for anew. So
// there are as many as ever read at once.
//
// Threads:  safe to call from any thread.
// Blocks:   Get never waits for another reader; it opens a file where none is free.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/state/database.h"

namespace muster::server {

class ReadPool {
 public:
  explicit ReadPool(std::string path) : path_(std::move(path)) {}

  // A connection for as long as it lives. Must not outlive the pool.
  class Lease {
   public:
    Lease(ReadPool& pool, std::unique_ptr<Database> db) : pool_(pool), db_(std::move(db)) {}
    ~Lease() { pool_.Return(std::move(db_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Database& operator*() { return *db_; }

   private:
    ReadPool& pool_;
    std::unique_ptr<Database> db_;
  };

  // Opens one where none is free; stops the process if that fails.
  Lease Get();

 private:
  void Return(std::unique_ptr<Database> db);

  const std::string path_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Database>> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
