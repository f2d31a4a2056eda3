// Which role each method needs. viewer: looks, sees no script text and no secret. operator: changes
// devices, claims, jobs, scripts. admin: keys, windows, what takes a router away, the audit.
// platform: organizations, edges, and what crosses organizations.
#include "server/access/method_rules.h"

#include <array>

namespace muster::server {
namespace {

struct MethodRule {
  absl::string_view method;
  Role least_role;
};

// A walk over some fifty rows a call is nothing beside the call. A test walks the services and
// wants a row for each method.
constexpr std::array<MethodRule, 65> kRules = {{
    {"muster.v1.OrganizationService/CreateOrganization", Role::kPlatform},
    {"muster.v1.OrganizationService/ListOrganizations", Role::kViewer},
    {"muster.v1.OrganizationService/UpdateOrganization", Role::kAdmin},
    {"muster.v1.ApiKeyService/CreateApiKey", Role::kAdmin},
    {"muster.v1.ApiKeyService/ListApiKeys", Role::kAdmin},
    {"muster.v1.ApiKeyService/RevokeApiKey", Role::kAdmin},
    {"muster.v1.DeviceService/GetDevice", Role::kViewer},
    {"muster.v1.DeviceService/ListDevices", Role::kViewer},
    {"muster.v1.DeviceService/UpdateDevice", Role::kOperator},
    {"muster.v1.DeviceService/DeleteDevice", Role::kAdmin},
    {"muster.v1.DeviceService/WatchDevices", Role::kViewer},
    {"muster.v1.DeviceIdentityService/AcceptDevice", Role::kOperator},
    {"muster.v1.DeviceIdentityService/AcceptDeviceIdentity", Role::kOperator},
    {"muster.v1.DeviceIdentityService/ResyncDevice", Role::kOperator},
    {"muster.v1.DeviceIdentityService/MoveDevice", Role::kPlatform},
    {"muster.v1.DeviceIdentityService/ReleaseDevice", Role::kAdmin},
    {"muster.v1.DeviceIdentityService/PreviewDevice", Role::kViewer},
    {"muster.v1.DeviceIdentityService/RotateDeviceToken", Role::kAdmin},
    {"muster.v1.DeviceIdentityService/RevokeDeviceToken", Role::kAdmin},
    {"muster.v1.DeviceIdentityService/SetDeviceProfile", Role::kOperator},
    {"muster.v1.DeviceIdentityService/SetDeviceUrls", Role::kOperator},
    {"muster.v1.DeviceIdentityService/ImportPreregistrations", Role::kOperator},
    {"muster.v1.DeviceIdentityService/ListPreregistrations", Role::kViewer},
    {"muster.v1.DeviceIdentityService/DeletePreregistration", Role::kOperator},
    {"muster.v1.DeviceService/DiagnoseDevice", Role::kViewer},
    {"muster.v1.DeviceService/ListDeviceEvents", Role::kViewer},
    {"muster.v1.DeviceService/RequestFastBeats", Role::kOperator},
    {"muster.v1.ClaimService/CreateClaim", Role::kOperator},
    {"muster.v1.ClaimService/ListClaims", Role::kViewer},
    {"muster.v1.ClaimService/DeleteClaim", Role::kOperator},
    {"muster.v1.JobService/CreateJob", Role::kOperator},
    {"muster.v1.JobService/GetJob", Role::kViewer},
    {"muster.v1.JobService/ListJobs", Role::kViewer},
    {"muster.v1.JobService/ListJobTargets", Role::kViewer},
    {"muster.v1.JobService/CancelJob", Role::kOperator},
    {"muster.v1.JobService/RerunJob", Role::kOperator},
    {"muster.v1.JobService/ReleaseJobs", Role::kOperator},
    {"muster.v1.JobService/CancelDeviceJobs", Role::kOperator},
    {"muster.v1.JobService/WatchJob", Role::kViewer},
    {"muster.v1.AgentService/ListAgents", Role::kViewer},
    {"muster.v1.AgentService/UpgradeAgents", Role::kOperator},
    {"muster.v1.WindowService/SetWindow", Role::kAdmin},
    {"muster.v1.WindowService/ListWindows", Role::kViewer},
    {"muster.v1.WindowService/DeleteWindow", Role::kAdmin},
    {"muster.v1.ScriptService/CreateScript", Role::kOperator},
    {"muster.v1.ScriptService/GetScript", Role::kViewer},
    {"muster.v1.ScriptService/ListScripts", Role::kViewer},
    {"muster.v1.ScriptService/UpdateScript", Role::kOperator},
    {"muster.v1.ScriptService/DeleteScript", Role::kOperator},
    {"muster.v1.SecretService/SetSecret", Role::kOperator},
    {"muster.v1.SecretService/ListSecrets", Role::kOperator},
    {"muster.v1.SecretService/DeleteSecret", Role::kOperator},
    {"muster.v1.EdgeAdminService/CreateEdge", Role::kPlatform},
    {"muster.v1.EdgeAdminService/ListEdges", Role::kPlatform},
    {"muster.v1.EdgeAdminService/RevokeEdge", Role::kPlatform},
    {"muster.v1.RouterRootService/ListRouterRoots", Role::kPlatform},
    {"muster.v1.RouterRootService/CreateRouterRoot", Role::kPlatform},
    {"muster.v1.RouterRootService/ActivateRouterRoot", Role::kPlatform},
    {"muster.v1.RouterRootService/RetireRouterRoot", Role::kPlatform},
    {"muster.v1.ClusterService/GetClusterStatus", Role::kPlatform},
    {"muster.v1.ClusterService/FinalizeUpgrade", Role::kPlatform},
    {"muster.v1.ClusterService/RemoveNode", Role::kPlatform},
    {"muster.v1.ClusterService/CreateJoinToken", Role::kPlatform},
    {"muster.v1.AuditService/ListAuditEntries", Role::kAdmin},
    {"muster.v1.AuditService/VerifyAudit", Role::kPlatform},
}};

}  // namespace

std::optional<Role> LeastRoleFor(absl::string_view method) {
  for (const MethodRule& rule : kRules) {
    if (rule.method == method) return rule.least_role;
  }
  return std::nullopt;
}

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
    case Role::kPlatform:
      return "platform";
  }
  return "unknown";
}

}  // namespace muster::server
