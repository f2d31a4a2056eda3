// muster.v1.ApiKeyService.
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

  grpc::Status CreateApiKey(grpc::ServerContext* context, const v1::CreateApiKeyRequest* request,
                            v1::CreateApiKeyResponse* response) override;
  grpc::Status ListApiKeys(grpc::ServerContext* context, const v1::ListApiKeysRequest* request,
                           v1::ListApiKeysResponse* response) override;
  grpc::Status RevokeApiKey(grpc::ServerContext* context, const v1::RevokeApiKeyRequest* request,
                            v1::RevokeApiKeyResponse* response) override;

 private:
  absl::Status ListOrdered(const ApiCall& call, OrganizationId organization, const Order& order,
                           const Page& page, const PageBinding& binding,
                           v1::ListApiKeysResponse* response) const;

  v1::ApiKey Show(const ApiKey& key) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const State& state_;
  KeyRing& keys_;
};

}  // namespace muster::server
