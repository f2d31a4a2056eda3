// A state that comes from a backup. What it has queued may have run since it was made, or have been
// cancelled by an operator whose words are lost: it waits until somebody says that it shall go on.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/members.h"

namespace muster::server {
namespace {

using internal::v1::HoldRestored;
using internal::v1::RestoreState;

constexpr size_t kBackupIdBytes = 16;
constexpr size_t kMostReasonBytes = 256;

}  // namespace

ApplyResult Apply(ApplyContext& context, const RestoreState& command) {
  if (command.backup_id().size() != kBackupIdBytes) return Malformed("backup id");
  if (command.backup_time_us() < 0 || command.backup_time_us() > kMaxTimeUs) {
    return Malformed("time of a backup");
  }
  // First what can be refused.
  if (command.has_root_api_key()) {
    auto key = Apply(context, command.root_api_key());
    if (!key.ok()) return key.status();
  }
  RemoveAllMembers(context);
  // What a node that was removed after the backup was made had must open nothing either.
  context.node.key_generation = std::max(context.node.key_generation, command.key_generation());
  WriteAudit(context, "", 0,
             absl::StrCat("restored this installation from a backup of ",
                          absl::FormatTime("%Y-%m-%d %H:%M:%S UTC",
                                           absl::FromUnixMicros(command.backup_time_us()),
                                           absl::UTCTimeZone())));
  return ResultOf(context.index);
}

ApplyResult Apply(ApplyContext& context, const HoldRestored& command) {
  if (command.devices().empty() || command.devices_size() > kStep ||
      command.reason().size() > kMostReasonBytes) {
    return Malformed("held devices");
  }
  uint64_t held = 0;
  for (const uint64_t id : command.devices()) {
    const auto both = context.devices.FindBoth(id);
    if (!both.has_value() || both->core.held || both->core.delete_index != 0) continue;
    WriteEvent(context, id, EventKind::kControlPlaneRestored, command.reason());
    HoldDevice(context, both->index, HoldKind::kRestored, command.reason());
    ++held;
  }
  return ResultOf(held);
}

}  // namespace muster::server
