// The nodes of the control plane.
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/cluster_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::ClusterNode;
using muster::v1::ClusterService;

Cell StateCell(const ClusterNode& node) {
  if (node.silent()) {
    Cell cell("silent");
    cell.tone = Tone::kBad;
    return cell;
  }
  Cell cell(EnumWord(muster::v1::NodeState_Name(node.state()), "NODE_STATE_"));
  cell.tone = node.state() == muster::v1::NODE_STATE_SERVING ? Tone::kGood : Tone::kBad;
  return cell;
}

Report MakeReport(Session& session, const muster::v1::GetClusterStatusResponse& response) {
  Report report;
  report.is_list = true;
  Table table = {"",
                 {{"NODE"},
                  {"STATE"},
                  {"LOG INDEX", false, false, true},
                  {"TICKS"},
                  {"VERSION"},
                  {"API", false, true},
                  {"EDGES", false, true},
                  {"REPORTED"},
                  {"ID", true}},
                 {}};
  for (const ClusterNode& node : response.nodes()) {
    table.rows.push_back({absl::StrCat(node.display_name(), node.answering() ? " *" : ""),
                          StateCell(node), absl::StrCat(node.log_index()),
                          node.ticking() ? "yes" : "", node.version(), node.api_address(),
                          node.edge_address(),
                          TimeCell(node.has_report_time(), node.report_time(), session.now()),
                          ShortName(node.name())});
    report.names.push_back(node.name());
    report.messages.push_back(&node);
  }
  report.tables.push_back(std::move(table));
  return report;
}

Outcome Status(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ClusterService::NewStub(connection->channel());
  muster::v1::GetClusterStatusResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->GetClusterStatus(context, {}, &response);
  }));
  if (!response.problem().empty()) {
    session.Note(absl::StrCat("other nodes are not shown: ", response.problem()));
  }
  for (const ClusterNode& node : response.nodes()) {
    if (node.state_reason().empty() || node.silent()) continue;
    session.Note(absl::StrCat(node.display_name(), ": ", node.state_reason()));
  }
  if (!response.clustered()) session.Note("this node is alone; its log lies with its state");
  return session.Show(MakeReport(session, response));
}

}  // namespace

std::vector<Command> ClusterCommands() {
  Command status;
  status.noun = "cluster";
  status.verb = "status";
  status.summary = "Show the nodes of the control plane; * is the one that answers";
  status.examples = "  muster cluster status\n  muster cluster status -o wide";
  status.run = Status;
  return {status};
}

}  // namespace muster::cli
