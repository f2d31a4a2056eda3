// Tokens: raising epochs, and a new secret on its way to a router. A router that can't be reached
// otherwise must never be locked out by a rotation, so old and new token are both good until the
// router has shown which one it keeps.
#include "server/state/apply/tokens.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/agent_offers.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/facts.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

// In memory and in the row alike: a restart in the middle of a rotation goes on counting.
void SaveNext(ApplyContext& context, DenseIndex index, const DeviceExtra& extra) {
  context.devices.SetExtra(index, extra);
  context.db.Run(
      "UPDATE devices SET next_epoch = ?, next_secret = ?, next_beats = ? WHERE dense = ?",
      extra.next_epoch, Blob{extra.next_secret}, extra.next_beats, index);
}

void DropNext(ApplyContext& context, DenseIndex index) {
  DeviceExtra extra = context.devices.Extra(index);
  if (extra.next_epoch == 0) return;
  extra.next_epoch = 0;
  extra.next_beats = 0;
  extra.next_secret.clear();
  SaveNext(context, index, extra);
}

// Writes epoch and secret of the core, and tells every edge.
void SaveKey(ApplyContext& context, DenseIndex index, const DeviceCore& core) {
  context.devices.SetCore(index, core);
  context.db.Run(
      "UPDATE devices SET least_epoch = ?, sealed_secret = ?, revoke_us = ? WHERE dense = ?",
      core.least_epoch, Blob{core.SealedSecret()}, core.revoked ? context.now_us() : 0, index);
  // Those of its first token make no second device of it, nor another router this one.
  context.db.Run("DELETE FROM enrolments WHERE device = ?", KeyOf(core.id));
  TellOfDevice(context, core, ChangeKind::kDevice);
  TellOfDevice(context, core, ChangeKind::kDeviceRevoked);
}

}  // namespace

void TakeTokenProof(ApplyContext& context, DenseIndex index, bool proved) {
  DeviceExtra extra = context.devices.Extra(index);
  if (extra.next_epoch == 0) return;
  // A beat with the old token begins the count anew: the agent went back to its old text, and the
  // new one has not shown that it stays.
  extra.next_beats = proved ? extra.next_beats + 1 : 0;
  DeviceCore core = context.devices.Core(index);
  core.proving = proved;
  context.devices.SetCore(index, core);
  SaveNext(context, index, extra);
  if (!proved) return;
  const AgentOfferRow offer = LoadAgentOffer(context, index);
  // The strongest sign. On trial the router posts with the new token, but reports its old agent; so
  // the new generation is named only by a text that has become current. Small bodies name no agent:
  // for them beats in a row must do.
  const bool reported = ReadFacts(context, index).agent_version() ==
                        absl::StrCat(offer.version, "+", offer.generation);
  if (reported || extra.next_beats >= kProvingBeats) PromoteNextToken(context, index);
}

void PromoteNextToken(ApplyContext& context, DenseIndex index) {
  // Copies, because DropNext clears what is in the table.
  const DeviceExtra extra = context.devices.Extra(index);
  DeviceCore core = context.devices.Core(index);
  core.least_epoch = extra.next_epoch;
  core.SetSealedSecret(extra.next_secret);
  core.proving = false;
  // Before SaveKey tells the edges: they must not hear of a next token that is the present one.
  DropNext(context, index);
  SaveKey(context, index, core);
  WriteEvent(context, core.id, EventKind::kTokenRotated,
             absl::StrCat("the router uses its new token; those before epoch ", core.least_epoch,
                          " are refused"));
}

void Rekey(ApplyContext& context, DenseIndex index, absl::string_view sealed_secret) {
  // One that was on its way may have arrived: its epoch is not given again.
  const DeviceExtra extra = context.devices.Extra(index);
  DeviceCore core = context.devices.Core(index);
  core.least_epoch = std::max(core.least_epoch, extra.next_epoch) + 1;
  core.SetSealedSecret(sealed_secret);
  core.revoked = false;
  core.proving = false;
  DropNext(context, index);
  SaveKey(context, index, core);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::RotateToken& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (command.proposed_sealed_secret().empty() ||
      command.proposed_sealed_secret().size() > kMaxSealedSecretBytes ||
      command.agent_version().empty() || command.agent_version().size() > kMaxAgentVersionBytes) {
    return Malformed("token");
  }
  if (absl::Status status = MayRotateToken(ViewOf(device->core)); !status.ok()) return status;
  DeviceExtra extra = context.devices.Extra(device->index);
  // The router may just have taken the one that is on its way: that one goes on.
  if (extra.next_epoch != 0) return ResultOf(command.device_id());
  extra.next_epoch = device->core.least_epoch + 1;
  extra.next_secret = command.proposed_sealed_secret();
  SaveNext(context, device->index, extra);
  RaiseGeneration(context, device->index, command.agent_version(), "a new token");
  // Streams keep the check of each secret; this makes them look for the second one.
  TellOfDevice(context, device->core, ChangeKind::kDeviceRekeyed);
  AuditDevice(context, device->core, absl::StrCat("rotates the token to epoch ", extra.next_epoch));
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::RevokeToken& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (device->core.revoked) return ResultOf(command.device_id());
  // The same secret under a higher epoch: what is refused is the epoch, and a replacement brings a
  // secret of its own.
  Rekey(context, device->index, device->core.SealedSecret());
  DeviceCore core = context.devices.Core(device->index);
  core.revoked = true;
  SaveKey(context, device->index, core);
  WriteEvent(context, core.id, EventKind::kTokenRevoked,
             "every token of the router is refused; a claim with --replace lets it join again");
  AuditDevice(context, core, "revoked the device's tokens");
  return ResultOf(core.id);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::SetAgentTerms& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (command.profile() > 3 || command.urls_size() > kMaxUrls || command.agent_version().empty() ||
      command.agent_version().size() > kMaxAgentVersionBytes ||
      (command.profile() == 0 && !command.replace_urls())) {
    return Malformed("agent terms");
  }
  DeviceCore core = device->core;
  if (absl::Status status = MayChangeAgent(ViewOf(core)); !status.ok()) return status;
  if (command.profile() != 0) core.profile = static_cast<Profile>(command.profile());
  context.devices.SetCore(device->index, core);
  context.db.Run("UPDATE devices SET profile = ? WHERE dense = ?", core.profile, device->index);
  if (command.replace_urls()) SaveUrls(context, device->index, command.urls());
  RaiseGeneration(context, device->index, command.agent_version(), "changed settings");
  AuditDevice(context, core, "changed the agent's settings");
  return ResultOf(core.id);
}

}  // namespace muster::server
