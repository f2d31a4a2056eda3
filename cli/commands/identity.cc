// Who a device is: accepted, moved, released, its tokens.
#include "absl/strings/str_cat.h"
#include "cli/commands/device_report.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/commands/profile.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_identity_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using Stub = muster::v1::DeviceIdentityService::Stub;

// Calls `method` for the device of the command line; the request has its name and the request id.
template <typename Request, typename Response>
absl::StatusOr<Response> CallForDevice(Session& session, Request request,
                                       grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*)) {
  // Release asks a question with the name in it and has looked it up already.
  if (request.name().empty()) {
    ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
    request.set_name(name);
  }
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceIdentityService::NewStub(connection->channel());
  // PreviewDevice changes nothing and has none.
  if constexpr (requires { request.set_request_id(""); }) {
    request.set_request_id(connection->request_id());
  }
  Response response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &response);
  }));
  return response;
}

// For people the sentence says it all; formats for programs get the device as it is now.
Outcome ShowChanged(Session& session, const Device& device, absl::string_view note) {
  session.Note(
      absl::StrCat("device ", ShortName(device.name()), " (", DeviceTitle(device), ") ", note));
  if (session.format() == Format::kTable || session.format() == Format::kWide) {
    return ExitCode::kDone;
  }
  return session.Show(DeviceDetailReport(device, session.now()));
}

Outcome Accept(Session& session) {
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, muster::v1::AcceptDeviceRequest(), &Stub::AcceptDevice));
  return ShowChanged(session, response.device(), "is accepted and gets jobs");
}

// The serial number in the answer is what was accepted: the one moment to notice that it is the
// wrong board.
Outcome AcceptIdentity(Session& session) {
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, muster::v1::AcceptDeviceIdentityRequest(),
                                 &Stub::AcceptDeviceIdentity));
  return ShowChanged(session, response.device(),
                     absl::StrCat("is the board with serial number ",
                                  response.device().serial_number(), "; its jobs go on"));
}

Outcome Resync(Session& session) {
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, muster::v1::ResyncDeviceRequest(), &Stub::ResyncDevice));
  return ShowChanged(session, response.device(), "counts from what it reports; its jobs go on");
}

Outcome Move(Session& session) {
  muster::v1::MoveDeviceRequest request;
  const std::string to = session.Text("to");
  // Only the form; whether this key may enter it, the server says.
  ASSIGN_OR_RETURN(*request.mutable_organization(), TopLevelName("organizations", to));
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, std::move(request), &Stub::MoveDevice));
  return ShowChanged(
      session, response.device(),
      // What it lost is named: labels of one tenant mean nothing to another and may say too much.
      absl::StrCat("is in organization ", to, " now, without site, labels and notes"));
}

Outcome Release(Session& session) {
  muster::v1::ReleaseDeviceRequest request;
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
  request.set_name(name);
  request.set_offline(session.Switch("offline"));
  // --offline changes nothing, so nobody needs to be asked.
  if (!request.offline() && session.console().in_is_terminal) {
    RETURN_IF_ERROR(
        session.Ask(absl::StrCat("This will take Muster off device ", session.Text("DEVICE"), " (",
                                 ShortName(name), ") and forget it.")));
  }
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, std::move(request), &Stub::ReleaseDevice));
  if (session.Switch("offline")) {
    // Two steps in this order: a device that is deleted first leaves a router that is refused and
    // keeps its agent.
    session.Note("paste the line into the router's terminal, then: muster device delete");
    return session.ShowSecret(response.removal_line());
  }
  return ShowChanged(session, response.device(),
                     absl::StrCat("is being released; muster job get ", ShortName(response.job()),
                                  " shows how it went"));
}

Outcome Preview(Session& session) {
  ASSIGN_OR_RETURN(const auto response, CallForDevice(session, muster::v1::PreviewDeviceRequest(),
                                                      &Stub::PreviewDevice));
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
    ASSIGN_OR_RETURN(
        const auto response,
        CallForDevice(session, muster::v1::RotateDeviceTokenRequest(), &Stub::RotateDeviceToken));
    return ShowChanged(session, response.device(),
                       "gets a new token with its next agent update; the old one is refused once "
                       "the router uses the new one");
  }
  if (action != "revoke") {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", action, "\" is neither rotate nor revoke"));
  }
  // The one action here that a mistake makes expensive: somebody has to go to the router.
  if (session.console().in_is_terminal) {
    RETURN_IF_ERROR(session.Ask(absl::StrCat("This will lock device ", session.Text("DEVICE"),
                                             " out until somebody pastes a new line into it.")));
  }
  ASSIGN_OR_RETURN(
      const auto response,
      CallForDevice(session, muster::v1::RevokeDeviceTokenRequest(), &Stub::RevokeDeviceToken));
  return ShowChanged(session, response.device(),
                     absl::StrCat("is locked out; muster claim create --replace ",
                                  ShortName(response.device().name()), " lets it join again"));
}

Outcome Profile(Session& session) {
  muster::v1::SetDeviceProfileRequest request;
  ASSIGN_OR_RETURN(const auto profile, ParseProfile(session.Text("PROFILE")));
  request.set_profile(profile);
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, std::move(request), &Stub::SetDeviceProfile));
  // Not at once: the interval is part of the agent's text, and the router fetches that when it
  // beats next.
  return ShowChanged(session, response.device(), "gets its new profile with an agent update");
}

Outcome Urls(Session& session) {
  muster::v1::SetDeviceUrlsRequest request;
  for (const std::string& url : session.List("url")) request.add_urls(url);
  ASSIGN_OR_RETURN(const auto response,
                   CallForDevice(session, std::move(request), &Stub::SetDeviceUrls));
  return ShowChanged(session, response.device(), "gets its new URLs with an agent update");
}

// What most of these commands share; the caller changes the rest.
Command DeviceCommand(const char* verb, const char* summary, const char* examples,
                      Outcome (*run)(Session&)) {
  Command command;
  command.noun = "device";
  command.verb = verb;
  command.summary = summary;
  command.positionals = {{"DEVICE", "id, display name or identity"}};
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
                        "refuse every token at once"},
                       {"DEVICE", "id, display name or identity"}};
  token.flags = {{"yes", "", "don't ask (asks only on a terminal)"}};
  return token;
}

Command ReleaseCommand() {
  Command release = DeviceCommand(
      "release", "Take Muster off a router and forget the device",
      "  muster device release riga-core\n  muster device release riga-core --offline", Release);
  release.flags = {{"offline", "", "change nothing; print the line that removes Muster by hand"},
                   {"yes", "", "don't ask (asks only on a terminal)"}};
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
  move.flags = {{"to", "ORGANIZATION", "organization that it goes to", true}};
  Command profile = DeviceCommand("profile", "Change how often a device beats and how much it says",
                                  "  muster device profile riga-core metered", Profile);
  profile.positionals.push_back({"PROFILE", "normal, metered or slow"});
  Command urls = DeviceCommand("urls", "Change where a device's agent posts, by an agent update",
                               "  muster device urls riga-core --url https://edge-2.example.net\n"
                               "  muster device urls riga-core",
                               Urls);
  urls.flags = {
      {"url", "URL", "post there, in this order, at most 4 [the edge that it uses]", false, true}};
  Command preview = DeviceCommand("preview", "Show what Muster has on a router",
                                  "  muster device preview riga-core", Preview);
  // No --request-id then.
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
