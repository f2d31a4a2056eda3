// muster.v1.AuditService.
//
// Shows who changed what, and checks that nobody changed the record of it.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   on the state's tables; VerifyAudit reads every entry of the installation, in pieces.
// Errors:   PermissionDenied for the audit of all organizations without the role platform; what
//           the gate refuses (gate.h).
// Example:  tests/api/api_depth_test.cc; docs/api.md has the bytes that the chain is over.
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

  // Lists entries of one organization, or of all where no parent is named; newest first unless
  // asked else. Entries that are written meanwhile don't move the pages: the cursor is a sequence.
  grpc::Status ListAuditEntries(grpc::ServerContext* context,
                                const v1::ListAuditEntriesRequest* request,
                                v1::ListAuditEntriesResponse* response) override;
  // Computes the hash chain again over what is stored. Answers Ok for a broken chain too, with the
  // first entry that is not whole: finding one is a result, not a failure of the call.
  grpc::Status VerifyAudit(grpc::ServerContext* context, const v1::VerifyAuditRequest* request,
                           v1::VerifyAuditResponse* response) override;

 private:
  // The bodies of the two, behind the gate.
  absl::Status List(const ApiCall& call, const v1::ListAuditEntriesRequest& request,
                    v1::ListAuditEntriesResponse* response) const;
  absl::Status Verify(const grpc::ServerContext& context, v1::VerifyAuditResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const State& state_;
};

}  // namespace muster::server
