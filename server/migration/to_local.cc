// From a cluster to one node: first this state takes in all that etcd has, then one last entry ends
// the log for every node, wherever it is and whatever it does, then the state gets its new log.
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "server/command_log/etcd/etcd_problem.h"
#include "server/command_log/etcd/member_board.h"
#include "server/command_log/etcd/node_id.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/node/data_dir.h"
#include "server/migration/migration_steps.h"
#include "server/state/pending_move.h"

namespace muster::server {
namespace {

constexpr absl::Duration kLook = absl::Seconds(1);
// A node that runs has made a report in this time: MemberBoard::kEvery and a little.
constexpr absl::Duration kTwoReports = absl::Seconds(5);

std::map<uint64_t, int64_t> TimesOf(const std::vector<MemberReport>& reports) {
  std::map<uint64_t, int64_t> times;
  for (const MemberReport& report : reports) times[report.node_id()] = report.time_us();
  return times;
}

// Not by the reports' own times: clocks of machines differ.
absl::Status CheckOthersRest(Etcd& etcd, const EtcdLogOptions& options, const Clock& clock) {
  ASSIGN_OR_RETURN(const auto before, ReadMemberReports(etcd, options));
  std::map<uint64_t, int64_t> times = TimesOf(before);
  times.erase(options.node_id);
  if (times.empty()) return absl::OkStatus();
  const absl::Duration until = clock.Monotonic() + kTwoReports;
  while (clock.Monotonic() < until) {
    absl::SleepFor(absl::Milliseconds(200));
    ASSIGN_OR_RETURN(const auto now, ReadMemberReports(etcd, options));
    for (const MemberReport& report : now) {
      if (report.node_id() == options.node_id || times[report.node_id()] == report.time_us()) {
        continue;
      }
      return absl::FailedPreconditionError(
          absl::StrCat("node ", FormatId(report.node_id()), " (", report.display_name(), ", ",
                       report.api_address(), ") runs; stop all other nodes of the cluster first"));
    }
  }
  return absl::OkStatus();
}

// Until all that etcd has is applied, or the log has ended: by an earlier call of this.
absl::Status CatchUp(EtcdLog& log, const State& state, const MigrateTerms& terms,
                     const Clock& clock) {
  uint64_t index = 0;
  absl::Duration moved = clock.Monotonic();
  for (;;) {
    const absl::Status settled = log.WaitUntilSettled(kLook);
    if (FindPendingMove(state).has_value()) return absl::OkStatus();
    const LogHealth health = log.Health();
    if (health.state == LogState::kServing) return log.ReadBarrier(terms.patience);
    if (health.state == LogState::kStopped) return settled;
    if (health.state == LogState::kNeedsSnapshot) {
      return absl::FailedPreconditionError(
          "this node lacks entries that etcd no longer has; use the data directory of a node that "
          "was serving when it was stopped");
    }
    const uint64_t now = log.AppliedPosition().index;
    if (now != index) moved = clock.Monotonic();
    index = now;
    if (clock.Monotonic() - moved < terms.patience) continue;
    const absl::Status why = TellEtcdProblem(absl::UnavailableError(health.reason), terms.etcd);
    return absl::FailedPreconditionError(
        absl::StrCat(why.message(),
                     "; without etcd nobody knows what the other nodes have acknowledged (where it "
                     "is lost for good: musterd backup --help)"));
  }
}

absl::StatusOr<internal::v1::MigrateState> EndEtcdLog(SqliteState& state, const MigrateTerms& terms,
                                                      const EtcdLogOptions& options,
                                                      const Clock& clock) {
  ASSIGN_OR_RETURN(const auto etcd, ConnectToEtcd(terms.etcd));
  ASSIGN_OR_RETURN(const auto log, EtcdLog::Open(state, *etcd, options));
  absl::Status status = CatchUp(*log, state, terms, clock);
  if (status.ok() && !FindPendingMove(state).has_value()) {
    status = CheckOthersRest(*etcd, options, clock);
    if (status.ok()) {
      status = log->Propose(MoveCommand(NewLogId(), options.node_id)).status();
    }
  }
  log->Stop();
  const auto move = FindPendingMove(state);
  if (move.has_value()) return *move;
  return status.ok() ? absl::InternalError("the state did not keep where it goes") : status;
}

absl::Status CheckIsOurs(const internal::v1::MigrateState& move, uint64_t node_id) {
  if (move.node_id() == node_id) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the cluster was moved to node ", FormatId(move.node_id()),
                   " alone: its data directory goes on, and this one can't; node-id in it says "
                   "which it is"));
}

// A state of one node: done, or on its way to an etcd that never got it.
Migrated StayAlone(SqliteState& state) {
  if (!FindPendingMove(state).has_value()) return {state.AppliedPosition(), true};
  state.StartNewLog(NewLogId());
  return {state.AppliedPosition(), false, true};
}

}  // namespace

absl::StatusOr<Migrated> MigrateToLocal(const MigrateTerms& terms, const Clock& clock) {
  RETURN_IF_ERROR(CheckHoldsState(terms.data_dir));
  ASSIGN_OR_RETURN(const DataDir dir, DataDir::Hold(terms.data_dir));
  // Without its hash, which nobody compares any more; on the disk with each entry.
  ASSIGN_OR_RETURN(const auto state, OpenInstalledState(terms.data_dir, Durability::kFull));
  ASSIGN_OR_RETURN(const std::vector<Secret> masters, ProvenMasterKeys(terms, *state));
  if (state->EngineNote().empty()) return StayAlone(*state);
  EtcdLogOptions options;
  options.keys = std::make_shared<SealKeys>(masters);
  ASSIGN_OR_RETURN(options.node_id, OpenNodeId(terms.data_dir));
  internal::v1::MigrateState move;
  if (const auto begun = FindPendingMove(*state)) {
    move = *begun;
  } else {
    ASSIGN_OR_RETURN(move, EndEtcdLog(*state, terms, options, clock));
  }
  RETURN_IF_ERROR(CheckIsOurs(move, options.node_id));
  state->StartNewLog(move.log_id());
  return Migrated{state->AppliedPosition()};
}

}  // namespace muster::server
