// The apply functions, one per command: see context.h for what they promise.
//
// Errors:   what each command's message in commands.proto says; Malformed for what no proposer
//           of ours writes.
#pragma once

#include "server/state/apply/context.h"

namespace muster::server {

// Finds the function for the command and runs it once; repetitions are caught before (requests.h).
// Unset payload: Malformed, as is a payload of a newer program that this one does not know; that
// entry would have stopped the node before, by its command version.
ApplyResult ApplyCommand(ApplyContext& context, const internal::v1::Command& command);

ApplyResult ApplyBootstrap(ApplyContext& context, const internal::v1::Bootstrap& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateOrganization& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::UpdateOrganization& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateApiKey& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RevokeApiKey& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateClaim& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteClaim& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::EnrollDevice& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::UpdateDevice& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteDevice& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ReleaseHold& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::AcceptDevice& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::AcceptIdentity& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ResyncDevice& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::MoveDevice& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ReleaseDevice& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RotateToken& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RevokeToken& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::SetAgentTerms& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ImportDevices& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::DeletePreregistration& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateJob& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ExtendJob& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ExpandJob& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CancelJob& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ReleaseHolds& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CancelTargets& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RequestFastBeats& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::SetScript& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteScript& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::SetSecret& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteSecret& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::SetWindow& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteWindow& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RenewWindow& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateEdge& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::JoinEdge& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RenewEdge& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RevokeEdge& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateRouterRoot& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::ActivateRouterRoot& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RetireRouterRoot& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::EdgeSession& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::EdgeBatch& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::EdgeWatermark& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::EdgeProblem& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::LogProblem& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::FinalizeUpgrade& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::AddMember& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RemoveMember& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateJoinToken& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::UseJoinToken& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::Tick& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::RestoreState& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::MigrateState& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::CreateOrganizationKey& command);
ApplyResult Apply(ApplyContext& context, const internal::v1::HoldRestored& command);

}  // namespace muster::server
