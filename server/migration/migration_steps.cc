#include "server/migration/migration_steps.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/pki/master_key.h"

namespace muster::server {
namespace {

constexpr size_t kLogIdBytes = 16;

absl::Status HoldsNoState(const std::string& data_dir) {
  return absl::FailedPreconditionError(
      absl::StrCat(data_dir, " holds no state of Muster; name its data directory (--data-dir)"));
}

}  // namespace

absl::Status CheckHoldsState(const std::string& data_dir) {
  if (access((data_dir + "/state.db").c_str(), F_OK) == 0) return absl::OkStatus();
  return HoldsNoState(data_dir);
}

absl::StatusOr<std::unique_ptr<SqliteState>> OpenInstalledState(const std::string& data_dir,
                                                                Durability durability) {
  ASSIGN_OR_RETURN(auto state, SqliteState::Open(data_dir + "/state.db", durability));
  if (state->ClusterId().empty()) return HoldsNoState(data_dir);
  return state;
}

absl::StatusOr<std::vector<Secret>> ProvenMasterKeys(const MigrateTerms& terms,
                                                     const State& state) {
  const std::string file = MasterKeyFile(terms.data_dir, terms.master_key_file);
  absl::StatusOr<std::vector<Secret>> masters = ReadMasterKeys(file);
  if (absl::IsNotFound(masters.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "master key file ", file, " is missing; put it there, or name it with --master-key-file"));
  }
  if (!masters.ok()) return masters.status();
  RETURN_IF_ERROR(CheckHasGeneration(file, *masters, state.KeyGeneration()));
  const std::string proof = state.FindBlob(kClusterRootKey).value_or("");
  if (ProveMasterKey(masters->front(), state.ClusterId(), proof).ok()) return masters;
  return absl::FailedPreconditionError(absl::StrCat(file, " is not the master key of the state in ",
                                                    terms.data_dir,
                                                    "; name the right one with --master-key-file"));
}

std::string NewLogId() { return RandomBytes(kLogIdBytes); }

internal::v1::Command MoveCommand(absl::string_view log_id, uint64_t node_id) {
  internal::v1::Command command;
  command.mutable_actor()->set_principal("musterd");
  command.set_method("musterd/Migrate");
  command.mutable_migrate_state()->set_log_id(std::string(log_id));
  command.mutable_migrate_state()->set_node_id(node_id);
  return command;
}

}  // namespace muster::server
