// muster.v1.ApiKeyService.
//
// Makes, lists and revokes the keys of the API. Organizations are named in the request and not in a
// parent, since keys of the role platform belong to none.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied.
// Errors:   as KeyRing; what the gate refuses (gate.h).
// Example:  tests/api/administration_service_test.cc.
#pragma once

#include "muster/v1/api_key_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/administration/key_ring.h"
#include "server/filter/order.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/paging.h"

namespace muster::server {

class ApiKeyGrpcService final : public v1::ApiKeyService::Service {
 public:
  ApiKeyGrpcService(const Gate& gate, const PageTokens& tokens, const State& state, KeyRing& keys)
      : gate_(gate), tokens_(tokens), state_(state), keys_(keys) {}

  // Makes a key and answers its text, the only time that it can be read; a repetition under the
  // same request id gives the same text for 10 minutes.
  grpc::Status CreateApiKey(grpc::ServerContext* context, const v1::CreateApiKeyRequest* request,
                            v1::CreateApiKeyResponse* response) override;
  // Lists the keys of one organization, or, for the role platform, all. Revoked and expired ones
  // stay in the list, so that the audit's actors can be told.
  grpc::Status ListApiKeys(grpc::ServerContext* context, const v1::ListApiKeysRequest* request,
                           v1::ListApiKeysResponse* response) override;
  // Ends a key at once; streams that it opened end within 5 s. Repeating is harmless.
  grpc::Status RevokeApiKey(grpc::ServerContext* context, const v1::RevokeApiKeyRequest* request,
                            v1::RevokeApiKeyResponse* response) override;

 private:
  // The list in the order that the request asks for; reads all keys for each page (ordered_list.h).
  absl::Status ListOrdered(const ApiCall& call, OrganizationId organization, const Order& order,
                           const Page& page, const PageBinding& binding,
                           v1::ListApiKeysResponse* response) const;

  // With the organization's slug, which the record does not hold.
  v1::ApiKey Show(const ApiKey& key) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const State& state_;
  KeyRing& keys_;
};

}  // namespace muster::server
