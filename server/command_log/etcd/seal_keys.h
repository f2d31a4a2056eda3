// The keys under which a node seals what it puts into etcd: one for each generation of the master
// key. Later ones come with the entries that remove members.
//
// Threads:  safe to call from any thread.
// Example:  etcd_log_members_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/secrets/secrets.h"
#include "common/sync/mutex.h"

namespace muster::server {

// What to tell where a node has no master key of this generation.
std::string MissingKey(uint32_t generation);

class SealKeys {
 public:
  // The oldest first, at least one.
  explicit SealKeys(const std::vector<Secret>& master_keys);

  // Of the generation behind the newest.
  void Add(const Secret& master_key);

  uint32_t newest_generation() const;
  // Nullopt: this node does not have it.
  std::optional<Secret> Of(uint32_t generation) const;
  Secret First() const { return *Of(0); }
  Secret Newest() const;

 private:
  mutable Mutex mutex_;
  std::vector<Secret> keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
