// Reading the audit. By default one organization and the newest entries: the whole may be long, and
// is for the platform's keys only.
#include <algorithm>

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/commands/audit_verify.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/audit_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::AuditEntry;
using muster::v1::AuditService;
using muster::v1::ListAuditEntriesRequest;
using muster::v1::ListAuditEntriesResponse;

constexpr int64_t kDefaultLimit = 100;

std::vector<Cell> Row(const AuditEntry& entry, absl::Time now) {
  absl::string_view method = entry.method();
  // For the eye only; CSV has the whole name, as --method and the proof take it.
  absl::ConsumePrefix(&method, "muster.v1.");
  return {TimeCell(entry.has_time(), entry.time(), now),
          entry.actor(),
          Cell(std::string(method), entry.method()),
          entry.resource(),
          entry.summary(),
          ShortName(entry.organization()),
          entry.request_id(),
          absl::StrCat(entry.position().index()),
          absl::BytesToHexString(entry.chain_hash())};
}

Report MakeReport(const std::vector<AuditEntry>& entries, absl::Time now) {
  Report report;
  report.is_list = true;
  // What proves an entry (position, hash) is wide: it is read by programs, and takes a line by
  // itself.
  Table table = {"",
                 {{"TIME"},
                  {"ACTOR", false, true},
                  {"METHOD", false, true},
                  {"RESOURCE", false, true},
                  {"SUMMARY", false, true},
                  {"ORGANIZATION", true},
                  {"REQUEST ID", true},
                  {"POSITION", true, false, true},
                  {"CHAIN HASH", true}}};
  for (const AuditEntry& entry : entries) {
    table.rows.push_back(Row(entry, now));
    report.names.push_back(entry.resource());
    report.messages.push_back(&entry);
  }
  report.tables.push_back(std::move(table));
  return report;
}

absl::StatusOr<ListAuditEntriesRequest> MakeRequest(Session& session) {
  ListAuditEntriesRequest request;
  if (!session.Switch("all-organizations")) {
    ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  }
  if (session.Has("actor")) {
    const std::string actor = session.Text("actor");
    // Ids of keys are what people have at hand; edges and musterd itself act too and are named as
    // the audit has them.
    const bool is_full = actor == "musterd" || absl::StrContains(actor, "/");
    request.set_actor(is_full ? actor : absl::StrCat("apiKeys/", actor));
  }
  request.set_method(session.Text("method"));
  request.set_resource(session.Text("resource"));
  ASSIGN_OR_RETURN(const auto since, session.Past("since"));
  if (since.has_value()) *request.mutable_since() = ToTimestamp(*since);
  ASSIGN_OR_RETURN(const auto until, session.Past("until"));
  if (until.has_value()) *request.mutable_until() = ToTimestamp(*until);
  return request;
}

// Every entry that the request means, in pages, until `take` answers false.
absl::Status ReadEntries(Session& session, ListAuditEntriesRequest request,
                         absl::FunctionRef<bool(const ListAuditEntriesResponse&)> take) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = AuditService::NewStub(connection->channel());
  bool more = true;
  while (more) {
    ListAuditEntriesResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListAuditEntries(context, request, &response);
    }));
    // The rest of the request stays as it is: the server refuses a token with another one.
    request.set_page_token(response.next_page_token());
    more = take(response) && !request.page_token().empty();
  }
  return absl::OkStatus();
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const auto given_limit, session.Number("limit", 0, 100'000'000));
  // 0 stands for all; 100 millions more would not fit into memory here anyway.
  const auto limit = static_cast<size_t>(given_limit.value_or(kDefaultLimit));
  ASSIGN_OR_RETURN(ListAuditEntriesRequest request, MakeRequest(session));
  // Not more rows than are wanted, and few calls where all are.
  request.set_page_size(static_cast<int32_t>(limit == 0 ? 1000 : std::min<size_t>(limit, 1000)));
  std::vector<AuditEntry> entries;
  bool is_cut = false;
  RETURN_IF_ERROR(ReadEntries(session, request, [&](const ListAuditEntriesResponse& response) {
    entries.insert(entries.end(), response.entries().begin(), response.entries().end());
    // Said only where there is more: exactly `limit` entries are no reason for a remark.
    is_cut = limit > 0 && entries.size() >= limit && !response.next_page_token().empty();
    return !is_cut;
  }));
  if (limit > 0 && entries.size() > limit) entries.resize(limit);
  if (is_cut) {
    session.Note(absl::StrCat("the newest ", entries.size(), " entries; --limit 0 shows all"));
  }
  return session.Show(MakeReport(entries, session.now()));
}

}  // namespace

std::vector<Command> AuditCommands() {
  Command list;
  list.noun = "audit";
  list.verb = "list";
  list.summary = "List who changed what, newest first";
  list.flags = {{"limit", "N", "show at most so many, 0: all [100]"},
                {"actor", "KEY", "only what this key did (its id), or musterd"},
                {"method", "TEXT", "only methods that hold this, like DeleteDevice"},
                {"resource", "TEXT", "only resources that hold this, like a device's id"},
                {"since", "TIME", "from then on: 2h (ago) or 2026-11-22T10:00:00Z"},
                {"until", "TIME", "before then"},
                {"all-organizations", "", "entries of every organization and of the platform"}};
  list.examples =
      "  muster audit list\n"
      "  muster audit list --method Delete --since 7d\n"
      "  muster audit list --limit 0 --all-organizations -o json > audit.json";
  list.run = List;
  return {list, AuditVerifyCommand()};
}

}  // namespace muster::cli
