// muster.v1.ScriptService and SecretService.
//
// The script library, and the secrets that scripts may name. Two services, since they promise
// opposite things: a script is shown again, a secret never.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied.
// Errors:   as ScriptLibrary; what the gate refuses (gate.h).
// Example:  tests/api/script_service_test.cc, secrets_test.cc.
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

  // Makes a script. AlreadyExists where the name is taken, so that nobody's is replaced unawares.
  grpc::Status CreateScript(grpc::ServerContext* context, const v1::CreateScriptRequest* request,
                            v1::CreateScriptResponse* response) override;
  // Answers a script with the variables and secrets that it names; viewers get neither text nor
  // those.
  grpc::Status GetScript(grpc::ServerContext* context, const v1::GetScriptRequest* request,
                         v1::GetScriptResponse* response) override;
  // Lists scripts by name, without their text: a library may hold megabytes.
  grpc::Status ListScripts(grpc::ServerContext* context, const v1::ListScriptsRequest* request,
                           v1::ListScriptsResponse* response) override;
  // Replaces text and description. Jobs that were made with it keep the text that they were made
  // with.
  grpc::Status UpdateScript(grpc::ServerContext* context, const v1::UpdateScriptRequest* request,
                            v1::UpdateScriptResponse* response) override;
  // Takes it out of the library; jobs that were made with it go on.
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

  // Makes a secret or replaces its value. A job takes the value when it is put at
  // an edge; the text that is kept of it never holds one.
  grpc::Status SetSecret(grpc::ServerContext* context, const v1::SetSecretRequest* request,
                         v1::SetSecretResponse* response) override;
  // Lists names and times: all that is ever answered.
  grpc::Status ListSecrets(grpc::ServerContext* context, const v1::ListSecretsRequest* request,
                           v1::ListSecretsResponse* response) override;
  // Forgets a secret. FailedPrecondition while a job that has not ended needs it.
  grpc::Status DeleteSecret(grpc::ServerContext* context, const v1::DeleteSecretRequest* request,
                            v1::DeleteSecretResponse* response) override;

 private:
  const Gate& gate_;
  const PageTokens& tokens_;
  ScriptLibrary& library_;
};

}  // namespace muster::server
