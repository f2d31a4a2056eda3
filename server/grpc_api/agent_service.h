// muster.v1.AgentService.
//
// Shows which agent text the routers run, and brings them another one. A handler here converts and
// asks; who is behind, and which devices an upgrade takes, is decided by AgentRollout.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   counting looks at each device of the organization; an upgrade waits for its entry.
// Errors:   as AgentRollout; what the gate refuses (gate.h).
// Example:  tests/api/agent_service_test.cc.
#pragma once

#include "muster/v1/agent_service.grpc.pb.h"
#include "server/grpc_api/gate.h"
#include "server/jobs/agent_rollout.h"

namespace muster::server {

class AgentGrpcService final : public v1::AgentService::Service {
 public:
  AgentGrpcService(const Gate& gate, AgentRollout& rollout) : gate_(gate), rollout_(rollout) {}

  // Counts the devices by the agent that they report, those that never reported included.
  grpc::Status ListAgents(grpc::ServerContext* context, const v1::ListAgentsRequest* request,
                          v1::ListAgentsResponse* response) override;
  // Makes the job that brings this installation's agent. The answer comes when the job is there,
  // not when routers have the agent. A repetition under the same request id answers the same job.
  grpc::Status UpgradeAgents(grpc::ServerContext* context, const v1::UpgradeAgentsRequest* request,
                             v1::UpgradeAgentsResponse* response) override;

 private:
  const Gate& gate_;
  AgentRollout& rollout_;
};

}  // namespace muster::server
