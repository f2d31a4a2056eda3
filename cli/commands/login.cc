// Tries server, certificate and key before anything is written: a context that was made works. The
// key is asked for or named as a file; there is no flag for the key itself, since arguments are
// seen by all users of a machine (proc(5), /proc/PID/cmdline) and kept by shells.
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

// Contexts are used from other folders than the one in which somebody logged in.
std::string Absolute(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

// The settings of a login: an existing context of this name counts, another one doesn't.
absl::StatusOr<Settings> LoginSettings(Session& session, const std::string& name) {
  GlobalFlags flags = session.arguments().global;
  // Without a context first, only to find the file; a current context of another server must not
  // lend this login its key.
  flags.context = "";
  ASSIGN_OR_RETURN(const Settings without_context,
                   ResolveSettings(flags, session.console().environment));
  ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(without_context.context_path));
  if (!file.contexts.contains(name)) return without_context;
  flags.context = name;
  return ResolveSettings(flags, session.console().environment);
}

// A copied key has a line break behind it mostly.
absl::StatusOr<Secret> AskForKey(Session& session) {
  ASSIGN_OR_RETURN(const Secret typed, session.console().read_secret("API key (not shown): "));
  Secret key(std::string(absl::StripAsciiWhitespace(typed.Reveal())));
  RETURN_IF_ERROR(CheckApiKey(key));
  return key;
}

// Replaces the file for the context's key beside the context file.
// A key that was typed is kept in a file of its own (0600), and the context names it: so all keys
// are in files, and config.toml holds no secret.
absl::StatusOr<std::string> StoreKey(const Settings& settings, const std::string& name,
                                     const Secret& key) {
  const auto folder = std::filesystem::absolute(settings.context_path).parent_path() / "keys";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  const std::string path = (folder / name).string();
  const std::string fresh = absl::StrCat(path, ".new");
  // Left by a login that was killed; WriteNewSecretFile refuses a file that is there.
  unlink(fresh.c_str());
  RETURN_IF_ERROR(WriteNewSecretFile(fresh, key.Reveal()));
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    unlink(fresh.c_str());
    return absl::FailedPreconditionError(absl::StrCat("can't write ", path));
  }
  return path;
}

// Shows that the key is good, and chooses the organization where none was given.
// The one call that every role may make, and its answer says where the key belongs.
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
  // Nobody said which: "default" if the key sees it, else the first that it sees.
  const bool chosen = settings.organization.source != "default";
  if (!chosen && response.organizations_size() > 0)
    return ShortName(response.organizations(0).name());
  // With more than a page of organizations it may be among the others; the first call will tell.
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
  // Only a file that was named in this call: the one of a context that is being renewed would make
  // `muster login` ask nothing and change nothing.
  const bool key_from_file = settings.api_key_file.source == "--api-key-file" ||
                             settings.api_key_file.source == "MUSTER_API_KEY_FILE";
  Secret key;
  if (key_from_file) {
    ASSIGN_OR_RETURN(key, ReadApiKey(settings.api_key_file.value));
  } else {
    ASSIGN_OR_RETURN(key, AskForKey(session));
    // What messages say that the key is from.
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
  // Read once more: nothing else of the file must be lost.
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
