// Maintenance windows of an organization: when jobs may start on which devices.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables; changes wait until they are applied.
// Errors:   InvalidArgument for a name, times or a zone that can't be; NotFound.
// Example:  tests/api/window_service_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/devices/device_directory.h"
#include "server/state/state.h"

namespace muster::server {

class WindowBook {
 public:
  WindowBook(const State& state, CommandLog& log, const DeviceDirectory& devices)
      : state_(state), log_(log), devices_(devices) {}

  // Makes it or replaces it; answers it as it is. Of `window` all but the intervals counts: those
  // are worked out here, since apply knows no time zones. Numbers that were given by an earlier
  // window stay good until it would have closed.
  absl::StatusOr<MaintenanceWindow> Set(const OrganizationScope& scope, const AuditedCall& call,
                                        const MaintenanceWindow& window);
  // By name.
  std::vector<MaintenanceWindow> List(const OrganizationScope& scope) const;
  absl::Status Delete(const OrganizationScope& scope, const AuditedCall& call,
                      const std::string& name);

  // Proposes later intervals for every window that has less than 3 weeks left, in all
  // organizations. A window without intervals is closed: were nobody to call this for 6 weeks, jobs
  // would wait.
  void RenewAll();

 private:
  const State& state_;
  CommandLog& log_;
  const DeviceDirectory& devices_;
};

}  // namespace muster::server
