#include "server/state/apply/live_device.h"

#include "common/ids/ids.h"

namespace muster::server {

absl::StatusOr<DeviceTable::Both> FindLiveDevice(ApplyContext& context, uint64_t id,
                                                 uint64_t organization) {
  // One answer for "none", "deleted" and "somebody else's": callers must not learn what others
  // have.
  auto device = context.devices.FindBoth(id);
  if (!device.has_value() || device->core.organization != organization ||
      device->core.delete_index != 0) {
    return UnknownThing("device", FormatId(id));
  }
  return *device;
}

IdentityView ViewOf(const DeviceCore& core) {
  return {.id = core.id,
          .hold = core.hold,
          .monitor_only = core.monitor_only,
          .revoked = core.revoked,
          .releasing = core.releasing,
          .open_job = core.open_number == 0 ? 0 : core.open_job,
          .upgrade_job = core.upgrade_job};
}

void TellOfDevice(ApplyContext& context, const DeviceCore& core, ChangeKind kind) {
  context.Changed({.kind = kind,
                   .organization = OrganizationId{core.organization},
                   .device = DeviceId{core.id}});
}

void AuditDevice(ApplyContext& context, const DeviceCore& core, absl::string_view summary) {
  WriteAudit(context, DeviceName(context.db, core.organization, core.id), core.organization,
             summary);
}

void SaveUrls(ApplyContext& context, DenseIndex index,
              const google::protobuf::RepeatedPtrField<std::string>& urls) {
  internal::v1::Urls message;
  *message.mutable_urls() = urls;
  context.db.Run("UPDATE devices SET urls = ? WHERE dense = ?", Blob{message.SerializeAsString()},
                 index);
}

}  // namespace muster::server
