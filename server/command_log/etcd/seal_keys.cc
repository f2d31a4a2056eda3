#include "server/command_log/etcd/seal_keys.h"

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "server/command_log/etcd/sealed_entry.h"

namespace muster::server {

std::string MissingKey(uint32_t generation) {
  return absl::StrCat(
      "the keys of the cluster were changed when a node was removed, and this node does not have "
      "the new one (generation ",
      generation, "): copy the master key file of a node that serves to this one and start it ",
      "again; if it is this node that was removed, it can't come back");
}

SealKeys::SealKeys(const std::vector<Secret>& master_keys) {
  if (master_keys.empty()) DieLoudly("command_log", "there is no master key");
  for (const Secret& key : master_keys) Add(key);
}

void SealKeys::Add(const Secret& master_key) {
  Secret key = LogKeyOf(master_key);
  MutexLock lock(mutex_);
  keys_.push_back(std::move(key));
}

uint32_t SealKeys::newest_generation() const {
  MutexLock lock(mutex_);
  return static_cast<uint32_t>(keys_.size() - 1);
}

std::optional<Secret> SealKeys::Of(uint32_t generation) const {
  MutexLock lock(mutex_);
  if (generation >= keys_.size()) return std::nullopt;
  return keys_[generation];
}

Secret SealKeys::Newest() const {
  MutexLock lock(mutex_);
  return keys_.back();
}

}  // namespace muster::server
