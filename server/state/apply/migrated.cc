// The end of a log: the state goes on under another one, alone or in etcd.
#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/pending_move.h"

namespace muster::server {
namespace {

constexpr size_t kLogIdBytes = 16;

}  // namespace

ApplyResult Apply(ApplyContext& context, const internal::v1::MigrateState& command) {
  if (command.log_id().size() != kLogIdBytes) return Malformed("log id");
  Query pending(context.db, "SELECT 1 FROM blobs WHERE name = ?", kPendingMove);
  if (pending.Step()) {
    return absl::FailedPreconditionError("the log has ended: the state was moved to another one");
  }
  // Apart from the members, since unknown fields of a newer program must not come into the state.
  internal::v1::MigrateState kept;
  kept.set_log_id(command.log_id());
  kept.set_node_id(command.node_id());
  context.db.Run("INSERT INTO blobs (name, value) VALUES (?, ?)", kPendingMove,
                 Blob{kept.SerializeAsString()});
  WriteAudit(context, "", 0,
             command.node_id() == 0 ? "moved this installation from one node to etcd"
                                    : absl::StrCat("moved this installation from etcd to node ",
                                                   FormatId(command.node_id()), " alone"));
  return ResultOf(context.index);
}

}  // namespace muster::server
