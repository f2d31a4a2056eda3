#include "server/command_log/etcd/fake_etcd.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "common/status/status_macros.h"

namespace muster::server {

void FakeEtcdStore::FailPuts(int count, PutFault fault) {
  MutexLock lock(mutex_);
  failing_puts_ = count;
  fault_ = fault;
}

void FakeEtcdStore::Delete(absl::string_view key) {
  MutexLock lock(mutex_);
  Remove(key);
}

void FakeEtcdStore::Overwrite(absl::string_view key, absl::string_view value) {
  MutexLock lock(mutex_);
  Write(key, value);
}

std::string FakeEtcdStore::ValueBefore(absl::string_view key, int writes) const {
  MutexLock lock(mutex_);
  const History& history = keys_.find(key)->second;
  return history.at(history.size() - 1 - static_cast<size_t>(writes)).kv.value;
}

int64_t FakeEtcdStore::Revision() const {
  MutexLock lock(mutex_);
  return revision_;
}

int64_t FakeEtcdStore::VersionOf(absl::string_view key) const {
  MutexLock lock(mutex_);
  const EtcdEvent* newest = Newest(key);
  return newest == nullptr ? 0 : newest->kv.version;
}

int64_t FakeEtcdStore::CompactedRevision() const {
  MutexLock lock(mutex_);
  return compacted_;
}

void FakeEtcdStore::EndLeases() {
  MutexLock lock(mutex_);
  for (const auto& [lease, keys] : std::exchange(leases_, {})) {
    for (const std::string& key : keys) Remove(key);
  }
}

FakeEtcdStore::Copy FakeEtcdStore::TakeCopy() const {
  MutexLock lock(mutex_);
  return {revision_, keys_};
}

void FakeEtcdStore::Restore(const Copy& copy) {
  MutexLock lock(mutex_);
  revision_ = copy.first;
  keys_ = copy.second;
  ++restores_;
  changed_.NotifyAll();
}

void FakeEtcdStore::SetStatus(const EtcdStatus& status) {
  MutexLock lock(mutex_);
  status_ = status;
}

const EtcdEvent* FakeEtcdStore::Newest(absl::string_view key) const {
  const auto found = keys_.find(key);
  if (found == keys_.end() || found->second.back().deleted) return nullptr;
  return &found->second.back();
}

void FakeEtcdStore::Write(absl::string_view key, absl::string_view value) {
  const EtcdEvent* before = Newest(key);
  EtcdEvent event;
  event.kv.value = std::string(value);
  event.kv.mod_revision = ++revision_;
  event.kv.version = before == nullptr ? 1 : before->kv.version + 1;
  event.kv.create_revision = before == nullptr ? revision_ : before->kv.create_revision;
  keys_[std::string(key)].push_back(std::move(event));
  changed_.NotifyAll();
}

void FakeEtcdStore::Remove(absl::string_view key) {
  if (Newest(key) == nullptr) return;
  EtcdEvent event;
  event.deleted = true;
  event.kv.mod_revision = ++revision_;
  keys_[std::string(key)].push_back(std::move(event));
  changed_.NotifyAll();
}

void FakeEtcd::CutOff(bool cut_off) {
  MutexLock lock(store_->mutex_);
  cut_off_ = cut_off;
  store_->changed_.NotifyAll();
}

absl::Status FakeEtcd::Reach() const {
  return cut_off_ ? absl::UnavailableError("no route to etcd") : absl::OkStatus();
}

void FakeEtcd::HoldGets(bool hold) {
  MutexLock lock(store_->mutex_);
  hold_gets_ = hold;
  store_->changed_.NotifyAll();
}

absl::StatusOr<EtcdAnswer> FakeEtcd::Get(const EtcdGet& get, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  while (hold_gets_) store_->changed_.Wait(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  if (get.revision != 0 &&
      (get.revision < store_->compacted_ || get.revision > store_->revision_)) {
    return absl::OutOfRangeError("required revision has been compacted or is a future one");
  }
  EtcdAnswer answer;
  answer.revision = store_->revision_;
  const auto found = store_->keys_.find(get.key);
  if (found == store_->keys_.end()) return answer;
  for (const EtcdEvent& event : found->second) {
    if (get.revision != 0 && event.kv.mod_revision > get.revision) break;
    if (event.deleted) {
      answer.kv.reset();
    } else {
      answer.kv = event.kv;
    }
  }
  if (answer.kv.has_value() && get.without_value) answer.kv->value.clear();
  return answer;
}

absl::StatusOr<std::vector<std::pair<std::string, EtcdValue>>> FakeEtcd::List(
    absl::string_view prefix, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  std::vector<std::pair<std::string, EtcdValue>> found;
  for (const auto& [key, history] : store_->keys_) {
    if (!absl::StartsWith(key, prefix) || history.empty() || history.back().deleted) continue;
    found.emplace_back(key, history.back().kv);
  }
  return found;
}

absl::Status FakeEtcd::Put(absl::string_view key, absl::string_view value, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  if (store_->failing_puts_ > 0) {
    --store_->failing_puts_;
    if (store_->fault_ == FakeEtcdStore::PutFault::kDoneButUnanswered) store_->Write(key, value);
    return absl::UnavailableError("request timed out, possibly due to previous leader failure");
  }
  if (!store_->status_.alarm.empty()) return absl::ResourceExhaustedError("space exceeded");
  store_->Write(key, value);
  return absl::OkStatus();
}

absl::Status FakeEtcd::Delete(absl::string_view key, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  store_->Remove(key);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<EtcdValue>> FakeEtcd::PutIfAbsent(absl::string_view key,
                                                               absl::string_view value,
                                                               int64_t lease,
                                                               absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  if (const EtcdEvent* there = store_->Newest(key)) return there->kv;
  if (lease != 0) {
    const auto found = store_->leases_.find(lease);
    if (found == store_->leases_.end()) return absl::NotFoundError("requested lease not found");
    found->second.emplace_back(key);
  }
  store_->Write(key, value);
  return std::nullopt;
}

absl::Status FakeEtcd::Compact(int64_t revision, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  if (revision <= store_->compacted_ || revision > store_->revision_) {
    return absl::OutOfRangeError("required revision has been compacted or is a future one");
  }
  store_->compacted_ = revision;
  return absl::OkStatus();
}

absl::StatusOr<EtcdStatus> FakeEtcd::Status(absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  return store_->status_;
}

absl::StatusOr<int64_t> FakeEtcd::GrantLease(absl::Duration ttl, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  store_->leases_[++store_->last_lease_];
  return store_->last_lease_;
}

absl::Status FakeEtcd::KeepLease(int64_t lease, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  if (store_->leases_.count(lease) == 0) return absl::NotFoundError("requested lease not found");
  return absl::OkStatus();
}

absl::Status FakeEtcd::RevokeLease(int64_t lease, absl::Duration timeout) {
  MutexLock lock(store_->mutex_);
  RETURN_IF_ERROR(Reach());
  const auto found = store_->leases_.find(lease);
  if (found == store_->leases_.end()) return absl::NotFoundError("requested lease not found");
  for (const std::string& key : found->second) store_->Remove(key);
  store_->leases_.erase(found);
  return absl::OkStatus();
}

class FakeWatch : public EtcdWatch {
 public:
  FakeWatch(FakeEtcd& client, std::shared_ptr<FakeEtcdStore> store, absl::string_view key,
            int64_t from)
      : client_(client), store_(std::move(store)), key_(key), from_(from) {
    MutexLock lock(store_->mutex_);
    restores_ = store_->restores_;
  }

  absl::StatusOr<std::vector<EtcdEvent>> Next() override {
    MutexLock lock(store_->mutex_);
    for (;;) {
      if (cancelled_) return absl::CancelledError("cancelled");
      RETURN_IF_ERROR(Reach());
      if (from_ <= store_->compacted_) return absl::OutOfRangeError("compacted");
      std::vector<EtcdEvent> events = Take();
      if (!events.empty()) return events;
      store_->changed_.Wait(store_->mutex_);
    }
  }

  void Cancel() override {
    MutexLock lock(store_->mutex_);
    cancelled_ = true;
    store_->changed_.NotifyAll();
  }

 private:
  absl::Status Reach() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(store_->mutex_) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (restores_ != store_->restores_) return absl::UnavailableError("etcd was started anew");
    return client_.Reach();
  }

  std::vector<EtcdEvent> Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(store_->mutex_) {
    std::vector<EtcdEvent> events;
    const auto found = store_->keys_.find(key_);
    if (found == store_->keys_.end()) return events;
    for (const EtcdEvent& event : found->second) {
      if (event.kv.mod_revision >= from_) events.push_back(event);
    }
    if (!events.empty()) from_ = events.back().kv.mod_revision + 1;
    return events;
  }

  FakeEtcd& client_;
  std::shared_ptr<FakeEtcdStore> store_;
  const std::string key_;
  int64_t from_ ABSL_GUARDED_BY(store_->mutex_);
  int restores_ ABSL_GUARDED_BY(store_->mutex_) = 0;
  bool cancelled_ ABSL_GUARDED_BY(store_->mutex_) = false;
};

std::unique_ptr<EtcdWatch> FakeEtcd::Watch(absl::string_view key, int64_t from_revision) {
  return std::make_unique<FakeWatch>(*this, store_, key, from_revision);
}

}  // namespace muster::server
