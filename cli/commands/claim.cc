// Claims: the line that lets routers join. stdout has the line and nothing else, so that it can be
// redirected or copied whole; all remarks are on stderr.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/commands/profile.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/claim_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Claim;
using muster::v1::ClaimService;

Cell ExpiryCell(const Claim& claim, absl::Time now) {
  Cell cell = TimeCell(claim.has_expire_time(), claim.expire_time(), now);
  if (claim.has_expire_time() && ToTime(claim.expire_time()) <= now) {
    // The exact time beside it stays as it is: programs compare times and not words.
    cell.text = absl::StrCat("expired ", cell.text);
    cell.tone = Tone::kBad;
  }
  return cell;
}

absl::StatusOr<muster::v1::CreateClaimRequest> MakeCreateRequest(Session& session) {
  muster::v1::CreateClaimRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_site(session.Text("site"));
  ASSIGN_OR_RETURN(const auto labels, session.Labels("label"));
  request.mutable_labels()->insert(labels.begin(), labels.end());
  ASSIGN_OR_RETURN(const auto max_devices, session.Number("max-devices", 1, 1'000'000));
  // One by default: a line that leaks lets one router in, and that one is noticed.
  request.set_max_devices(static_cast<int32_t>(max_devices.value_or(1)));
  ASSIGN_OR_RETURN(const auto ttl, session.Duration("ttl"));
  if (ttl.has_value()) *request.mutable_ttl() = ToDurationMessage(*ttl);
  ASSIGN_OR_RETURN(const auto spread, session.Duration("spread"));
  if (spread.has_value()) *request.mutable_spread() = ToDurationMessage(*spread);
  // Empty: from anywhere. Behind a carrier's NAT an address says little, so this is a choice and no
  // default.
  request.set_allowed_source(session.Text("from"));
  // The first --edge is the one in the line, further ones are what the agent turns to, in this
  // order.
  const std::vector<std::string> edges = session.List("edge");
  for (size_t i = 0; i < edges.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string edge, TopLevelName("edges", edges[i]));
    if (i == 0) {
      request.set_edge(edge);
    } else {
      request.add_fallback_edges(edge);
    }
  }
  request.set_approve(session.Switch("approve"));
  request.set_monitor_only(session.Switch("monitor-only"));
  // Left out it stays unset and not "normal": with --replace the device's own counts.
  if (session.Has("profile")) {
    ASSIGN_OR_RETURN(const auto profile, ParseProfile(session.Text("profile")));
    request.set_profile(profile);
  }
  if (session.Has("replace")) {
    ASSIGN_OR_RETURN(*request.mutable_replaces_device(),
                     FindDevice(session, session.Text("replace")));
  }
  request.set_validate_only(session.Switch("preview"));
  return request;
}

// What the line would change on a router.
Outcome ShowPreviews(Session& session, const muster::v1::CreateClaimResponse& response) {
  // Said every time, as it is true every time: what the line does to a router was tried on
  // simulated ones.
  session.Note("nothing was created; not yet tried on hardware");
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    Report report;
    report.messages = {&response};
    return session.Show(report);
  }
  std::string text;
  for (const auto& preview : response.previews()) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", "RouterOS ", preview.family(), ":\n",
                    preview.text(), absl::EndsWith(preview.text(), "\n") ? "" : "\n");
  }
  // No secret in it (the claim is shown as zeros), so nothing is protected here.
  *session.console().out << text << std::flush;
  return ExitCode::kDone;
}

Outcome Create(Session& session) {
  ASSIGN_OR_RETURN(muster::v1::CreateClaimRequest request, MakeCreateRequest(session));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ClaimService::NewStub(connection->channel());
  // Also while it only shows a preview: the server counts validate_only as another request.
  request.set_request_id(connection->request_id());
  muster::v1::CreateClaimResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CreateClaim(context, request, &response);
  }));
  if (request.validate_only()) return ShowPreviews(session, response);
  const Claim& claim = response.claim();
  session.Note("not yet tried on hardware: the line has only run on simulated routers so far");
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    // The line stands in the JSON too.
    session.console().protect_out();
    Report report;
    report.messages = {&response};
    return session.Show(report);
  }
  session.Note(absl::StrCat("claim ", ShortName(claim.name()), " is good for ", claim.max_devices(),
                            claim.max_devices() == 1 ? " device" : " devices", " until ",
                            ExactTime(ToTime(claim.expire_time())), "; ",
                            request.has_spread()
                                ? "the line returns at once, and each router joins at a time of "
                                  "its own within the spread"
                                : "paste the line into the router's terminal"));
  return session.ShowSecret(response.bootstrap_line());
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ClaimService::NewStub(connection->channel());
  std::vector<Claim> claims;
  muster::v1::ListClaimsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_page_size(1000);
  do {
    muster::v1::ListClaimsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListClaims(context, request, &response);
    }));
    claims.insert(claims.end(), response.claims().begin(), response.claims().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  Report report;
  report.is_list = true;
  Table table = {"",
                 {{"CLAIM"},
                  {"USED", false, false, true},
                  {"OF", false, false, true},
                  {"EXPIRES"},
                  {"SITE", false, true},
                  {"LABELS", false, true},
                  {"FROM"},
                  {"REPLACES", true},
                  {"APPROVE", true},
                  {"PROFILE", true},
                  {"CREATED", true}}};
  for (const Claim& claim : claims) {
    table.rows.push_back(
        {ShortName(claim.name()), absl::StrCat(claim.used_devices()),
         absl::StrCat(claim.max_devices()), ExpiryCell(claim, session.now()), claim.site(),
         LabelsText(claim.labels()),
         claim.allowed_source().empty() ? Cell("anywhere") : Cell(claim.allowed_source()),
         ShortName(claim.replaces_device()), claim.approve() ? "yes" : "",
         claim.monitor_only() ? "monitor-only"
                              : EnumWord(muster::v1::Profile_Name(claim.profile()), "PROFILE_"),
         TimeCell(claim.has_create_time(), claim.create_time(), session.now())});
    report.names.push_back(claim.name());
    report.messages.push_back(&claim);
  }
  report.tables.push_back(std::move(table));
  return session.Show(report);
}

Outcome Delete(Session& session) {
  ASSIGN_OR_RETURN(const std::string name,
                   NameInOrganization(session, "claims", session.Text("CLAIM")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ClaimService::NewStub(connection->channel());
  muster::v1::DeleteClaimRequest request;
  request.set_name(name);
  request.set_request_id(connection->request_id());
  muster::v1::DeleteClaimResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->DeleteClaim(context, request, &response);
  }));
  session.Note(absl::StrCat("deleted claim ", ShortName(name), "; routers that joined by it stay"));
  return ExitCode::kDone;
}

}  // namespace

std::vector<Command> ClaimCommands() {
  Command create;
  create.noun = "claim";
  create.verb = "create";
  create.summary = "Create a claim and print the line to paste into routers, alone, on stdout";
  create.flags = {
      {"site", "SITE", "site of the routers that join by it"},
      {"label", "KEY=VALUE", "label of these routers", false, true},
      {"max-devices", "N", "how many routers may join by it [1]"},
      {"ttl", "TIME", "how long it works, at most 90d [1h]"},
      {"spread", "TIME", "for many routers at once: each waits a part of it, in the background"},
      {"from", "CIDR", "addresses that may use it [any]"},
      {"edge", "EDGE",
       "edge proxy that the routers call [the first one]; again: the ones to turn to", false, true},
      {"replace", "DEVICE", "the router takes over this device, with id and history"},
      {"approve", "", "routers get no jobs before: muster device accept"},
      {"profile", "PROFILE", "normal, metered or slow [normal]"},
      {"monitor-only", "", "RouterOS itself lets these routers only report"},
      {"preview", "", "create nothing; print what the line changes on a router"}};
  create.examples =
      "  muster claim create\n"
      "  muster claim create --site riga --label role=branch --max-devices 25 --ttl 24h\n"
      "  muster claim create --max-devices 20000 --ttl 7d --spread 30m\n"
      "  muster claim create --from 203.0.113.0/24 --edge edge-1 --edge edge-2\n"
      "  muster claim create --replace riga-core\n"
      "  muster claim create --approve --profile metered --preview";
  create.writes = true;
  create.run = Create;
  Command list;
  list.noun = "claim";
  list.verb = "list";
  list.summary = "List claims (never their secret)";
  list.examples = "  muster claim list";
  list.run = List;
  Command remove;
  remove.noun = "claim";
  remove.verb = "delete";
  remove.summary = "Delete a claim; no router joins by it any more";
  remove.positionals = {{"CLAIM", "id from: muster claim list"}};
  remove.examples = "  muster claim delete 3f8k2m9x0c1va";
  remove.writes = true;
  remove.run = Delete;
  return {create, list, remove};
}

}  // namespace muster::cli
