// Checks the audit's chain twice: the server says what it finds in its tables, and this program
// reads every entry by the API and computes the hashes itself. With --file it needs no server at
// all, and an export that was kept elsewhere is checked against nothing but itself.
#include "cli/commands/audit_verify.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/output/values.h"
#include "common/audit_chain/audit_chain.h"
#include "common/status/status_macros.h"
#include "muster/v1/audit_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::AuditEntry;
using muster::v1::AuditService;

// Checks entries, oldest first; answers what is wrong with the first broken one.
// The rule is common/audit_chain, the same code that musterd writes with; docs/api.md describes it
// for those who want to trust neither.
class EntryCheck {
 public:
  explicit EntryCheck(bool gaps_allowed) : gaps_allowed_(gaps_allowed) {}

  std::optional<std::string> Take(const AuditEntry& entry) {
    const ChainedEntry chained = {entry.sequence(),        absl::ToUnixMicros(ToTime(entry.time())),
                                  entry.organization_id(), entry.position().index(),
                                  entry.actor(),           entry.method(),
                                  entry.resource(),        entry.summary(),
                                  entry.request_id()};
    return chain_.Take(chained, entry.previous_hash(), entry.chain_hash(), gaps_allowed_);
  }

  const ChainCheck& chain() const { return chain_; }

 private:
  const bool gaps_allowed_;
  ChainCheck chain_;
};

absl::Status Broken(absl::string_view where, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("the audit's chain is broken ", where, ": ", what));
}

// What `audit list -o json` wrote.
absl::StatusOr<std::vector<AuditEntry>> ReadExport(Session& session, const std::string& path) {
  std::ifstream file;
  std::istream* in = session.console().in;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return absl::InvalidArgumentError(absl::StrCat("--file: can't read ", path));
    in = &file;
  }
  // -o json writes an array, and protobuf reads messages: wrapped into the answer that the array
  // came from.
  const std::string array{std::istreambuf_iterator<char>(*in), std::istreambuf_iterator<char>()};
  muster::v1::ListAuditEntriesResponse entries;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      absl::StrCat("{\"entries\":", array, "}"), &entries);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--file: ", path,
                     " is not what \"muster audit list -o json\" writes: ", parsed.ToString()));
  }
  std::vector<AuditEntry> sorted(entries.entries().begin(), entries.entries().end());
  // Lists are newest first, and the chain goes the other way.
  std::stable_sort(sorted.begin(), sorted.end(), [](const AuditEntry& a, const AuditEntry& b) {
    return a.sequence() < b.sequence();
  });
  return sorted;
}

Outcome VerifyFile(Session& session) {
  ASSIGN_OR_RETURN(const std::vector<AuditEntry> entries,
                   ReadExport(session, session.Text("file")));
  if (entries.empty()) return absl::InvalidArgumentError("--file: there are no entries in it");
  // The entries of one organization have gaps by nature; each of them can still be checked by
  // itself, since it holds the hash before it.
  EntryCheck check(session.Switch("allow-gaps"));
  for (const AuditEntry& entry : entries) {
    if (const auto wrong = check.Take(entry); wrong.has_value())
      return Broken("in the file", *wrong);
  }
  session.Note(absl::StrCat("the chain of ", check.chain().count(), " entries, ",
                            entries.front().sequence(), " to ", check.chain().last_sequence(),
                            ", is whole; its last hash is ",
                            absl::BytesToHexString(check.chain().last_hash())));
  return ExitCode::kDone;
}

// The server reads and hashes every entry that there ever was: some hundred thousand a second.
constexpr absl::Duration kVerifyPatience = absl::Minutes(30);

absl::StatusOr<muster::v1::VerifyAuditResponse> AskServer(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = AuditService::NewStub(connection->channel());
  const muster::v1::VerifyAuditRequest request;
  muster::v1::VerifyAuditResponse response;
  RETURN_IF_ERROR(connection->Call(
      CallKind::kRead,
      [&](grpc::ClientContext* context) { return stub->VerifyAudit(context, request, &response); },
      kVerifyPatience));
  return response;
}

// Reads every entry from the first on and computes its hash here. An entry of the server's own
// check must be among them, with the hash that it says.
absl::Status CheckHere(Session& session, const muster::v1::VerifyAuditResponse& server) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = AuditService::NewStub(connection->channel());
  muster::v1::ListAuditEntriesRequest request;
  // No parent, so the whole installation: that is why this wants a key of the platform.
  request.set_order_by("time");
  request.set_page_size(1000);
  EntryCheck check(false);
  // The two checks must be of one and the same chain: entries that come meanwhile are fine, fewer
  // than the server has counted are not.
  bool head_seen = server.entry_count() == 0;
  do {
    muster::v1::ListAuditEntriesResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListAuditEntries(context, request, &response);
    }));
    for (const AuditEntry& entry : response.entries()) {
      if (check.chain().count() == 0 && entry.sequence() != 1)
        return Broken("here", "entry 1 is missing");
      if (const auto wrong = check.Take(entry); wrong.has_value()) return Broken("here", *wrong);
      head_seen = head_seen || (entry.sequence() == server.entry_count() &&
                                entry.chain_hash() == server.head_hash());
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (!head_seen) return Broken("here", "the entries end before those that the server checked");
  return absl::OkStatus();
}

Outcome Verify(Session& session) {
  if (session.Has("file")) return VerifyFile(session);
  ASSIGN_OR_RETURN(const auto server, AskServer(session));
  // Not checked here any more: one proof is enough, and the server's words are exact.
  if (server.first_broken_sequence() != 0) {
    return Broken("at the server", absl::StrCat(server.reason(), " (the first broken entry is ",
                                                server.first_broken_sequence(), ")"));
  }
  RETURN_IF_ERROR(CheckHere(session, server));
  session.Note(
      absl::StrCat("the chain of all ", server.entry_count(),
                   " entries is whole, as the server and this program compute it; its last "
                   "hash is ",
                   absl::BytesToHexString(server.head_hash())));
  return ExitCode::kDone;
}

}  // namespace

Command AuditVerifyCommand() {
  Command verify;
  verify.noun = "audit";
  verify.verb = "verify";
  verify.summary = "Compute the audit's hash chain again and name the first broken entry";
  verify.flags = {{"file", "FILE", "check what audit list -o json wrote, offline; - reads stdin"},
                  {"allow-gaps", "", "with --file: entries of one organization, or of a filter"}};
  verify.examples =
      "  muster audit verify\n"
      "  muster audit list --limit 0 --all-organizations -o json > audit.json\n"
      "  muster audit verify --file audit.json";
  verify.run = Verify;
  return verify;
}

}  // namespace muster::cli
