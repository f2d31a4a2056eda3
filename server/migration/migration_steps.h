// Steps that both directions take.
//
// Threads:  one thread.
// Example:  to_etcd.cc, to_local.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/migration/migration.h"
#include "server/state/sqlite_state.h"

namespace muster::server {

// Ok where a data directory holds a state; opening one would make it.
absl::Status CheckHoldsState(const std::string& data_dir);

// The state, where it is a whole installation's.
absl::StatusOr<std::unique_ptr<SqliteState>> OpenInstalledState(const std::string& data_dir,
                                                                Durability durability);

// The master keys, where they are those of this state; the oldest first.
absl::StatusOr<std::vector<Secret>> ProvenMasterKeys(const MigrateTerms& terms, const State& state);

// 16 random bytes.
std::string NewLogId();

internal::v1::Command MoveCommand(absl::string_view log_id, uint64_t node_id);

}  // namespace muster::server
