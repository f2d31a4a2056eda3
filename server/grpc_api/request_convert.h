// What requests of muster.v1 say, as plain values.
//
// Only the form is judged here: that a time is a time, that a name is of this organization. What a
// value may be (lengths, labels, a filter that parses) the rules judge, for every way in.
//
// Threads:  pure functions.
// Errors:   InvalidArgument, naming the field.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "muster/v1/agent_service.pb.h"
#include "muster/v1/device_service.pb.h"
#include "muster/v1/job_service.pb.h"
#include "server/access/organization_scope.h"
#include "server/devices/device_directory.h"
#include "server/jobs/agent_rollout.h"
#include "server/jobs/job_board.h"

namespace muster::server {

// Microseconds since 1970; 1970 to 9999.
absl::StatusOr<int64_t> ReadTime(absl::string_view field, const google::protobuf::Timestamp& time);
// Zero or more.
absl::StatusOr<absl::Duration> ReadDuration(absl::string_view field,
                                            const google::protobuf::Duration& duration);

// By the update mask: display_name, notes, site, labels and labels.KEY.
absl::StatusOr<DeviceEdit> ReadDeviceEdit(const v1::UpdateDeviceRequest& request);

// `scope` must be that of the parent; a device of another organization is NotFound.
absl::StatusOr<NewJob> ReadNewJob(const OrganizationScope& scope,
                                  const v1::CreateJobRequest& request);
// The same for a job of the scope that is to run again, and for new agents; waves that are not
// given stay unset, so that the rule chooses.
absl::StatusOr<Rerun> ReadRerun(const OrganizationScope& scope, const v1::RerunJobRequest& request);
absl::StatusOr<AgentUpgrade> ReadAgentUpgrade(const v1::UpgradeAgentsRequest& request);
absl::StatusOr<State::EventQuery> ReadEventQuery(const OrganizationScope& scope,
                                                 const v1::ListDeviceEventsRequest& request);
// What narrows a list of jobs; a device of another organization is NotFound.
absl::StatusOr<State::JobQuery> ReadJobQuery(const OrganizationScope& scope,
                                             const v1::ListJobsRequest& request);

// The id of a device or job ("devices", "jobs") of the scope; none where `text` is empty.
absl::StatusOr<uint64_t> ReadOptionalId(const OrganizationScope& scope, absl::string_view field,
                                        absl::string_view text, absl::string_view collection);

}  // namespace muster::server
