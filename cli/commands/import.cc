// The file is read and checked whole before the first call, here and at the server: a fleet that is
// half imported is harder to mend than one that is not. A repetition is harmless, since a row
// replaces an earlier one of the same serial number. Routers that have not joined yet.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/groups.h"
#include "cli/commands/import_file.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_identity_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::DeviceIdentityService;
using muster::v1::Preregistration;

// As many as the server takes (DeviceIdentity::kMostImported); a call is all or nothing.
constexpr size_t kRowsPerCall = 2'000;
// The server takes messages up to 1 MiB; what stands around the rows is less than the rest.
constexpr size_t kBytesPerCall = 900'000;
// Of a row inside of a message: its field's number and length.
constexpr size_t kBytesAroundRow = 6;
// Half a million rows: more is a wrong file.
constexpr size_t kLongestFile = size_t{64} << 20;
constexpr size_t kSerialsShown = 5;

absl::StatusOr<std::string> ReadAll(Session& session, const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    // To the end: rows can't be judged before the last one, which may repeat the first.
    text << session.console().in->rdbuf();
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return absl::InvalidArgumentError(absl::StrCat("can't read ", path));
    text << file.rdbuf();
  }
  std::string bytes = text.str();
  if (bytes.size() > kLongestFile) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is longer than 64 MiB"));
  }
  return bytes;
}

// Behind the last row that goes with the one at `from`; always one at least.
size_t EndOfCall(const std::vector<Preregistration>& rows, size_t from) {
  size_t bytes = 0, to = from;
  while (to < rows.size() && to - from < kRowsPerCall) {
    bytes += rows[to].ByteSizeLong() + kBytesAroundRow;
    if (to > from && bytes > kBytesPerCall) break;
    ++to;
  }
  return to;
}

// All rows in calls of as many as the server takes; collects the serial numbers that have joined.
absl::Status Send(Connection& connection, const std::string& parent,
                  const std::vector<Preregistration>& rows, bool validate_only,
                  std::vector<std::string>* joined) {
  const auto stub = DeviceIdentityService::NewStub(connection.channel());
  for (size_t from = 0, to = 0; from < rows.size(); from = to) {
    muster::v1::ImportPreregistrationsRequest request;
    request.set_parent(parent);
    request.set_validate_only(validate_only);
    // Calls of one run need ids of their own: with the same id the second would be "used with other
    // content". Made of the row's number, so that a repetition makes the same.
    request.set_request_id(from == 0 ? connection.request_id()
                                     : PartRequestId(connection.request_id(), absl::StrCat(from)));
    to = EndOfCall(rows, from);
    for (size_t i = from; i < to; ++i) *request.add_preregistrations() = rows[i];
    muster::v1::ImportPreregistrationsResponse response;
    const CallKind kind = validate_only ? CallKind::kRead : CallKind::kWrite;
    RETURN_IF_ERROR(connection.Call(kind, [&](grpc::ClientContext* context) {
      return stub->ImportPreregistrations(context, request, &response);
    }));
    joined->insert(joined->end(), response.joined_serial_numbers().begin(),
                   response.joined_serial_numbers().end());
  }
  return absl::OkStatus();
}

Outcome Import(Session& session) {
  const std::string path = session.Text("FILE");
  ASSIGN_OR_RETURN(const std::string text, ReadAll(session, path));
  // Before the connection: a broken file is told without a server.
  absl::StatusOr<std::vector<Preregistration>> rows = ReadImport(text);
  if (!rows.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", rows.status().message(), "; nothing was imported"));
  }
  ASSIGN_OR_RETURN(const std::string parent, session.OrganizationName());
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  // Rows, not devices that are there: what a wrong file would do shows later, when routers join.
  RETURN_IF_ERROR(session.Confirm(
      static_cast<int64_t>(rows->size()),
      absl::StrCat("This will import ", rows->size(), " routers into ", parent, ".")));
  // Everything is checked before the first call that changes anything.
  std::vector<std::string> joined;
  RETURN_IF_ERROR(Send(*connection, parent, *rows, true, &joined));
  // The first round has counted them already.
  joined.clear();
  RETURN_IF_ERROR(Send(*connection, parent, *rows, false, &joined));
  session.Note(absl::StrCat("imported ", rows->size(), rows->size() == 1 ? " router" : " routers",
                            "; each gets its name, site and labels when it joins"));
  if (!joined.empty()) {
    // Not an error: rows of a list that was imported before its last routers joined.
    const size_t shown = std::min(joined.size(), kSerialsShown);
    session.Note(absl::StrCat(
        joined.size(), " of them joined before and keep what they have: ",
        absl::StrJoin(joined.begin(), joined.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
        joined.size() > shown ? ", ..." : ""));
  }
  return ExitCode::kDone;
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceIdentityService::NewStub(connection->channel());
  std::vector<Preregistration> rows;
  muster::v1::ListPreregistrationsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_page_size(1000);
  do {
    muster::v1::ListPreregistrationsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListPreregistrations(context, request, &response);
    }));
    rows.insert(rows.end(), response.preregistrations().begin(), response.preregistrations().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  Report report;
  report.is_list = true;
  Table table = {"",
                 {{"SERIAL"},
                  {"NAME", false, true},
                  {"SITE", false, true},
                  {"LABELS", false, true},
                  {"IMPORTED"}}};
  for (const Preregistration& row : rows) {
    table.rows.push_back({row.serial_number(), row.display_name(), row.site(),
                          LabelsText(row.labels()),
                          TimeCell(row.has_create_time(), row.create_time(), session.now())});
    // No resource name of its own: the serial number is what the other commands take.
    report.names.push_back(row.serial_number());
    report.messages.push_back(&row);
  }
  report.tables.push_back(std::move(table));
  return session.Show(report);
}

Outcome Delete(Session& session) {
  muster::v1::DeletePreregistrationRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_serial_number(session.Text("SERIAL"));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceIdentityService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::DeletePreregistrationResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->DeletePreregistration(context, request, &response);
  }));
  session.Note(absl::StrCat("forgot what was imported for serial number ", session.Text("SERIAL")));
  return ExitCode::kDone;
}

}  // namespace

std::vector<Command> ImportCommands() {
  Command import;
  import.noun = "device";
  import.verb = "import";
  import.summary = "Import names, sites and labels of routers that have not joined yet";
  import.positionals = {
      { "FILE",
        "CSV with the columns serial, name, site, label.KEY; - is stdin" }};
  import.flags = {{ "yes", "", "don't ask" }};
  import.examples =
      "  muster device import routers.csv --yes\n"
      "  printf 'serial,name,site,label.role\\nHC123,riga-core,riga,core\\n' | muster device "
      "import -";
  import.writes = true;
  import.run = Import;

  Command list;
  // A noun of its own: `device list` has only what has joined.
  list.noun = "preregistration";
  list.verb = "list";
  list.summary = "List imported routers that have not joined yet";
  list.examples = "  muster preregistration list";
  list.run = List;

  Command remove;
  remove.noun = "preregistration";
  remove.verb = "delete";
  remove.summary = "Forget what was imported for a serial number";
  remove.positionals = {{"SERIAL", "serial number"}};
  remove.examples = "  muster preregistration delete HC123";
  remove.writes = true;
  remove.run = Delete;
  return {import, list, remove};
}

}  // namespace muster::cli
