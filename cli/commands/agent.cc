// Which agents the fleet runs, and bringing another one. An upgrade is a job, so it waits, fails
// and is shown like one.
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/job_run.h"
#include "cli/commands/profile.h"
#include "cli/commands/wave_flags.h"
#include "common/status/status_macros.h"
#include "muster/v1/agent_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::AgentService;

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = AgentService::NewStub(connection->channel());
  muster::v1::ListAgentsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  muster::v1::ListAgentsResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->ListAgents(context, request, &response);
  }));
  Report report;
  report.is_list = true;
  Table table = {"",
                 {{"AGENT"},
                  {"DEVICES", false, false, true},
                  {"ONLINE", false, false, true},
                  {"BEHIND", false, false, true}},
                 {}};
  for (const auto& count : response.agents()) {
    // An empty agent is a device that has joined and never checked in since.
    table.rows.push_back({count.agent().empty() ? Cell("never heard") : Cell(count.agent()),
                          absl::StrCat(count.device_count()), absl::StrCat(count.online_count()),
                          absl::StrCat(count.behind_count())});
    report.names.push_back(count.agent());
    report.messages.push_back(&count);
  }
  report.tables.push_back(std::move(table));
  // On stderr: it is about the whole table, which a script reads alone.
  session.Note(absl::StrCat("this installation's agent is ", response.current_version(), "; ",
                            response.behind_count(), " devices are behind",
                            response.behind_count() > 0 ? ": muster agent upgrade" : ""));
  return session.Show(report);
}

absl::StatusOr<muster::v1::Job> CallUpgrade(Session& session,
                                            muster::v1::UpgradeAgentsRequest request,
                                            bool validate_only) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = AgentService::NewStub(connection->channel());
  // Without a request id while it only checks: nothing happens that could happen twice, and the id
  // stays free for the call that does something.
  // Where nothing is asked to be done, nothing "may or may not have been done".
  const CallKind kind = validate_only ? CallKind::kRead : CallKind::kWrite;
  request.set_validate_only(validate_only);
  if (!validate_only) request.set_request_id(connection->request_id());
  muster::v1::UpgradeAgentsResponse response;
  RETURN_IF_ERROR(connection->Call(kind, [&](grpc::ClientContext* context) {
    return stub->UpgradeAgents(context, request, &response);
  }));
  return response.job();
}

Outcome Upgrade(Session& session) {
  muster::v1::UpgradeAgentsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(session.Text("where"));
  for (const std::string& url : session.List("url")) request.add_urls(url);
  if (session.Has("profile")) {
    ASSIGN_OR_RETURN(const auto profile, ParseProfile(session.Text("profile")));
    request.set_profile(profile);
  }
  ASSIGN_OR_RETURN(const auto begin, session.Moment("not-before"));
  if (begin.has_value()) {
    request.mutable_not_before()->set_seconds(absl::ToUnixSeconds(*begin));
  }
  request.set_ignore_windows(session.Switch("ignore-windows"));
  RETURN_IF_ERROR(FillWaves(session, &request));
  // Asked of the server first, also without --dry-run: only it knows which devices are behind, and
  // the question below wants their number.
  ASSIGN_OR_RETURN(const muster::v1::Job checked, CallUpgrade(session, request, true));
  if (session.Switch("dry-run")) return ShowDryRun(session, checked);
  RETURN_IF_ERROR(session.Confirm(checked.target_count(),
                                  absl::StrCat("This will bring agent ", checked.agent_version(),
                                               " to ", checked.target_count(), " devices.")));
  ASSIGN_OR_RETURN(const muster::v1::Job job, CallUpgrade(session, std::move(request), false));
  // Between the two calls the fleet goes on: the number may be off by a few, and the job says its
  // own.
  return session.Switch("wait") ? WaitAndShow(session, job) : ShowCreated(session, job);
}

}  // namespace

std::vector<Command> AgentCommands() {
  Command list;
  list.noun = "agent";
  list.verb = "list";
  list.summary = "Count the agents that devices run, and those behind";
  list.examples = "  muster agent list";
  list.run = List;
  Command upgrade;
  upgrade.noun = "agent";
  upgrade.verb = "upgrade";
  upgrade.summary = "Bring this installation's agent to devices that are behind, in waves";
  upgrade.flags = {{"where", "FILTER", "only devices that match [all]"},
                   {"url", "URL", "post there from now on, in this order, at most 4", false, true}};
  upgrade.flags.push_back(
      {"profile", "PROFILE", "normal, metered or slow from now on [as each device is]"});
  upgrade.flags.push_back(
      {"not-before", "TIME", "not offered before: 2h, or 2026-12-01T02:00:00+02:00"});
  upgrade.flags.push_back(
      {"ignore-windows", "", "also outside of maintenance windows (admins only)"});
  for (Flag& flag : WaveFlags()) upgrade.flags.push_back(std::move(flag));
  upgrade.flags.push_back({"wait", "", "wait for the end and show the results"});
  upgrade.flags.push_back({"dry-run", "", "count the devices, do nothing"});
  upgrade.flags.push_back({"yes", "", "don't ask where more than one device is touched"});
  upgrade.examples =
      "  muster agent upgrade --canary 2 --batch 100 --max-fail 1\n"
      "  muster agent upgrade --where 'site = riga' --url https://edge-2.example.net --yes";
  upgrade.writes = true;
  upgrade.run = Upgrade;
  return {list, upgrade};
}

}  // namespace muster::cli
