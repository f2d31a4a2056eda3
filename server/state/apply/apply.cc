// Which function applies which command. A switch over the generated enum without a default: a
// command that is added to the proto and forgotten here is a compiler warning, which is an error.
#include "server/state/apply/apply.h"

#include "absl/strings/str_cat.h"
#include "server/command_log/log/feature_level.h"

namespace muster::server {

ApplyResult ApplyCommand(ApplyContext& context, const internal::v1::Command& command) {
  using internal::v1::Command;
  // For the audit: actor, method, request id and summary.
  context.command = &command;
  if (!RaisesLevel(command)) {
    auto level = CheckFeatureLevel(context.node.feature_level, command.version());
    if (!level.ok()) return level;
  }
  switch (command.payload_case()) {
    case Command::kBootstrap:
      return ApplyBootstrap(context, command.bootstrap());
    case Command::kCreateOrganization:
      return Apply(context, command.create_organization());
    case Command::kUpdateOrganization:
      return Apply(context, command.update_organization());
    case Command::kCreateApiKey:
      return Apply(context, command.create_api_key());
    case Command::kRevokeApiKey:
      return Apply(context, command.revoke_api_key());
    case Command::kCreateClaim:
      return Apply(context, command.create_claim());
    case Command::kDeleteClaim:
      return Apply(context, command.delete_claim());
    case Command::kEnrollDevice:
      return Apply(context, command.enroll_device());
    case Command::kUpdateDevice:
      return Apply(context, command.update_device());
    case Command::kDeleteDevice:
      return Apply(context, command.delete_device());
    case Command::kReleaseHold:
      return Apply(context, command.release_hold());
    case Command::kCreateJob:
      return Apply(context, command.create_job());
    case Command::kExtendJob:
      return Apply(context, command.extend_job());
    case Command::kExpandJob:
      return Apply(context, command.expand_job());
    case Command::kCancelJob:
      return Apply(context, command.cancel_job());
    case Command::kReleaseHolds:
      return Apply(context, command.release_holds());
    case Command::kCancelTargets:
      return Apply(context, command.cancel_targets());
    case Command::kSetScript:
      return Apply(context, command.set_script());
    case Command::kDeleteScript:
      return Apply(context, command.delete_script());
    case Command::kSetSecret:
      return Apply(context, command.set_secret());
    case Command::kDeleteSecret:
      return Apply(context, command.delete_secret());
    case Command::kSetWindow:
      return Apply(context, command.set_window());
    case Command::kDeleteWindow:
      return Apply(context, command.delete_window());
    case Command::kRenewWindow:
      return Apply(context, command.renew_window());
    case Command::kCreateEdge:
      return Apply(context, command.create_edge());
    case Command::kJoinEdge:
      return Apply(context, command.join_edge());
    case Command::kRenewEdge:
      return Apply(context, command.renew_edge());
    case Command::kRevokeEdge:
      return Apply(context, command.revoke_edge());
    case Command::kEdgeSession:
      return Apply(context, command.edge_session());
    case Command::kEdgeBatch:
      return Apply(context, command.edge_batch());
    case Command::kEdgeWatermark:
      return Apply(context, command.edge_watermark());
    case Command::kEdgeProblem:
      return Apply(context, command.edge_problem());
    case Command::kFinalizeUpgrade:
      return Apply(context, command.finalize_upgrade());
    case Command::kAddMember:
      return Apply(context, command.add_member());
    case Command::kRemoveMember:
      return Apply(context, command.remove_member());
    case Command::kCreateJoinToken:
      return Apply(context, command.create_join_token());
    case Command::kUseJoinToken:
      return Apply(context, command.use_join_token());
    case Command::kLogProblem:
      return Apply(context, command.log_problem());
    case Command::kTick:
      return Apply(context, command.tick());
    case Command::kAcceptDevice:
      return Apply(context, command.accept_device());
    case Command::kAcceptIdentity:
      return Apply(context, command.accept_identity());
    case Command::kResyncDevice:
      return Apply(context, command.resync_device());
    case Command::kMoveDevice:
      return Apply(context, command.move_device());
    case Command::kReleaseDevice:
      return Apply(context, command.release_device());
    case Command::kRotateToken:
      return Apply(context, command.rotate_token());
    case Command::kRevokeToken:
      return Apply(context, command.revoke_token());
    case Command::kSetAgentTerms:
      return Apply(context, command.set_agent_terms());
    case Command::kImportDevices:
      return Apply(context, command.import_devices());
    case Command::kDeletePreregistration:
      return Apply(context, command.delete_preregistration());
    case Command::kRequestFastBeats:
      return Apply(context, command.request_fast_beats());
    case Command::kCreateRouterRoot:
      return Apply(context, command.create_router_root());
    case Command::kActivateRouterRoot:
      return Apply(context, command.activate_router_root());
    case Command::kRetireRouterRoot:
      return Apply(context, command.retire_router_root());
    case Command::kRestoreState:
      return Apply(context, command.restore_state());
    case Command::kHoldRestored:
      return Apply(context, command.hold_restored());
    case Command::kMigrateState:
      return Apply(context, command.migrate_state());
    case Command::kCreateOrganizationKey:
      return Apply(context, command.create_organization_key());
    case Command::PAYLOAD_NOT_SET:
      break;
  }
  // Also what an unknown field number parses to; a program that writes such raises the command
  // version, at which older nodes stop before they come here.
  return Malformed("no payload");
}

}  // namespace muster::server
