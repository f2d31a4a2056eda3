// muster.v1.AgentService.
#pragma once

#include "muster/v1/agent_service.grpc.pb.h"
#include "server/grpc_api/gate.h"
#include "server/jobs/agent_rollout.h"

namespace muster::server {

class AgentGrpcService final : public v1::AgentService::Service {
 public:
  AgentGrpcService(const Gate& gate, AgentRollout& rollout) : gate_(gate), rollout_(rollout) {}

  grpc::Status ListAgents(grpc::ServerContext* context, const v1::ListAgentsRequest* request,
                          v1::ListAgentsResponse* response) override;
  grpc::Status UpgradeAgents(grpc::ServerContext* context, const v1::UpgradeAgentsRequest* request,
                             v1::UpgradeAgentsResponse* response) override;

 private:
  const Gate& gate_;
  AgentRollout& rollout_;
};

}  // namespace muster::server
