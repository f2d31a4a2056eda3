// From one node to etcd: the end of the log, the claim on etcd, the new log. The claim comes
// second, so that what it says of index and log id is in the state already, whenever this process
// dies.
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/etcd/log_claim.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/local/local_log.h"
#include "server/command_log/node/data_dir.h"
#include "server/migration/migration_steps.h"
#include "server/state/pending_move.h"

namespace muster::server {
namespace {

// The etcd that shall have the log.
struct Target {
  std::unique_ptr<Etcd> etcd;
  EtcdLogOptions options;
};

absl::StatusOr<Target> OpenTarget(const MigrateTerms& terms, const State& state) {
  Target target;
  ASSIGN_OR_RETURN(const std::vector<Secret> masters, ProvenMasterKeys(terms, state));
  ASSIGN_OR_RETURN(target.etcd, ConnectToEtcd(terms.etcd));
  target.options.keys = std::make_shared<SealKeys>(masters);
  return target;
}

absl::Status EndLocalLog(SqliteState& state, absl::string_view log_id) {
  LocalLog log(state, {});
  const absl::Status done = log.Propose(MoveCommand(log_id, 0)).status();
  log.Stop();
  return done;
}

// A state whose log is one of etcd: only its claim may be missing.
absl::StatusOr<Migrated> FinishClaim(const MigrateTerms& terms, SqliteState& state) {
  if (!IsBeginning(state.EngineNote())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the state in ", terms.data_dir, " belongs to a cluster already: start it with --etcd"));
  }
  ASSIGN_OR_RETURN(const Target target, OpenTarget(terms, state));
  const Position position = state.AppliedPosition();
  RETURN_IF_ERROR(ClaimLog(*target.etcd, target.options, terms.etcd, position));
  return Migrated{position, true};
}

// Where the log has ended for etcd before: what it said of the next one.
absl::StatusOr<std::optional<internal::v1::MigrateState>> FindBegun(const MigrateTerms& terms,
                                                                    const State& state) {
  std::optional<internal::v1::MigrateState> begun = FindPendingMove(state);
  if (!begun.has_value() || begun->node_id() == 0) return begun;
  return absl::FailedPreconditionError(
      absl::StrCat("the state in ", terms.data_dir,
                   " is on its way from etcd to one node; finish that with --to local first"));
}

}  // namespace

absl::StatusOr<Migrated> MigrateToEtcd(const MigrateTerms& terms) {
  RETURN_IF_ERROR(CheckHoldsState(terms.data_dir));
  ASSIGN_OR_RETURN(const DataDir dir, DataDir::Hold(terms.data_dir));
  ASSIGN_OR_RETURN(const auto state, OpenInstalledState(terms.data_dir, Durability::kFull));
  if (!state->EngineNote().empty()) return FinishClaim(terms, *state);
  ASSIGN_OR_RETURN(auto move, FindBegun(terms, *state));
  ASSIGN_OR_RETURN(const Target target, OpenTarget(terms, *state));
  const uint64_t end = state->AppliedPosition().index;
  RETURN_IF_ERROR(CheckEtcdIsFree(*target.etcd, target.options, terms.etcd,
                                  {move.has_value() ? move->log_id() : "", end}));
  if (!move.has_value()) {
    RETURN_IF_ERROR(EndLocalLog(*state, NewLogId()));
    move = FindPendingMove(*state);
    if (!move.has_value()) return absl::InternalError("the state did not keep where it goes");
  }
  const Position position{move->log_id(), state->AppliedPosition().index};
  RETURN_IF_ERROR(ClaimLog(*target.etcd, target.options, terms.etcd, position));
  state->StartNewLog(move->log_id(), BeginningNote());
  return Migrated{position};
}

absl::Status ClaimEtcdFor(const MigrateTerms& terms) {
  ASSIGN_OR_RETURN(const DataDir dir, DataDir::Hold(terms.data_dir));
  ASSIGN_OR_RETURN(const auto state, OpenInstalledState(terms.data_dir, Durability::kFull));
  return FinishClaim(terms, *state).status();
}

}  // namespace muster::server
