#include "server/command_log/local/local_node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/local/local_log.h"
#include "server/command_log/node/data_dir.h"
#include "server/command_log/node/ticker.h"
#include "server/state/pending_move.h"
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

class RunningNode : public LocalNode {
 public:
  RunningNode(DataDir dir, std::unique_ptr<SqliteState> state, const LocalNodeOptions& options,
              const Clock& clock)
      : dir_(std::move(dir)),
        state_(std::move(state)),
        log_(*state_, {options.retained_log_bytes, options.retained_log_time}) {
    if (options.start_ticker) ticker_ = std::make_unique<Ticker>(log_, *state_, *state_, clock);
  }

  ~RunningNode() override {
    // Before the log: its thread waits for the log's answers.
    ticker_.reset();
    log_.Stop();
  }

  CommandLog& log() override { return log_; }
  State& state() override { return *state_; }

 private:
  // Released last.
  DataDir dir_;
  std::unique_ptr<SqliteState> state_;
  LocalLog log_;
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LocalNode>> LocalNode::Open(const LocalNodeOptions& options,
                                                           Clock& clock) {
  // The lock before the database: SQLite alone would let a second musterd in.
  ASSIGN_OR_RETURN(DataDir dir, DataDir::Hold(options.data_dir));
  ASSIGN_OR_RETURN(auto state, SqliteState::Open(absl::StrCat(options.data_dir, "/state.db")));
  if (!state->EngineNote().empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the state in ", options.data_dir,
        " belongs to a cluster: alone it would leave the others; start it with --etcd, or see "
        "musterd migrate --help (where etcd is lost for good: musterd backup --help)"));
  }
  if (FindPendingMove(*state).has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the state in ", options.data_dir,
                     " is on its way to etcd: finish that with musterd migrate --to etcd, or give "
                     "it up with musterd migrate --to local"));
  }
  return std::make_unique<RunningNode>(std::move(dir), std::move(state), options, clock);
}

}  // namespace muster::server
