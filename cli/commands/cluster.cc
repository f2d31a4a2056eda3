// The nodes of the control plane.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/cluster_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::ClusterNode;
using muster::v1::ClusterService;
using muster::v1::GetClusterStatusResponse;

Cell StateCell(const ClusterNode& node) {
  if (node.removed() || node.silent()) {
    Cell cell(node.removed() ? "removed" : "silent");
    cell.tone = Tone::kBad;
    return cell;
  }
  Cell cell(EnumWord(muster::v1::NodeState_Name(node.state()), "NODE_STATE_"));
  cell.tone = node.state() == muster::v1::NODE_STATE_SERVING ? Tone::kGood : Tone::kBad;
  return cell;
}

template <typename Request, typename Response>
absl::StatusOr<Response> CallCluster(
    Session& session, CallKind kind, const Request& request,
    grpc::Status (ClusterService::Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ClusterService::NewStub(connection->channel());
  Response response;
  RETURN_IF_ERROR(connection->Call(kind, [&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &response);
  }));
  return response;
}

Report MakeReport(Session& session, const std::vector<ClusterNode>& nodes) {
  Report report;
  Table table = {"",
                 {{"NODE"},
                  {"STATE"},
                  {"LOG INDEX", false, false, true},
                  {"TICKS"},
                  {"VERSION"},
                  {"LEVEL", false, false, true},
                  {"API", false, true},
                  {"EDGES", false, true},
                  {"REPORTED"},
                  {"JOINED", true},
                  {"ID", true}},
                 {}};
  for (const ClusterNode& node : nodes) {
    const bool reported = node.has_report_time();
    table.rows.push_back(
        {absl::StrCat(node.display_name(), node.answering() ? " *" : ""), StateCell(node),
         reported ? absl::StrCat(node.log_index()) : "", node.ticking() ? "yes" : "",
         node.version(), reported ? absl::StrCat(node.feature_level()) : "", node.api_address(),
         node.edge_address(), TimeCell(reported, node.report_time(), session.now()),
         TimeCell(node.has_join_time(), node.join_time(), session.now()), ShortName(node.name())});
    report.names.push_back(node.name());
    report.messages.push_back(&node);
  }
  report.tables.push_back(std::move(table));
  return report;
}

// What an upgrade waits for, while one is under way.
void SayLevel(Session& session, const GetClusterStatusResponse& response) {
  if (response.highest_feature_level() <= response.feature_level()) return;
  session.Note(absl::StrCat(
      "feature level ", response.feature_level(), " of ", response.highest_feature_level(), ": ",
      response.held_by().empty()
          ? "to use what the new version brings: muster cluster upgrade finalize"
          : absl::StrCat("held by the older program of ",
                         absl::StrJoin(response.held_by(), ", "))));
}

Outcome Status(Session& session) {
  muster::v1::GetClusterStatusRequest request;
  request.set_show_removed(session.Switch("removed"));
  ASSIGN_OR_RETURN(
      const GetClusterStatusResponse response,
      CallCluster(session, CallKind::kRead, request, &ClusterService::Stub::GetClusterStatus));
  if (!response.problem().empty()) {
    session.Note(absl::StrCat("other nodes are not shown: ", response.problem()));
  }
  for (const ClusterNode& node : response.nodes()) {
    if (node.state_reason().empty() || node.silent() || node.removed()) continue;
    session.Note(absl::StrCat(node.display_name(), ": ", node.state_reason()));
  }
  if (!response.clustered()) session.Note("this node is alone; its log lies with its state");
  SayLevel(session, response);
  const std::vector<ClusterNode> nodes(response.nodes().begin(), response.nodes().end());
  Report report = MakeReport(session, nodes);
  report.is_list = true;
  return session.Show(report);
}

std::string LevelsOf(const muster::v1::FinalizeUpgradeResponse& response) {
  return absl::StrCat("feature level ", response.previous_feature_level(), " to ",
                      response.feature_level());
}

Outcome Upgrade(Session& session) {
  if (session.Text("ACTION") != "finalize") {
    return absl::InvalidArgumentError("wants: muster cluster upgrade finalize");
  }
  muster::v1::FinalizeUpgradeRequest request;
  request.set_validate_only(true);
  ASSIGN_OR_RETURN(const auto would, CallCluster(session, CallKind::kRead, request,
                                                 &ClusterService::Stub::FinalizeUpgrade));
  Report report;
  if (would.feature_level() == would.previous_feature_level()) {
    session.Note(absl::StrCat("nothing to do: the installation uses feature level ",
                              would.feature_level(), ", the highest that this version knows"));
    report.messages.push_back(&would);
    return session.format_given() ? session.Show(report) : Outcome(ExitCode::kDone);
  }
  const std::string silent = absl::StrJoin(would.silent_nodes(), ", ");
  RETURN_IF_ERROR(session.Confirm(
      2,
      absl::StrCat("From ", LevelsOf(would),
                   ": from then on no older musterd can take part, nor open this state.",
                   silent.empty() ? "" : absl::StrCat(" Silent, and not asked: ", silent, "."))));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  request.set_validate_only(false);
  request.set_request_id(connection->request_id());
  ASSIGN_OR_RETURN(const auto done, CallCluster(session, CallKind::kWrite, request,
                                                &ClusterService::Stub::FinalizeUpgrade));
  session.Note(absl::StrCat("finalized: ", LevelsOf(would)));
  report.messages.push_back(&done);
  return session.format_given() ? session.Show(report) : Outcome(ExitCode::kDone);
}

// By id, full name or display name.
absl::StatusOr<ClusterNode> FindNode(Session& session, const std::string& text) {
  muster::v1::GetClusterStatusRequest request;
  request.set_show_removed(true);
  ASSIGN_OR_RETURN(
      const GetClusterStatusResponse response,
      CallCluster(session, CallKind::kRead, request, &ClusterService::Stub::GetClusterStatus));
  std::vector<ClusterNode> found;
  for (const ClusterNode& node : response.nodes()) {
    if (node.name() == text || ShortName(node.name()) == text) return node;
    // A machine that joined again has the name of the one that was removed.
    if (node.display_name() == text && !node.removed()) found.push_back(node);
  }
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no node ", text, "; see: muster cluster status -o wide"));
  }
  return absl::FailedPreconditionError(absl::StrCat("more than one node is called ", text,
                                                    ": name one by its id (muster cluster ",
                                                    "status -o wide)"));
}

Outcome Remove(Session& session) {
  ASSIGN_OR_RETURN(const ClusterNode node, FindNode(session, session.Text("NODE")));
  muster::v1::RemoveNodeRequest request;
  request.set_name(node.name());
  request.set_validate_only(true);
  ASSIGN_OR_RETURN(const auto would, CallCluster(session, CallKind::kRead, request,
                                                 &ClusterService::Stub::RemoveNode));
  RETURN_IF_ERROR(session.Confirm(
      2, absl::StrCat("This will remove node ", node.display_name(), " (", ShortName(node.name()),
                      node.answering() ? ", the one that answers) for good; " : ") for good; ",
                      would.live_count(), " of the ", would.remaining_count(),
                      " others are serving. Its data directory can't be used again, join files "
                      "of before are void, and the cluster gets a new key.")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  request.set_validate_only(false);
  request.set_request_id(connection->request_id());
  ASSIGN_OR_RETURN(const auto done, CallCluster(session, CallKind::kWrite, request,
                                                &ClusterService::Stub::RemoveNode));
  session.Note(absl::StrCat(
      "the node stops itself. The master key file of each other node has a new line now, key ",
      done.key_generation() + 1,
      ": keep a copy of it, since backups from now on open with it alone. What lay on the removed "
      "machine: docs/cluster.md"));
  const std::vector<ClusterNode> removed = {done.node()};
  return session.Show(MakeReport(session, removed));
}

// As edge create: the file alone on stdout.
Outcome JoinToken(Session& session) {
  ASSIGN_OR_RETURN(const auto ttl, session.Duration("ttl"));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  muster::v1::CreateJoinTokenRequest request;
  if (ttl.has_value()) request.mutable_ttl()->set_seconds(absl::ToInt64Seconds(*ttl));
  request.set_request_id(connection->request_id());
  ASSIGN_OR_RETURN(const auto response, CallCluster(session, CallKind::kWrite, request,
                                                    &ClusterService::Stub::CreateJoinToken));
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    session.console().protect_out();
    Report report;
    report.messages = {&response};
    return session.Show(report);
  }
  session.Note(absl::StrCat(
      "the join file works once, until ",
      absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(response.expire_time().seconds()),
                       absl::UTCTimeZone()),
      "; keep it 0600 and start the new node with musterd --join FILE"));
  return session.ShowSecret(response.join_file());
}

}  // namespace

std::vector<Command> ClusterCommands() {
  Command status;
  status.noun = "cluster";
  status.verb = "status";
  status.summary = "Show the nodes of the control plane; * is the one that answers";
  status.flags = {{"removed", "", "removed nodes too"}};
  status.examples = "  muster cluster status\n  muster cluster status -o wide --removed";
  status.run = Status;
  Command upgrade;
  upgrade.noun = "cluster";
  upgrade.verb = "upgrade";
  upgrade.summary = "Use what a new version brings, once every node runs it";
  upgrade.positionals = {{"ACTION", "finalize", true, "finalize"}};
  upgrade.flags = {{"yes", "", "don't ask"}};
  upgrade.examples = "  muster cluster upgrade finalize";
  upgrade.writes = true;
  upgrade.run = Upgrade;
  Command remove;
  remove.noun = "cluster";
  remove.verb = "remove";
  remove.summary = "Remove a node for good; it stops itself";
  remove.positionals = {{"NODE", "name or id from: muster cluster status -o wide"}};
  remove.flags = {{"yes", "", "don't ask"}};
  remove.examples = "  muster cluster remove riga-2";
  remove.writes = true;
  remove.run = Remove;
  Command join;
  join.noun = "cluster";
  join.verb = "join-token";
  join.summary = "Print a file, alone on stdout, that lets one machine join as a node, once";
  join.flags = {{"ttl", "TIME", "its life, 1m to 24h [1h]"}};
  join.examples =
      "  muster cluster join-token > riga-2.join\n"
      "  musterd --join riga-2.join --data-dir D --advertise riga-2.example.net";
  join.writes = true;
  join.run = JoinToken;
  return {status, upgrade, remove, join};
}

}  // namespace muster::cli
