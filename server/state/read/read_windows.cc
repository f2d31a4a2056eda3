// Reads maintenance windows, by the function that apply uses: both must see the same.
#include "server/state/apply/windows.h"
#include "server/state/sqlite_state.h"

namespace muster::server {

std::vector<MaintenanceWindow> SqliteState::ListWindows(OrganizationId organization) const {
  auto db = readers_.Get();
  return ReadWindows(*db, organization.value, [](const MaintenanceWindow&) { return true; });
}

}  // namespace muster::server
