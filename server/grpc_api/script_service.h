// muster.v1.ScriptService and SecretService.
#pragma once

#include "muster/v1/script_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/grpc_api/gate.h"
#include "server/jobs/script_library.h"

namespace muster::server {

class ScriptGrpcService final : public v1::ScriptService::Service {
 public:
  ScriptGrpcService(const Gate& gate, const PageTokens& tokens, ScriptLibrary& library)
      : gate_(gate), tokens_(tokens), library_(library) {}

  grpc::Status CreateScript(grpc::ServerContext* context, const v1::CreateScriptRequest* request,
                            v1::CreateScriptResponse* response) override;
  grpc::Status GetScript(grpc::ServerContext* context, const v1::GetScriptRequest* request,
                         v1::GetScriptResponse* response) override;
  grpc::Status ListScripts(grpc::ServerContext* context, const v1::ListScriptsRequest* request,
                           v1::ListScriptsResponse* response) override;
  grpc::Status UpdateScript(grpc::ServerContext* context, const v1::UpdateScriptRequest* request,
                            v1::UpdateScriptResponse* response) override;
  grpc::Status DeleteScript(grpc::ServerContext* context, const v1::DeleteScriptRequest* request,
                            v1::DeleteScriptResponse* response) override;

 private:
  const Gate& gate_;
  const PageTokens& tokens_;
  ScriptLibrary& library_;
};

// Values of secrets come in and never go out again.
class SecretGrpcService final : public v1::SecretService::Service {
 public:
  SecretGrpcService(const Gate& gate, const PageTokens& tokens, ScriptLibrary& library)
      : gate_(gate), tokens_(tokens), library_(library) {}

  grpc::Status SetSecret(grpc::ServerContext* context, const v1::SetSecretRequest* request,
                         v1::SetSecretResponse* response) override;
  grpc::Status ListSecrets(grpc::ServerContext* context, const v1::ListSecretsRequest* request,
                           v1::ListSecretsResponse* response) override;
  grpc::Status DeleteSecret(grpc::ServerContext* context, const v1::DeleteSecretRequest* request,
                            v1::DeleteSecretResponse* response) override;

 private:
  const Gate& gate_;
  const PageTokens& tokens_;
  ScriptLibrary& library_;
};

}  // namespace muster::server
