// Records of the state as messages of muster.v1.
//
// The other way, requests into values, is request_convert.h. Nothing here decides what a caller may
// see: the rules have emptied what is not for the caller (script text for viewers, say) before a
// record comes here.
//
// Text that routers wrote is cleaned where a message carries it as a sentence or an output (event,
// error, output, wait reason), so that no client needs a cleaner of its own; facts were cleaned
// when the edge read the heartbeat.
//
// Threads:  pure functions.
#pragma once

#include "absl/strings/string_view.h"
#include "google/protobuf/timestamp.pb.h"
#include "muster/v1/api_key_service.pb.h"
#include "muster/v1/audit_service.pb.h"
#include "muster/v1/edge_admin_service.pb.h"
#include "muster/v1/resources.pb.h"
#include "server/administration/edge_registry.h"
#include "server/jobs/job_board.h"
#include "server/state/records.h"

namespace muster::server {

// Microseconds since 1970, which may be negative. Fields of messages stay absent for 0, the state's
// word for "never"; this function does not make that difference.
google::protobuf::Timestamp ToTimestamp(int64_t time_us);

v1::Organization ToMessage(const Organization& organization);
// `organization_slug` is empty for the role platform.
v1::ApiKey ToMessage(const ApiKey& key, absl::string_view organization_slug);
v1::Preregistration ToMessage(const Preregistration& row);
// With the last check-in's figures; recent_events stays empty. A figure that the router did not say
// stays absent: never a zero.
v1::Device ToMessage(const Device& device, absl::string_view organization_slug);
v1::DeviceEvent ToMessage(const DeviceEvent& event);
// Without the claim's text: the state keeps only its hash.
v1::Claim ToMessage(const Claim& claim, absl::string_view organization_slug);
// A job without an id, as validate_only answers it, gets no name.
v1::Job ToMessage(const Job& job, absl::string_view organization_slug);
// Its device_title is what the organization calls the device, or the id where it has moved to
// another, whose names are not this one's to see.
v1::JobTarget ToMessage(const JobTargetRow& row, absl::string_view organization_slug);
// Whether an edge is connected depends on how old its watermark is, hence `state_time`.
v1::Edge ToMessage(const Edge& edge, absl::Time state_time);
// `log_id` is 16 bytes, shown as hex. organization_id goes out beside the name, since the hash
// chain is over the id and must be checkable after a rename or without the organization.
v1::AuditEntry ToMessage(const AuditEntry& entry, absl::string_view log_id,
                         absl::string_view organization_slug);

}  // namespace muster::server
