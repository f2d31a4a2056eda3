// Who a device is: accepted, moved, released, its tokens.
#include "absl/strings/str_cat.h"
#include "cli/commands/device_choice.h"
#include "cli/commands/each_device.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/commands/profile.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_identity_service.grpc.pb.h"

namespace muster::cli {
namespace {

using Stub = muster::v1::DeviceIdentityService::Stub;

// Calls `method` with the request, which gets the name and the request id, and answers what it
// says.
template <typename Request, typename Response>
absl::StatusOr<Response> CallForDevice(Session& session, Request request, const std::string& name,
                                       const std::string& request_id,
                                       grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*)) {
  request.set_name(name);
  // PreviewDevice changes nothing and has none.
  if constexpr (requires { request.set_request_id(""); }) request.set_request_id(request_id);
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceIdentityService::NewStub(connection->channel());
  Response response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &response);
  }));
  return response;
}

// The same for the device, or the devices, of the command line; `note` says what became of one.
template <typename Request, typename Response, typename Note>
Outcome ChangeWith(Session& session, absl::string_view consequence, const Request& request,
                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   Note note) {
  return ForEachDevice(
      session, consequence,
      [&](const std::string& name, const std::string& id) -> absl::StatusOr<ChangedDevice> {
        ASSIGN_OR_RETURN(const Response response,
                         CallForDevice(session, request, name, id, method));
        return ChangedDevice{response.device(), note(response)};
      });
}

Outcome Accept(Session& session) {
  return ChangeWith(session, "accept", muster::v1::AcceptDeviceRequest(), &Stub::AcceptDevice,
                    [](const auto&) { return "is accepted and gets jobs"; });
}

// The serial number in the answer is what was accepted: the one moment to notice that it is the
// wrong board.
Outcome AcceptIdentity(Session& session) {
  return ChangeWith(session, "accept the hardware of", muster::v1::AcceptDeviceIdentityRequest(),
                    &Stub::AcceptDeviceIdentity, [](const auto& response) {
                      return absl::StrCat("is the board with serial number ",
                                          response.device().serial_number(), "; its jobs go on");
                    });
}

Outcome Resync(Session& session) {
  return ChangeWith(session, "let the jobs go on of", muster::v1::ResyncDeviceRequest(),
                    &Stub::ResyncDevice,
                    [](const auto&) { return "counts from what it reports; its jobs go on"; });
}

Outcome Move(Session& session) {
  muster::v1::MoveDeviceRequest request;
  const std::string to = session.Text("to");
  // Only the form; whether this key may enter it, the server says.
  ASSIGN_OR_RETURN(*request.mutable_organization(), TopLevelName("organizations", to));
  return ChangeWith(session, absl::StrCat("move to organization ", to), request, &Stub::MoveDevice,
                    [&](const auto&) {
                      // What it lost is named: labels of one tenant mean nothing to another.
                      return absl::StrCat("is in organization ", to,
                                          " now, without site, labels and notes");
                    });
}

// True where one device is named by hand: then a terminal is asked, too.
bool IsByHand(const Session& session) {
  return session.console().in_is_terminal && session.Text("DEVICE") != kFromStdin;
}

Outcome PrintRemovalLine(Session& session) {
  muster::v1::ReleaseDeviceRequest request;
  request.set_offline(true);
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, request, name, "", &Stub::ReleaseDevice));
  // Two steps in this order: a device that is deleted first leaves a router that is refused and
  // keeps its agent.
  session.Note("paste the line into the router's terminal, then: muster device delete");
  return session.ShowSecret(response.removal_line());
}

Outcome Release(Session& session) {
  // --offline changes nothing, so nobody needs to be asked.
  if (session.Switch("offline")) return PrintRemovalLine(session);
  if (IsByHand(session)) {
    ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
    RETURN_IF_ERROR(
        session.Ask(absl::StrCat("This will take Muster off device ", session.Text("DEVICE"), " (",
                                 ShortName(name), ") and forget it.")));
  }
  return ChangeWith(session, "take Muster off", muster::v1::ReleaseDeviceRequest(),
                    &Stub::ReleaseDevice, [](const auto& response) {
                      return absl::StrCat("is being released; muster job get ",
                                          ShortName(response.job()), " shows how it went");
                    });
}

Outcome Preview(Session& session) {
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(const auto response, CallForDevice(session, muster::v1::PreviewDeviceRequest(),
                                                      name, "", &Stub::PreviewDevice));
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    Report report;
    report.messages = {&response};
    return session.Show(report);
  }
  // Not a secret (the claim is zeros), but text that is to stand alone on stdout.
  return session.ShowSecret(response.text());
}

Outcome Token(Session& session) {
  const std::string action = session.Text("ACTION");
  // One command with two words and not two commands: both are about the same thing, and the help
  // shows the choice.
  if (action == "rotate") {
    return ChangeWith(session, "rotate the tokens of", muster::v1::RotateDeviceTokenRequest(),
                      &Stub::RotateDeviceToken, [](const auto&) {
                        return "gets a new token with its next agent update; the old one is "
                               "refused once the router uses the new one";
                      });
  }
  if (action != "revoke") {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", action, "\" is neither rotate nor revoke"));
  }
  // The one action here that a mistake makes expensive: somebody has to go to the router.
  if (IsByHand(session)) {
    RETURN_IF_ERROR(session.Ask(absl::StrCat("This will lock device ", session.Text("DEVICE"),
                                             " out until somebody pastes a new line into it.")));
  }
  return ChangeWith(
      session, "lock out, until somebody pastes a new line into them,",
      muster::v1::RevokeDeviceTokenRequest(), &Stub::RevokeDeviceToken, [](const auto& response) {
        return absl::StrCat("is locked out; muster claim create --replace ",
                            ShortName(response.device().name()), " lets it join again");
      });
}

Outcome Profile(Session& session) {
  muster::v1::SetDeviceProfileRequest request;
  ASSIGN_OR_RETURN(const auto profile, ParseProfile(session.Text("PROFILE")));
  request.set_profile(profile);
  // Not at once: the interval is part of the agent's text, and the router fetches that when it
  // beats next.
  return ChangeWith(session, "change the profile of", request, &Stub::SetDeviceProfile,
                    [](const auto&) { return "gets its new profile with an agent update"; });
}

Outcome Urls(Session& session) {
  muster::v1::SetDeviceUrlsRequest request;
  for (const std::string& url : session.List("url")) request.add_urls(url);
  return ChangeWith(session, "change the URLs of", request, &Stub::SetDeviceUrls,
                    [](const auto&) { return "gets its new URLs with an agent update"; });
}

// What most of these commands share; the caller changes the rest.
Command DeviceCommand(const char* verb, const char* summary, const char* examples,
                      Outcome (*run)(Session&)) {
  Command command;
  command.noun = "device";
  command.verb = verb;
  command.summary = summary;
  command.positionals = {{"DEVICE", kDeviceHelp}};
  command.flags = {{"yes", "", "don't ask where more than one device is touched"}};
  command.examples = examples;
  command.writes = true;
  command.run = run;
  return command;
}

Command TokenCommand() {
  Command token = DeviceCommand(
      "token", "Rotate or revoke a device's token",
      "  muster device token rotate riga-core\n  muster device token revoke riga-core --yes",
      Token);
  token.positionals = {{"ACTION",
                        "rotate: a new one, the old one until it has arrived; revoke: "
                        "refuse every token at once",
                        true, "rotate|revoke"},
                       {"DEVICE", kDeviceHelp}};
  token.flags = {{"yes", "", "don't ask where more than one device is touched, or on a terminal"}};
  return token;
}

Command ReleaseCommand() {
  Command release = DeviceCommand(
      "release", "Take Muster off a router and forget the device",
      "  muster device release riga-core\n  muster device release riga-core --offline", Release);
  release.flags = {
      {"offline", "", "change nothing; print the line that removes Muster by hand"},
      {"yes", "", "don't ask where more than one device is touched, or on a terminal"}};
  return release;
}

}  // namespace

// Exactly these words, in small letters, as they stand in documents and answers.
absl::StatusOr<muster::v1::Profile> ParseProfile(const std::string& text) {
  if (text == "normal") return muster::v1::PROFILE_NORMAL;
  if (text == "metered") return muster::v1::PROFILE_METERED;
  if (text == "slow") return muster::v1::PROFILE_SLOW;
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is no profile; wants normal (a beat every 30 s), metered (every ",
      "300 s, small) or slow (every 60 s)"));
}

std::vector<Command> IdentityCommands() {
  Command move = DeviceCommand("move", "Move a device to another organization (platform keys only)",
                               "  muster device move riga-core --to customer-7", Move);
  move.flags.insert(move.flags.begin(),
                    {"to", "ORGANIZATION", "organization that it goes to", true});
  Command profile = DeviceCommand("profile", "Change how often a device beats and how much it says",
                                  "  muster device profile riga-core metered", Profile);
  profile.positionals.push_back({"PROFILE", "normal, metered or slow"});
  Command urls = DeviceCommand("urls", "Change where a device's agent posts, by an agent update",
                               "  muster device urls riga-core --url https://edge-2.example.net\n"
                               "  muster device urls riga-core",
                               Urls);
  urls.flags.push_back(
      {"url", "URL", "post there, in this order, at most 4 [the edge that it uses]", false, true});
  Command preview = DeviceCommand("preview", "Show what Muster has on a router",
                                  "  muster device preview riga-core", Preview);
  preview.positionals = {{"DEVICE", "id, display name or identity"}};
  // Nothing to ask, and no --request-id.
  preview.flags.clear();
  preview.writes = false;
  // Under the noun `device`: where people look for what can be done with one.
  return {DeviceCommand("accept", "Accept a device that joined by a claim with --approve",
                        "  muster device accept riga-core", Accept),
          DeviceCommand("accept-identity",
                        "Accept the hardware that reports as the device now; its jobs go on",
                        "  muster device accept-identity riga-core", AcceptIdentity),
          DeviceCommand("resync", "Go on from what a restored router reports; its jobs go on",
                        "  muster device resync riga-core", Resync),
          move,
          ReleaseCommand(),
          preview,
          TokenCommand(),
          profile,
          urls};
}

}  // namespace muster::cli
