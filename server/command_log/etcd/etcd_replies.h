// What etcd's replies say. A member that is broken, or who sits between, may answer anything: a
// reply that no etcd gives is an error here, and never half of an answer.
//
// Threads:  pure functions.
// Errors:   Internal for a reply that is not etcd's, which leaves open whether a write was done.
//           WatchEnd: OutOfRange where the watch begins before what etcd still has.
// Example:  etcd_replies_test.cc.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_service.pb.h"

namespace muster::server {

// To a range of one key.
absl::StatusOr<EtcdAnswer> AnswerIn(etcdserverpb::RangeResponse response, absl::string_view key);

// To a range of all keys that begin with `prefix`.
absl::StatusOr<std::vector<std::pair<std::string, EtcdValue>>> ListIn(
    etcdserverpb::RangeResponse response, absl::string_view prefix);

// To a put of a key that must be absent: nullopt where it was, else what it holds.
absl::StatusOr<std::optional<EtcdValue>> HolderIn(etcdserverpb::TxnResponse response,
                                                  absl::string_view key);

// Of a watch of one key; none in a reply that only says that the watch lives.
absl::StatusOr<std::vector<EtcdEvent>> EventsIn(etcdserverpb::WatchResponse response,
                                                absl::string_view key);

// Why the member has ended the watch; ok where it has not.
absl::Status WatchEnd(const etcdserverpb::WatchResponse& response);

EtcdStatus StatusIn(const etcdserverpb::StatusResponse& status,
                    const etcdserverpb::AlarmResponse& alarms);

}  // namespace muster::server
