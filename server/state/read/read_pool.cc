#include "server/state/read/read_pool.h"

#include <utility>

#include "common/log/log.h"

namespace muster::server {

ReadPool::Lease ReadPool::Get() {
  {
    MutexLock lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<Database> db = std::move(free_.back());
      free_.pop_back();
      return Lease(*this, std::move(db));
    }
  }
  // Outside the lock: opening reads the disk.
  auto db = Database::Open(path_, Database::Mode::kRead);
  if (!db.ok()) DieLoudly("state", db.status().message());
  return Lease(*this, *std::move(db));
}

void ReadPool::Return(std::unique_ptr<Database> db) {
  MutexLock lock(mutex_);
  free_.push_back(std::move(db));
}

}  // namespace muster::server
