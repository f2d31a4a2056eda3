// What the log asks of etcd. One object is one client with all its endpoints.
//
// Threads:  safe to call from any thread; an EtcdWatch by one thread, its Cancel from any.
// Blocks:   every call, until its deadline at most.
// Errors:   as etcd's, by code. Unavailable, DeadlineExceeded, Cancelled, Unknown, Internal leave
//           open whether a write was done; every other code says that it was not. OutOfRange from
//           Get: the revision is compacted, or was never reached.
// Example:  log/contract_test_suite.h, which logs on GrpcEtcd and on FakeEtcd both pass.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::server {

struct EtcdValue {
  std::string value;
  // 1 for the put that made the key, then + 1 each.
  int64_t version = 0;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
};

struct EtcdAnswer {
  // Nullopt: no such key (at that revision).
  std::optional<EtcdValue> kv;
  // Of the whole store, as the answer saw it.
  int64_t revision = 0;
};

struct EtcdGet {
  absl::string_view key;
  // 0: the newest, as of now (linearizable).
  int64_t revision = 0;
  // Leaves `value` empty.
  bool without_value = false;
};

struct EtcdEvent {
  bool deleted = false;
  EtcdValue kv;
};

struct EtcdStatus {
  int64_t bytes = 0;
  int64_t bytes_in_use = 0;
  // An alarm that refuses writes (no space, damaged) is raised; its name.
  std::string alarm;
};

// Hears of each write to one key, in order.
class EtcdWatch {
 public:
  virtual ~EtcdWatch() = default;

  // Waits for the next ones. OutOfRange: its start is compacted. Any other error ends the watch;
  // Unavailable also where the member that it hangs on has no leader.
  virtual absl::StatusOr<std::vector<EtcdEvent>> Next() = 0;

  // Next answers Cancelled from now on.
  virtual void Cancel() = 0;
};

class Etcd {
 public:
  virtual ~Etcd() = default;

  virtual absl::StatusOr<EtcdAnswer> Get(const EtcdGet& get, absl::Duration timeout) = 0;
  // All keys that begin with `prefix`, in order, with what they hold as of now. A few only.
  virtual absl::StatusOr<std::vector<std::pair<std::string, EtcdValue>>> List(
      absl::string_view prefix, absl::Duration timeout) = 0;
  virtual absl::Status Put(absl::string_view key, absl::string_view value,
                           absl::Duration timeout) = 0;
  // Ok also where it was absent.
  virtual absl::Status Delete(absl::string_view key, absl::Duration timeout) = 0;
  // Nullopt: it was absent and holds `value` now. Else what it holds. `lease` 0: none.
  virtual absl::StatusOr<std::optional<EtcdValue>> PutIfAbsent(absl::string_view key,
                                                               absl::string_view value,
                                                               int64_t lease,
                                                               absl::Duration timeout) = 0;
  // Each write of `key` with a revision >= `from_revision`. Doesn't block.
  virtual std::unique_ptr<EtcdWatch> Watch(absl::string_view key, int64_t from_revision) = 0;
  // Forgets what was overwritten before `revision`. OutOfRange where that was done already.
  virtual absl::Status Compact(int64_t revision, absl::Duration timeout) = 0;
  virtual absl::StatusOr<EtcdStatus> Status(absl::Duration timeout) = 0;

  // Answers the lease's id.
  virtual absl::StatusOr<int64_t> GrantLease(absl::Duration ttl, absl::Duration timeout) = 0;
  // NotFound where it has ended.
  virtual absl::Status KeepLease(int64_t lease, absl::Duration timeout) = 0;
  // Its keys go with it.
  virtual absl::Status RevokeLease(int64_t lease, absl::Duration timeout) = 0;
};

// True where the write may have been done.
inline bool IsOpenOutcome(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

}  // namespace muster::server
