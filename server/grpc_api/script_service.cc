// Two services over one library, since a secret is of use only inside a script. What is never
// answered can't leak by a handler's mistake: SecretRecord has no value in it.
#include "server/grpc_api/script_service.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/paging.h"
#include "server/jobs/job_template.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.ScriptService/CreateScript";
constexpr char kGet[] = "muster.v1.ScriptService/GetScript";
constexpr char kList[] = "muster.v1.ScriptService/ListScripts";
constexpr char kUpdate[] = "muster.v1.ScriptService/UpdateScript";
constexpr char kDelete[] = "muster.v1.ScriptService/DeleteScript";
constexpr char kSetSecret[] = "muster.v1.SecretService/SetSecret";
constexpr char kListSecrets[] = "muster.v1.SecretService/ListSecrets";
constexpr char kDeleteSecret[] = "muster.v1.SecretService/DeleteSecret";

v1::Script ToMessage(const LibraryScript& script, absl::string_view slug) {
  v1::Script out;
  out.set_name(absl::StrCat("organizations/", slug, "/scripts/", script.name));
  out.set_body(script.body);
  out.set_description(script.description);
  *out.mutable_create_time() = ToTimestamp(script.create_time_us);
  *out.mutable_update_time() = ToTimestamp(script.update_time_us);
  // Read anew each time: what a script wants is in its text, and a second record of it could go out
  // of date. A text that does not parse can't have got in; for viewers the text is empty, and so is
  // this.
  const auto wanted = JobTemplate::Read(script.body);
  if (!wanted.ok()) return out;
  for (const auto& [name, in_word] : wanted->variables()) out.add_variables(name);
  for (const std::string& name : wanted->secrets()) out.add_secrets(name);
  return out;
}

// The sealed value stays in the state; it is opened only where a job goes to an edge.
v1::Secret ToMessage(const SecretRecord& secret, absl::string_view slug) {
  v1::Secret out;
  out.set_name(absl::StrCat("organizations/", slug, "/secrets/", secret.name));
  *out.mutable_create_time() = ToTimestamp(secret.create_time_us);
  *out.mutable_update_time() = ToTimestamp(secret.update_time_us);
  return out;
}

}  // namespace

grpc::Status ScriptGrpcService::CreateScript(grpc::ServerContext* context,
                                             const v1::CreateScriptRequest* request,
                                             v1::CreateScriptResponse* response) {
  return gate_.Run(*context, kCreate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    LibraryScript script;
    // Chosen by the client (AIP-133), for people type it: job run --script-name ntp.
    script.name = request->script_id();
    script.body = request->script().body();
    script.description = request->script().description();
    // false: it must not be there yet; true, below: it must.
    ASSIGN_OR_RETURN(const LibraryScript made, library_.Set(scope, call.audited(), script, false));
    *response->mutable_script() = ToMessage(made, slug);
    return absl::OkStatus();
  });
}

grpc::Status ScriptGrpcService::GetScript(grpc::ServerContext* context,
                                          const v1::GetScriptRequest* request,
                                          v1::GetScriptResponse* response) {
  return gate_.Run(*context, kGet, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const NamedChild name, ParseNamedChild("name", request->name(), "scripts"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    ASSIGN_OR_RETURN(const LibraryScript script, library_.Get(scope, name.name));
    *response->mutable_script() = ToMessage(script, scope.slug());
    return absl::OkStatus();
  });
}

grpc::Status ScriptGrpcService::ListScripts(grpc::ServerContext* context,
                                            const v1::ListScriptsRequest* request,
                                            v1::ListScriptsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    const PageBinding binding{kList, scope.id().value, ""};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    // The cursor is the last name: what the list is ordered by. Rows come without text.
    std::vector<LibraryScript> rows = library_.List(scope, page.cursor, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const LibraryScript& row : rows) *response->add_scripts() = ToMessage(row, slug);
    if (more) response->set_next_page_token(tokens_.Seal(binding, rows.back().name));
    return absl::OkStatus();
  });
}

// Without mask and etag: a script has two fields, both are replaced, and the last writer wins.
grpc::Status ScriptGrpcService::UpdateScript(grpc::ServerContext* context,
                                             const v1::UpdateScriptRequest* request,
                                             v1::UpdateScriptResponse* response) {
  return gate_.Run(*context, kUpdate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const NamedChild name,
                     ParseNamedChild("script.name", request->script().name(), "scripts"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    LibraryScript script;
    script.name = name.name;
    script.body = request->script().body();
    script.description = request->script().description();
    ASSIGN_OR_RETURN(const LibraryScript now, library_.Set(scope, call.audited(), script, true));
    *response->mutable_script() = ToMessage(now, scope.slug());
    return absl::OkStatus();
  });
}

grpc::Status ScriptGrpcService::DeleteScript(grpc::ServerContext* context,
                                             const v1::DeleteScriptRequest* request,
                                             v1::DeleteScriptResponse*) {
  return gate_.Run(*context, kDelete, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const NamedChild name, ParseNamedChild("name", request->name(), "scripts"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    return library_.Delete(scope, call.audited(), name.name);
  });
}

grpc::Status SecretGrpcService::SetSecret(grpc::ServerContext* context,
                                          const v1::SetSecretRequest* request,
                                          v1::SetSecretResponse* response) {
  return gate_.Run(*context, kSetSecret, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const NamedChild name, ParseNamedChild("name", request->name(), "secrets"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    // Out of the request into a Secret, which clears its memory and has no way into a log.
    ASSIGN_OR_RETURN(const SecretRecord secret, library_.SetSecret(scope, call.audited(), name.name,
                                                                   Secret(request->value())));
    *response->mutable_secret() = ToMessage(secret, scope.slug());
    return absl::OkStatus();
  });
}

// For operators and above: names alone can tell a viewer more than the organization wants.
grpc::Status SecretGrpcService::ListSecrets(grpc::ServerContext* context,
                                            const v1::ListSecretsRequest* request,
                                            v1::ListSecretsResponse* response) {
  return gate_.Run(*context, kListSecrets, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    const PageBinding binding{kListSecrets, scope.id().value, ""};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    std::vector<SecretRecord> rows = library_.ListSecrets(scope, page.cursor, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const SecretRecord& row : rows) *response->add_secrets() = ToMessage(row, slug);
    if (more) response->set_next_page_token(tokens_.Seal(binding, rows.back().name));
    return absl::OkStatus();
  });
}

// Whether a job still needs it is judged when the command is applied, in one order with the jobs.
grpc::Status SecretGrpcService::DeleteSecret(grpc::ServerContext* context,
                                             const v1::DeleteSecretRequest* request,
                                             v1::DeleteSecretResponse*) {
  return gate_.Run(*context, kDeleteSecret, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const NamedChild name, ParseNamedChild("name", request->name(), "secrets"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    return library_.DeleteSecret(scope, call.audited(), name.name);
  });
}

}  // namespace muster::server
