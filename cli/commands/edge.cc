// Edge proxies, for the platform's operators. The join file goes to stdout alone and is protected:
// it lets whoever has it become this edge, once, within an hour.
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/edge_admin_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Edge;
using muster::v1::EdgeAdminService;

// Pending is no fault: the edge was made and has not been started yet.
Cell StateCell(const Edge& edge) {
  Cell cell(EnumWord(muster::v1::EdgeState_Name(edge.state()), "EDGE_STATE_"));
  if (edge.state() == muster::v1::EDGE_STATE_CONNECTED) cell.tone = Tone::kGood;
  if (edge.state() == muster::v1::EDGE_STATE_PENDING) cell.tone = Tone::kDoubtful;
  if (edge.state() == muster::v1::EDGE_STATE_UNREACHABLE) cell.tone = Tone::kBad;
  if (edge.state() == muster::v1::EDGE_STATE_REVOKED) cell.tone = Tone::kBad;
  return cell;
}

// "-" in this column means "none that is known", whatever the state is.
Cell ProblemCell(const Edge& edge) {
  Cell cell(edge.problem());
  if (!edge.problem().empty()) cell.tone = Tone::kBad;
  return cell;
}

Report MakeReport(Session& session, const std::vector<Edge>& edges) {
  Report report;
  Table table = {"",
                 {{"EDGE"},
                  {"STATE"},
                  {"DEVICES", false, false, true},
                  {"PUBLIC URL", false, true},
                  {"VERSION"},
                  {"LAST HEARD"},
                  {"PROBLEM"},
                  {"CREATED", true}}};
  for (const Edge& edge : edges) {
    table.rows.push_back(
        {ShortName(edge.name()), StateCell(edge), absl::StrCat(edge.device_count()),
         edge.public_url(), edge.version(),
         TimeCell(edge.has_last_watermark_time(), edge.last_watermark_time(), session.now()),
         ProblemCell(edge), TimeCell(edge.has_create_time(), edge.create_time(), session.now())});
    report.names.push_back(edge.name());
    report.messages.push_back(&edge);
  }
  report.tables.push_back(std::move(table));
  return report;
}

Outcome Create(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = EdgeAdminService::NewStub(connection->channel());
  muster::v1::CreateEdgeRequest request;
  request.set_edge_id(session.Text("EDGE"));
  // Empty leaves it to the edge; no claim can name the edge before it has joined then.
  request.set_public_url(session.Text("url"));
  request.set_request_id(connection->request_id());
  muster::v1::CreateEdgeResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CreateEdge(context, request, &response);
  }));
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    // The join file is a field of the answer: its file needs 0600 in these formats too.
    session.console().protect_out();
    Report report;
    report.messages = {&response};
    return session.Show(report);
  }
  // A file that was redirected is protected already (ShowSecret); the words are for copies of it.
  session.Note(
      "the join file works once, within one hour; keep it 0600 and give it to muster-edge "
      "--join-file");
  return session.ShowSecret(response.join_file());
}

// All of them: there are tens of edges at most.
absl::StatusOr<std::vector<Edge>> FetchEdges(Connection* connection) {
  const auto stub = EdgeAdminService::NewStub(connection->channel());
  std::vector<Edge> edges;
  muster::v1::ListEdgesRequest request;
  request.set_page_size(1000);
  do {
    muster::v1::ListEdgesResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListEdges(context, request, &response);
    }));
    edges.insert(edges.end(), response.edges().begin(), response.edges().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return edges;
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  ASSIGN_OR_RETURN(const std::vector<Edge> edges, FetchEdges(connection));
  // A list even of one: scripts read an array.
  Report report = MakeReport(session, edges);
  report.is_list = true;
  return session.Show(report);
}

Outcome Revoke(Session& session) {
  ASSIGN_OR_RETURN(const std::string name, TopLevelName("edges", session.Text("EDGE")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  ASSIGN_OR_RETURN(const std::vector<Edge> edges, FetchEdges(connection));
  // Fetched only for the number of devices in the question. An edge that isn't there falls through,
  // and the server says so.
  for (const Edge& edge : edges) {
    if (edge.name() != name) continue;
    // Its routers are what is at stake, not the edge: with one or none nobody is asked.
    RETURN_IF_ERROR(session.Confirm(
        edge.device_count(), absl::StrCat("This will cut off ", name, ", through which ",
                                          edge.device_count(), " devices were last heard.")));
  }
  const auto stub = EdgeAdminService::NewStub(connection->channel());
  muster::v1::RevokeEdgeRequest request;
  request.set_name(name);
  request.set_request_id(connection->request_id());
  muster::v1::RevokeEdgeResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->RevokeEdge(context, request, &response);
  }));
  // Shown as it is now, so that the word "revoked" stands there.
  const std::vector<Edge> revoked = {response.edge()};
  return session.Show(MakeReport(session, revoked));
}

}  // namespace

std::vector<Command> EdgeCommands() {
  Command create;
  create.noun = "edge";
  create.verb = "create";
  create.summary = "Create an edge proxy and print its join file, alone, on stdout";
  create.positionals = {{"EDGE", "its name: 2 to 32 of a-z, 0-9 and -"}};
  create.flags = {
      {"url", "URL",
       "what routers will call, https://HOST[:PORT] [what the edge says when it joins]"}};
  create.examples =
      "  muster edge create edge-1 --url https://edge.example.net > edge-1.join\n"
      "  muster-edge --join-file edge-1.join --data-dir D --control HOST:7451 \\\n"
      "    --listen 0.0.0.0:443 --public-url https://edge.example.net";
  create.writes = true;
  create.run = Create;
  Command list;
  list.noun = "edge";
  list.verb = "list";
  list.summary = "List edge proxies with their state";
  list.examples = "  muster edge list";
  list.run = List;
  Command revoke;
  revoke.noun = "edge";
  revoke.verb = "revoke";
  revoke.summary = "Close an edge's streams and refuse its certificate from then on";
  revoke.positionals = {{"EDGE", "name from: muster edge list"}};
  revoke.flags = {{"yes", "", "don't ask where more than one device uses it"}};
  revoke.examples = "  muster edge revoke edge-1";
  revoke.writes = true;
  revoke.run = Revoke;
  return {create, list, revoke};
}

}  // namespace muster::cli
