// A call of this service only reads or makes a job like any other: there is no second way by which
// text comes to routers, so windows, waves and the audit hold for agents too.
#include "server/grpc_api/agent_service.h"

#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/request_convert.h"

namespace muster::server {
namespace {

constexpr char kList[] = "muster.v1.AgentService/ListAgents";
constexpr char kUpgrade[] = "muster.v1.AgentService/UpgradeAgents";

}  // namespace

grpc::Status AgentGrpcService::ListAgents(grpc::ServerContext* context,
                                          const v1::ListAgentsRequest* request,
                                          v1::ListAgentsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    // Counted in one scan with the rows, so that sum and rows can't disagree.
    uint32_t behind = 0;
    ASSIGN_OR_RETURN(const std::vector<AgentCount> counts, rollout_.Count(scope));
    for (const AgentCount& count : counts) {
      v1::AgentCount& row = *response->add_agents();
      row.set_agent(count.agent);
      row.set_device_count(static_cast<int32_t>(count.devices));
      row.set_online_count(static_cast<int32_t>(count.online));
      row.set_behind_count(static_cast<int32_t>(count.behind));
      behind += count.behind;
    }
    // Beside the counts, since "behind" means nothing without what it is compared with.
    response->set_current_version(AgentRollout::CurrentVersion());
    response->set_behind_count(static_cast<int32_t>(behind));
    return absl::OkStatus();
  });
}

grpc::Status AgentGrpcService::UpgradeAgents(grpc::ServerContext* context,
                                             const v1::UpgradeAgentsRequest* request,
                                             v1::UpgradeAgentsResponse* response) {
  return gate_.Run(*context, kUpgrade, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    // Waves that the request leaves out stay unset here: the rollout chooses careful ones, where a
    // job without any would go to all devices at once.
    ASSIGN_OR_RETURN(const AgentUpgrade upgrade, ReadAgentUpgrade(*request));
    ASSIGN_OR_RETURN(const Job job,
                     rollout_.Upgrade(scope, call.audited(), upgrade, request->validate_only()));
    *response->mutable_job() = ToMessage(job, scope.slug());
    return absl::OkStatus();
  });
}

}  // namespace muster::server
