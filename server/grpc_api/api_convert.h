// Records of the state as messages of muster.v1.
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

google::protobuf::Timestamp ToTimestamp(int64_t time_us);

v1::Organization ToMessage(const Organization& organization);
// `organization_slug` is empty for the role platform.
v1::ApiKey ToMessage(const ApiKey& key, absl::string_view organization_slug);
v1::Preregistration ToMessage(const Preregistration& row);
v1::Device ToMessage(const Device& device, absl::string_view organization_slug);
v1::DeviceEvent ToMessage(const DeviceEvent& event);
v1::Claim ToMessage(const Claim& claim, absl::string_view organization_slug);
v1::Job ToMessage(const Job& job, absl::string_view organization_slug);
v1::JobTarget ToMessage(const TargetRow& row, absl::string_view organization_slug);
v1::Edge ToMessage(const Edge& edge, absl::Time state_time);
v1::AuditEntry ToMessage(const AuditEntry& entry, absl::string_view log_id,
                         absl::string_view organization_slug);

}  // namespace muster::server
