// What operators say of who a device is: accepted, the same after all, in another organization.
// Each command ends one kind of hold and refuses the others by naming the command that is right: a
// doubt must not be cleared by accident.
#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/facts.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/live_device.h"
#include "server/state/hardware.h"

namespace muster::server {
namespace {

// Whether it may leave: its queue lies in the organization that it would leave, and what is at an
// edge or on the router can't be called back from another one.
absl::Status CheckMove(ApplyContext& context, const internal::v1::MoveDevice& command,
                       const DeviceCore& core) {
  const std::string id = FormatId(core.id);
  if (OrganizationName(context.db, command.to_organization_id()).empty()) {
    return UnknownThing("organization", FormatId(command.to_organization_id()));
  }
  if (command.to_organization_id() == core.organization) {
    return absl::FailedPreconditionError(absl::StrCat("device ", id, " is there already"));
  }
  return MayMove(ViewOf(core));
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const internal::v1::AcceptDevice& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (device->core.hold != HoldKind::kPending) return ResultOf(command.device_id());
  EndHold(context, device->index);
  WriteEvent(context, command.device_id(), EventKind::kAccepted,
             "an operator accepted it; it gets jobs now");
  AuditDevice(context, device->core, "accepted the device");
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::AcceptIdentity& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (absl::Status status = MayAcceptHardware(ViewOf(device->core)); !status.ok()) return status;
  const internal::v1::Facts facts = ReadFacts(context, device->index);
  const std::string hardware = HardwareOf(facts);
  AcceptHardware(context, device->index, facts);
  EndHold(context, device->index);
  WriteEvent(context, command.device_id(), EventKind::kIdentityAccepted,
             absl::StrCat("an operator accepted ", hardware.empty() ? "its hardware" : hardware,
                          "; its jobs go on"));
  AuditDevice(context, device->core, absl::StrCat("accepted its hardware: ", hardware));
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ResyncDevice& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (absl::Status status = MayResync(ViewOf(device->core)); !status.ok()) return status;
  EndHold(context, device->index);
  // What the router reported when it went back. Numbers above it that were given stay used: the
  // next one lies above the highest.
  const std::string last = absl::StrCat(device->core.expected_last);
  WriteEvent(context, command.device_id(), EventKind::kResynced,
             absl::StrCat("an operator took ", last, " as its last job; its jobs go on"));
  AuditDevice(context, device->core, absl::StrCat("took ", last, " as the router's last job"));
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::MoveDevice& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  DeviceCore core = device->core;
  if (absl::Status status = CheckMove(context, command, core); !status.ok()) return status;
  CancelWaiting(context, core.id, "the device moved to another organization");
  // Anew: the ends of those targets have changed it.
  core = context.devices.Core(device->index);
  DeviceExtra extra = context.devices.Extra(device->index);
  // Its tokens keep saying the organization where it joined.
  if (extra.token_organization == 0) extra.token_organization = core.organization;
  const std::string from = OrganizationName(context.db, core.organization);
  const std::string to = OrganizationName(context.db, command.to_organization_id());
  // Twice, once under each organization: neither reads the other's audit.
  AuditDevice(context, core, absl::StrCat("moved the device to ", to));
  // Under the old organization, so that its watchers see it go.
  TellOfDevice(context, core, ChangeKind::kDevice);
  core.organization = command.to_organization_id();
  context.devices.SetCore(device->index, core);
  context.devices.SetExtra(device->index, extra);
  context.db.Run(
      // What the old organization wrote about it (site, labels, notes, events) is not the new one's
      // to read.
      "UPDATE devices SET organization = ?, token_organization = ?, site = '', labels = x'', "
      "notes = '', events_from = ?, version = version + 1, update_us = ? WHERE id = ?",
      KeyOf(core.organization), KeyOf(extra.token_organization), context.NextEventSequence(),
      context.now_us(), KeyOf(core.id));
  context.db.Run("DELETE FROM departures WHERE organization = ? AND device = ?",
                 KeyOf(core.organization), KeyOf(core.id));
  // A claim of the old organization gives no token of it any more.
  context.db.Run("DELETE FROM enrolments WHERE device = ?", KeyOf(core.id));
  WriteEvent(context, core.id, EventKind::kMoved, absl::StrCat("came from ", from));
  AuditDevice(context, core, absl::StrCat("moved the device here from ", from));
  TellOfDevice(context, core, ChangeKind::kDevice);
  return ResultOf(core.id);
}

}  // namespace muster::server
