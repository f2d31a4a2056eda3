// The level of this build, and of each kind of command. A switch without a default: a command that
// is added to the proto and forgotten here is a compiler warning, which is an error.
#include "server/command_log/log/feature_level.h"

namespace muster::server {

using internal::v1::Command;

uint32_t FeatureLevel() { return kPresenceLevel; }

uint32_t LevelOfKind(Command::PayloadCase kind) {
  switch (kind) {
    case Command::kBootstrap:
    case Command::kCreateOrganization:
    case Command::kCreateApiKey:
    case Command::kRevokeApiKey:
    case Command::kCreateClaim:
    case Command::kDeleteClaim:
    case Command::kEnrollDevice:
    case Command::kUpdateDevice:
    case Command::kDeleteDevice:
    case Command::kCreateJob:
    case Command::kExtendJob:
    case Command::kExpandJob:
    case Command::kCancelJob:
    case Command::kCreateEdge:
    case Command::kJoinEdge:
    case Command::kRenewEdge:
    case Command::kRevokeEdge:
    case Command::kEdgeSession:
    case Command::kEdgeBatch:
    case Command::kEdgeWatermark:
    case Command::kTick:
    case Command::kReleaseHold:
    case Command::kAcceptDevice:
    case Command::kAcceptIdentity:
    case Command::kResyncDevice:
    case Command::kMoveDevice:
    case Command::kReleaseDevice:
    case Command::kRotateToken:
    case Command::kRevokeToken:
    case Command::kSetAgentTerms:
    case Command::kImportDevices:
    case Command::kDeletePreregistration:
    case Command::kReleaseHolds:
    case Command::kCancelTargets:
    case Command::kSetScript:
    case Command::kDeleteScript:
    case Command::kSetSecret:
    case Command::kDeleteSecret:
    case Command::kSetWindow:
    case Command::kDeleteWindow:
    case Command::kRenewWindow:
    case Command::kEdgeProblem:
    case Command::kUpdateOrganization:
    case Command::kCreateRouterRoot:
    case Command::kActivateRouterRoot:
    case Command::kRetireRouterRoot:
    case Command::kLogProblem:
    case Command::kRequestFastBeats:
    case Command::kRestoreState:
    case Command::kHoldRestored:
    case Command::PAYLOAD_NOT_SET:
      return 1;
    // Members of a cluster, upgrades between versions, the way to another log, keys of
    // organizations.
    case Command::kMigrateState:
    case Command::kCreateOrganizationKey:
    case Command::kFinalizeUpgrade:
    case Command::kAddMember:
    case Command::kRemoveMember:
    case Command::kCreateJoinToken:
    case Command::kUseJoinToken:
      return 2;
  }
  // Of a later build.
  return FeatureLevel() + 1;
}

}  // namespace muster::server
