// A router that an operator wants to hear often for a while.
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/job_queue.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

constexpr uint32_t kMostSeconds = 300;

}  // namespace

ApplyResult Apply(ApplyContext& context, const internal::v1::RequestFastBeats& command) {
  if (command.seconds() == 0 || command.seconds() > kMostSeconds) return Malformed("seconds");
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  const std::vector<uint16_t> edges = EdgesFor(context, device->row);
  if (edges.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no edge hears device ", FormatId(command.device_id())));
  }
  for (const uint16_t edge : edges) {
    context.Changed({.kind = ChangeKind::kFastBeats,
                     .device = DeviceId{command.device_id()},
                     .number = command.seconds(),
                     .edge = context.edges.Get(edge).id});
  }
  AuditDevice(context, device->core,
              absl::StrCat("asked it to beat fast for ", command.seconds(), " s"));
  return ResultOf(command.device_id());
}

}  // namespace muster::server
