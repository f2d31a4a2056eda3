// What operators do with a device: its words and labels, its end, and letting held jobs go on.
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

using internal::v1::UpdateDevice;

constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxNotesBytes = 8192;
constexpr size_t kMaxLabels = 64;

absl::Status WaitsForAcceptance(const DeviceCore& core) {
  return absl::FailedPreconditionError(
      absl::StrCat("device ", FormatId(core.id), " waits to be accepted: device accept"));
}

// What of the row operators write, with the version that their etag names. Facts and status change
// without it: a check-in must not make an etag stale.
struct Editable {
  std::string display_name;
  std::string notes;
  std::string site;
  std::map<std::string, std::string> labels;
  uint64_t version = 0;
};

Editable LoadEditable(ApplyContext& context, uint64_t device) {
  Query query(context.db,
              "SELECT display_name, notes, site, labels, version FROM devices WHERE id = ?",
              KeyOf(device));
  if (!query.Step()) return {};
  return {query.Text(0), query.Text(1), query.Text(2), DecodeLabels(query.View(3)),
          query.Unsigned(4)};
}

// Replacing before setting before removing: as a client would do it step by step.
void Edit(const UpdateDevice& command, Editable& row) {
  if (command.has_display_name()) row.display_name = command.display_name();
  if (command.has_notes()) row.notes = command.notes();
  if (command.has_site()) row.site = command.site();
  if (command.replace_labels()) {
    row.labels.clear();
    for (const auto& label : command.labels()) row.labels[label.key()] = label.value();
  }
  for (const auto& label : command.set_labels()) row.labels[label.key()] = label.value();
  for (const std::string& key : command.remove_labels()) row.labels.erase(key);
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const UpdateDevice& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  Editable row = LoadEditable(context, command.device_id());
  if (IsStale(command.expected_etag(), row.version)) return ChangedMeanwhile("device");
  // Accepting is more than releasing, and is asked for by its own command.
  const bool released = command.release_hold() && device->core.held;
  if (released && device->core.hold == HoldKind::kPending) return WaitsForAcceptance(device->core);
  const std::string site_before = row.site;
  Edit(command, row);
  if (row.display_name.size() > kMaxNameBytes || row.notes.size() > kMaxNotesBytes ||
      row.site.size() > kMaxNameBytes || row.labels.size() > kMaxLabels) {
    return Malformed("device: a text is too long, or there are too many labels");
  }
  context.db.Run(
      "UPDATE devices SET display_name = ?, notes = ?, site = ?, labels = ?, "
      "version = version + 1, update_us = ? WHERE id = ?",
      row.display_name, row.notes, row.site, Blob{EncodeLabels(row.labels)}, context.now_us(),
      KeyOf(command.device_id()));
  if (row.site != site_before) {
    WriteEvent(context, command.device_id(), EventKind::kSiteChanged,
               absl::StrCat("from \"", site_before, "\" to \"", row.site, "\""));
  }
  // After the row: what is released may want the new labels filled in.
  if (released) EndHold(context, device->index);
  TellOfDevice(context, device->core, ChangeKind::kDevice);
  WriteAudit(context, DeviceName(context.db, command.organization_id(), command.device_id()),
             command.organization_id(),
             released ? "changed the device and let its jobs go on" : "changed the device");
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteDevice& command) {
  auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  const uint64_t version = LoadEditable(context, command.device_id()).version;
  if (IsStale(command.expected_etag(), version)) return ChangedMeanwhile("device");
  // The number floor stays in the row, and the row for ever: a router that comes back with this
  // identity after a restore must not get numbers that it has started. The device is dead before
  // its jobs end, so that their ends release nothing.
  device->core.delete_index = context.index;
  ++device->core.least_epoch;
  // A release that is under way ends with it, not as one that has failed.
  device->core.releasing = false;
  context.devices.SetCore(device->index, device->core);
  context.db.Run(
      "UPDATE devices SET delete_us = ?, delete_index = ?, least_epoch = ?, release_job = NULL, "
      "version = version + 1 WHERE id = ?",
      context.now_us(), context.index, device->core.least_epoch, KeyOf(command.device_id()));
  for (const uint64_t id : OpenJobs(context, command.device_id())) {
    const std::optional<JobRules> job = LoadJob(context, id);
    std::optional<TargetRow> target = LoadTarget(context, id, command.device_id());
    if (!job.has_value() || !target.has_value()) continue;
    target->error = "the device was deleted";
    // CANCELLED is a promise that it did not run.
    const bool unknown = MayHaveRun(context, *target);
    EndTarget(context, *job, *target, unknown ? JobTargetState::kLost : JobTargetState::kCancelled);
  }
  WriteEvent(context, command.device_id(), EventKind::kDeleted, "its token is refused from now on");
  TellOfDevice(context, device->core, ChangeKind::kDevice);
  // Every edge, not only those that know it: the token is good wherever it is shown.
  TellOfDevice(context, device->core, ChangeKind::kDeviceRevoked);
  WriteAudit(context, DeviceName(context.db, command.organization_id(), command.device_id()),
             command.organization_id(), "deleted the device");
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ReleaseHold& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (!device->core.held) return ResultOf(command.device_id());
  if (device->core.hold == HoldKind::kPending) return WaitsForAcceptance(device->core);
  EndHold(context, device->index);
  WriteAudit(context, DeviceName(context.db, command.organization_id(), command.device_id()),
             command.organization_id(), "let the device's jobs go on");
  return ResultOf(command.device_id());
}

}  // namespace muster::server
