#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/audit_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::AuditEntry;
using muster::v1::AuditService;

constexpr int64_t kDefaultLimit = 100;

std::vector<Cell> Row(const AuditEntry& entry, absl::Time now) {
  absl::string_view method = entry.method();
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

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const auto given_limit, session.Number("limit", 0, 100'000'000));
  const int64_t limit = given_limit.value_or(kDefaultLimit);
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = AuditService::NewStub(connection->channel());
  std::vector<AuditEntry> entries;
  muster::v1::ListAuditEntriesRequest request;
  if (!session.Switch("all-organizations")) {
    ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  }
  request.set_page_size(static_cast<int32_t>(limit == 0 ? 1000 : std::min<int64_t>(limit, 1000)));
  do {
    muster::v1::ListAuditEntriesResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListAuditEntries(context, request, &response);
    }));
    entries.insert(entries.end(), response.entries().begin(), response.entries().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() &&
           (limit == 0 || entries.size() < static_cast<size_t>(limit)));
  if (limit > 0 && entries.size() > static_cast<size_t>(limit)) {
    entries.resize(static_cast<size_t>(limit));
  }
  if (!request.page_token().empty()) {
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
                {"all-organizations", "", "entries of every organization and of the platform"}};
  list.examples = "  muster audit list\n  muster audit list --limit 0 -o csv > audit.csv";
  list.run = List;
  return {list};
}

}  // namespace muster::cli
