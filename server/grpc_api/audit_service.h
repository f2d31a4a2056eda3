// muster.v1.AuditService.
#pragma once

#include "muster/v1/audit_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/grpc_api/gate.h"
#include "server/state/state.h"

namespace muster::server {

class AuditGrpcService final : public v1::AuditService::Service {
 public:
  AuditGrpcService(const Gate& gate, const PageTokens& tokens, const State& state)
      : gate_(gate), tokens_(tokens), state_(state) {}

  grpc::Status ListAuditEntries(grpc::ServerContext* context,
                                const v1::ListAuditEntriesRequest* request,
                                v1::ListAuditEntriesResponse* response) override;
  grpc::Status VerifyAudit(grpc::ServerContext* context, const v1::VerifyAuditRequest* request,
                           v1::VerifyAuditResponse* response) override;

 private:
  absl::Status List(const ApiCall& call, const v1::ListAuditEntriesRequest& request,
                    v1::ListAuditEntriesResponse* response) const;
  void Verify(v1::VerifyAuditResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const State& state_;
};

}  // namespace muster::server
