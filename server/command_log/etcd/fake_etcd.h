// An etcd in memory, for tests: one store, and clients that can be cut off from it.
//
// Threads:  safe to call from any thread.
// Owns:     the store; clients and watches share it.
// Example:  etcd_log_faults_test.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/command_log/etcd/etcd.h"

namespace muster::server {

class FakeEtcdStore {
 public:
  // What becomes of the next puts to keys that existed.
  enum class PutFault { kNone, kLost, kDoneButUnanswered };

  void FailPuts(int count, PutFault fault);
  void Delete(absl::string_view key);
  // Writes as anybody may who can reach it.
  void Overwrite(absl::string_view key, absl::string_view value);
  // The value as it was written so many writes ago; 0: the newest.
  std::string ValueBefore(absl::string_view key, int writes) const;
  int64_t Revision() const;
  int64_t VersionOf(absl::string_view key) const;
  int64_t CompactedRevision() const;
  // Leases end only so.
  void EndLeases();
  // Goes back to how it was, revisions too, as a restored copy does.
  using Copy = std::pair<int64_t, std::map<std::string, std::vector<EtcdEvent>, std::less<>>>;
  Copy TakeCopy() const;
  void Restore(const Copy& copy);
  void SetStatus(const EtcdStatus& status);

 private:
  friend class FakeEtcd;
  friend class FakeWatch;
  using History = std::vector<EtcdEvent>;

  const EtcdEvent* Newest(absl::string_view key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(absl::string_view key, absl::string_view value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(absl::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  ConditionVariable changed_;
  int64_t revision_ ABSL_GUARDED_BY(mutex_) = 1;
  int64_t compacted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, History, std::less<>> keys_ ABSL_GUARDED_BY(mutex_);
  // Lease to the keys that go with it.
  std::map<int64_t, std::vector<std::string>> leases_ ABSL_GUARDED_BY(mutex_);
  int64_t last_lease_ ABSL_GUARDED_BY(mutex_) = 0;
  int failing_puts_ ABSL_GUARDED_BY(mutex_) = 0;
  PutFault fault_ ABSL_GUARDED_BY(mutex_) = PutFault::kNone;
  EtcdStatus status_ ABSL_GUARDED_BY(mutex_);
  // Rises with each restore: watches of before end.
  int restores_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One client.
class FakeEtcd : public Etcd {
 public:
  explicit FakeEtcd(std::shared_ptr<FakeEtcdStore> store) : store_(std::move(store)) {}

  // True: nothing comes through, and watches end.
  void CutOff(bool cut_off);

  absl::StatusOr<EtcdAnswer> Get(const EtcdGet& get, absl::Duration timeout) override;
  absl::StatusOr<std::vector<std::pair<std::string, EtcdValue>>> List(
      absl::string_view prefix, absl::Duration timeout) override;
  absl::Status Put(absl::string_view key, absl::string_view value, absl::Duration timeout) override;
  absl::Status Delete(absl::string_view key, absl::Duration timeout) override;
  absl::StatusOr<std::optional<EtcdValue>> PutIfAbsent(absl::string_view key,
                                                       absl::string_view value, int64_t lease,
                                                       absl::Duration timeout) override;
  std::unique_ptr<EtcdWatch> Watch(absl::string_view key, int64_t from_revision) override;
  absl::Status Compact(int64_t revision, absl::Duration timeout) override;
  absl::StatusOr<EtcdStatus> Status(absl::Duration timeout) override;
  absl::StatusOr<int64_t> GrantLease(absl::Duration ttl, absl::Duration timeout) override;
  absl::Status KeepLease(int64_t lease, absl::Duration timeout) override;
  absl::Status RevokeLease(int64_t lease, absl::Duration timeout) override;

  // True: Get does not answer until this is false again.
  void HoldGets(bool hold);

 private:
  friend class FakeWatch;

  absl::Status Reach() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(store_->mutex_);

  std::shared_ptr<FakeEtcdStore> store_;
  bool cut_off_ ABSL_GUARDED_BY(store_->mutex_) = false;
  bool hold_gets_ ABSL_GUARDED_BY(store_->mutex_) = false;
};

}  // namespace muster::server
