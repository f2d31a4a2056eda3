#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/connection/contexts.h"
#include "common/status/status_macros.h"
#include "muster/v1/organization_service.grpc.pb.h"

namespace muster::cli {
namespace {

std::string Absolute(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

// The settings of a login: an existing context of this name counts, another one doesn't.
absl::StatusOr<Settings> LoginSettings(Session& session, const std::string& name) {
  GlobalFlags flags = session.arguments().global;
  flags.context = "";
  ASSIGN_OR_RETURN(const Settings without_context,
                   ResolveSettings(flags, session.console().environment));
  ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(without_context.context_path));
  if (!file.contexts.contains(name)) return without_context;
  flags.context = name;
  return ResolveSettings(flags, session.console().environment);
}

absl::StatusOr<Secret> AskForKey(Session& session) {
  ASSIGN_OR_RETURN(const Secret typed, session.console().read_secret("API key (not shown): "));
  Secret key(std::string(absl::StripAsciiWhitespace(typed.Reveal())));
  RETURN_IF_ERROR(CheckApiKey(key));
  return key;
}

// Replaces the file for the context's key beside the context file.
absl::StatusOr<std::string> StoreKey(const Settings& settings, const std::string& name,
                                     const Secret& key) {
  const auto folder = std::filesystem::absolute(settings.context_path).parent_path() / "keys";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  const std::string path = (folder / name).string();
  const std::string fresh = absl::StrCat(path, ".new");
  unlink(fresh.c_str());
  RETURN_IF_ERROR(WriteNewSecretFile(fresh, key.Reveal()));
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    unlink(fresh.c_str());
    return absl::FailedPreconditionError(absl::StrCat("can't write ", path));
  }
  return path;
}

// Shows that the key is good, and chooses the organization where none was given.
absl::StatusOr<std::string> Verify(const Settings& settings, Connection* connection) {
  const auto stub = muster::v1::OrganizationService::NewStub(connection->channel());
  muster::v1::ListOrganizationsRequest request;
  request.set_page_size(1000);
  muster::v1::ListOrganizationsResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->ListOrganizations(context, request, &response);
  }));
  const std::string& wanted = settings.organization.value;
  for (const auto& organization : response.organizations()) {
    if (ShortName(organization.name()) == wanted) return wanted;
  }
  const bool chosen = settings.organization.source != "default";
  if (!chosen && response.organizations_size() > 0)
    return ShortName(response.organizations(0).name());
  if (response.next_page_token().empty() && chosen) {
    return absl::NotFoundError(absl::StrCat("this key sees no organization \"", wanted,
                                            "\"; leave --organization out to use its own"));
  }
  return wanted;
}

Outcome Login(Session& session) {
  const std::string name = session.Has("CONTEXT") ? session.Text("CONTEXT") : "default";
  if (!IsContextName(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", name, "\" is no context name; use up to 64 of a-z, A-Z, 0-9, '.', '_' and '-'"));
  }
  ASSIGN_OR_RETURN(Settings settings, LoginSettings(session, name));
  const bool key_from_file = settings.api_key_file.source == "--api-key-file" ||
                             settings.api_key_file.source == "MUSTER_API_KEY_FILE";
  Secret key;
  if (key_from_file) {
    ASSIGN_OR_RETURN(key, ReadApiKey(settings.api_key_file.value));
  } else {
    ASSIGN_OR_RETURN(key, AskForKey(session));
    settings.api_key_file = {"the prompt", "login"};
  }
  ASSIGN_OR_RETURN(const auto connection, Connection::OpenWithKey(settings, key));
  ASSIGN_OR_RETURN(const std::string organization, Verify(settings, connection.get()));
  Context context = {settings.server.value, Absolute(settings.ca_file.value), "", organization};
  if (key_from_file) {
    context.api_key_file = Absolute(settings.api_key_file.value);
  } else {
    ASSIGN_OR_RETURN(context.api_key_file, StoreKey(settings, name, key));
  }
  ASSIGN_OR_RETURN(ContextFile file, ReadContexts(settings.context_path));
  file.contexts[name] = context;
  file.current = name;
  RETURN_IF_ERROR(WriteContexts(file));
  session.Note(absl::StrCat("logged in to ", context.server, ", organization ", organization,
                            "; context ", name, " in ", file.path));
  return ExitCode::kDone;
}

}  // namespace

std::vector<Command> LoginCommands() {
  Command login;
  login.noun = "login";
  login.summary = "Check an API key and keep server and key as a context";
  login.positionals = {{"CONTEXT", "name of the context [default]", false}};
  login.examples =
      "  muster login --server 127.0.0.1:7450 --ca-file DATA/pki/cluster-ca.pem \\\n"
      "    --api-key-file DATA/root-key\n"
      "  muster login lab --server lab.example.net --ca-file lab-ca.pem   (asks for the key)";
  login.run = Login;
  return {login};
}

}  // namespace muster::cli
