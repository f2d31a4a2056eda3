// The routers of one organization: finding, listing and changing what an operator may change.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `state` and `log` must outlive this object.
// Blocks:   on the state's tables; changes wait until they are applied. Filters over the status
//           alone are judged in memory (about 0.3 us a device), others read each device that the
//           status leaves open. A list in another order than by id reads all that match for each
//           page.
// Errors:   NotFound for a device of another organization, as for one that never was;
//           InvalidArgument for values outside of the limits; what the log says of a change.
// Example:  tests/api/device_service_test.cc.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/devices/diagnosis.h"
#include "server/filter/filter.h"
#include "server/filter/order.h"
#include "server/state/state.h"

namespace muster::server {

// InvalidArgument unless these are at most 4 URLs that an agent could post to. Strict, because they
// stand inside script text on every router.
absl::Status CheckAgentUrls(absl::string_view field, const std::vector<std::string>& urls);

struct DeviceQuery {
  Filter filter;
  bool show_deleted = false;
  // None: from the first. For the order by id, which an empty `order` means.
  DeviceId after;
  size_t limit = 100;
  // Over DeviceOrderFields(). `after_key` is an earlier page's `next_key`.
  Order order;
  std::string after_key;
};

// What devices can be ordered by.
const std::vector<absl::string_view>& DeviceOrderFields();

struct DevicePage {
  std::vector<Device> devices;
  // None: this was the last page.
  DeviceId next;
  // The same where there is an order; empty: this was the last page.
  std::string next_key;
  // How many match in all.
  size_t total = 0;
};

// Only what is set is changed.
struct DeviceEdit {
  std::string expected_etag;
  std::optional<std::string> display_name;
  std::optional<std::string> notes;
  std::optional<std::string> site;
  std::optional<std::map<std::string, std::string>> all_labels;
  std::map<std::string, std::string> set_labels;
  std::vector<std::string> remove_labels;
  // Lets jobs that wait for an operator go on.
  bool release_hold = false;
};

class DeviceDirectory {
 public:
  DeviceDirectory(const State& state, CommandLog& log) : state_(state), log_(log) {}

  // Answers a device; tombstones too, so that operators see what became of it.
  absl::StatusOr<Device> Get(const OrganizationScope& scope, DeviceId id) const;
  // Lists the newest events first; none of a device of another organization.
  std::vector<DeviceEvent> RecentEvents(const OrganizationScope& scope, const Device& device,
                                        size_t limit) const;
  // Of all devices, newest first; `before` is the place of an earlier page's last event.
  std::vector<DeviceEvent> ListEvents(const OrganizationScope& scope,
                                      const State::EventQuery& query, uint64_t before,
                                      size_t limit) const;
  // What a device is called: its display name, else its identity, else its id.
  std::string TitleOf(DeviceId id) const;
  // All that a diagnosis looks at; tombstones too. Asks the edge, which gets 3 s.
  absl::StatusOr<DiagnosisFacts> Examine(const OrganizationScope& scope, DeviceId id,
                                         const ContactAsker& ask_contacts) const;
  // Answers one page and how many match in all, as of now. Ids never change, so by id the pages
  // miss nobody who matches all the while; in another order a device whose key changes meanwhile
  // may come twice or not at all.
  absl::StatusOr<DevicePage> List(const OrganizationScope& scope, const DeviceQuery& query) const;
  // What a job is for, as its maker said; empty for an unknown one.
  std::string DescriptionOf(JobId job) const;
  // Calls `visit` for each live device that matches, in order of id; false from it ends the scan.
  void VisitMatches(const OrganizationScope& scope, const Filter& filter,
                    const std::function<bool(const Device&)>& visit) const;

  // Aborted where an expected etag is given and is not the device's. With call.validate_only they
  // answer what would be there, and change nothing.
  // Update answers the device as it is afterwards; a repetition under the same request id too.
  // Delete makes a tombstone: its jobs end, its token is refused.
  absl::StatusOr<Device> Update(const OrganizationScope& scope, const AuditedCall& call,
                                DeviceId id, const DeviceEdit& edit);
  absl::StatusOr<Device> Delete(const OrganizationScope& scope, const AuditedCall& call,
                                DeviceId id, absl::string_view expected_etag);

  // Has the router beat every 2 s for `seconds` (2 to 300) from its next beat on; answers when that
  // is expected, in microseconds. FailedPrecondition where it is not online or can't.
  absl::StatusOr<int64_t> RequestFastBeats(const OrganizationScope& scope, const AuditedCall& call,
                                           DeviceId id, absl::Duration duration);

 private:
  absl::StatusOr<Device> Find(const OrganizationScope& scope, DeviceId id) const;
  DevicePage ListLive(const OrganizationScope& scope, const DeviceQuery& query) const;
  // The ids that match, ascending, where the status alone decides that; else nullopt.
  std::optional<std::vector<DeviceId>> MatchByStatus(const OrganizationScope& scope,
                                                     const Filter& filter) const;
  DevicePage ListOrdered(const OrganizationScope& scope, const DeviceQuery& query) const;
  DevicePage ListAll(const OrganizationScope& scope, const DeviceQuery& query) const;

  const State& state_;
  CommandLog& log_;
};

// InvalidArgument, naming `field`, for a key that is not [A-Za-z0-9] and [A-Za-z0-9_./-] up to 63
// characters, a value above 256 characters, or more than 64 labels.
absl::Status CheckLabels(absl::string_view field, const std::map<std::string, std::string>& labels);
// InvalidArgument, naming `field`, for more than `limit` bytes or control characters.
absl::Status CheckText(absl::string_view field, absl::string_view text, size_t limit,
                       bool line_breaks);

}  // namespace muster::server
