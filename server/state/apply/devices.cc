// What operators do with a device.
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/job_queue.h"

namespace muster::server {
namespace {

using internal::v1::UpdateDevice;

constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxNotesBytes = 8192;
constexpr size_t kMaxLabels = 64;

// The live device, if it is of the organization.
absl::StatusOr<DeviceTable::Both> FindLive(ApplyContext& context, uint64_t id,
                                           uint64_t organization) {
  auto device = context.devices.FindBoth(id);
  if (!device.has_value() || device->core.organization != organization ||
      device->core.delete_index != 0) {
    return UnknownThing("device", FormatId(id));
  }
  return *device;
}

void Tell(ApplyContext& context, const DeviceCore& core, ChangeKind kind) {
  context.Changed({.kind = kind,
                   .organization = OrganizationId{core.organization},
                   .device = DeviceId{core.id}});
}

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

// Its targets that have not ended, oldest first.
std::vector<uint64_t> OpenJobs(ApplyContext& context, uint64_t device) {
  std::vector<uint64_t> jobs;
  Query query(context.db,
              "SELECT job FROM targets WHERE device = ? AND state IN (1, 2, 3, 4, 7, 12) "
              "ORDER BY seq, job",
              KeyOf(device));
  while (query.Step()) jobs.push_back(IdOf(query.Int(0)));
  return jobs;
}

// Ends the hold: what waited is queued again, under new numbers.
void LetGo(ApplyContext& context, const DeviceTable::Both& device) {
  DeviceCore core = device.core;
  core.held = false;
  context.devices.SetCore(device.index, core);
  SaveCoreNumbers(context, device.index, core);
  for (const uint64_t id : OpenJobs(context, core.id)) {
    const std::optional<JobRules> job = LoadJob(context, id);
    std::optional<TargetRow> target = LoadTarget(context, id, core.id);
    if (!job.has_value() || !target.has_value() || target->state != JobTargetState::kHeld) continue;
    if (target->number != 0 && target->number <= core.highest_reported) {
      EndTarget(context, *job, *target, JobTargetState::kLost);
      continue;
    }
    ForgetNumber(*target);
    target->error.clear();
    target->due_us = job->not_before_us > context.now_us() ? job->not_before_us : job->not_after_us;
    MoveTarget(context, *job, *target, JobTargetState::kQueued);
  }
  ReleaseHead(context, device.index);
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const UpdateDevice& command) {
  const auto device = FindLive(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  Editable row = LoadEditable(context, command.device_id());
  if (!command.expected_etag().empty() && command.expected_etag() != absl::StrCat(row.version)) {
    return absl::AbortedError("the device was changed meanwhile; read it again");
  }
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
  const bool released = command.release_hold() && device->core.held;
  if (released) LetGo(context, *device);
  Tell(context, device->core, ChangeKind::kDevice);
  WriteAudit(context, DeviceName(context.db, command.organization_id(), command.device_id()),
             command.organization_id(),
             released ? "changed the device and let its jobs go on" : "changed the device");
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteDevice& command) {
  auto device = FindLive(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  // The number floor stays in the row; the jobs end before the queue can be released again.
  device->core.delete_index = context.index;
  ++device->core.least_epoch;
  context.devices.SetCore(device->index, device->core);
  context.db.Run(
      "UPDATE devices SET delete_us = ?, delete_index = ?, least_epoch = ?, "
      "version = version + 1 WHERE id = ?",
      context.now_us(), context.index, device->core.least_epoch, KeyOf(command.device_id()));
  for (const uint64_t id : OpenJobs(context, command.device_id())) {
    const std::optional<JobRules> job = LoadJob(context, id);
    std::optional<TargetRow> target = LoadTarget(context, id, command.device_id());
    if (!job.has_value() || !target.has_value()) continue;
    target->error = "the device was deleted";
    const bool unknown = MayHaveRun(context, *target);
    EndTarget(context, *job, *target, unknown ? JobTargetState::kLost : JobTargetState::kCancelled);
  }
  WriteEvent(context, command.device_id(), "deleted", "its token is refused from now on");
  Tell(context, device->core, ChangeKind::kDevice);
  Tell(context, device->core, ChangeKind::kDeviceRevoked);
  WriteAudit(context, DeviceName(context.db, command.organization_id(), command.device_id()),
             command.organization_id(), "deleted the device");
  return ResultOf(command.device_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ReleaseHold& command) {
  const auto device = FindLive(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (!device->core.held) return ResultOf(command.device_id());
  LetGo(context, *device);
  Tell(context, device->core, ChangeKind::kDevice);
  WriteAudit(context, DeviceName(context.db, command.organization_id(), command.device_id()),
             command.organization_id(), "let the device's jobs go on");
  return ResultOf(command.device_id());
}

}  // namespace muster::server
