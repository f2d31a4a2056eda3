// Shows what the server found out about one device: findings with what to do next, the facts behind
// them, the last calls that its edge remembers, and its open jobs.
#include "cli/commands/device_doctor.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/device_report.h"
#include "cli/commands/job_report.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::DiagnoseDeviceResponse;

Cell LevelCell(muster::v1::FindingLevel level) {
  Cell cell(EnumWord(muster::v1::FindingLevel_Name(level), "FINDING_LEVEL_"));
  // A notice has no color: it is there to be read, not to be done something about.
  if (level == muster::v1::FINDING_LEVEL_PROBLEM) cell.tone = Tone::kBad;
  if (level == muster::v1::FINDING_LEVEL_WARNING) cell.tone = Tone::kDoubtful;
  return cell;
}

// One row a finding, first in the report: that is what -o csv shows.
Table FindingTable(const DiagnoseDeviceResponse& answer) {
  Table table = {"", {{"LEVEL"}, {"FINDING"}, {"WHAT"}, {"DO NEXT"}}, {}};
  for (const auto& finding : answer.findings()) {
    table.rows.push_back(
        {LevelCell(finding.level()), finding.code(), finding.message(), finding.next_step()});
  }
  return table;
}

// The same for people: a sentence below the other is read more easily than two in a row.
std::string FindingText(const DiagnoseDeviceResponse& answer) {
  std::string text;
  for (const auto& finding : answer.findings()) {
    absl::StrAppend(&text, LevelCell(finding.level()).text, ": ", finding.message(), "\n    ",
                    finding.next_step(), "\n");
  }
  // Said with its limit: the doctor sees what check-ins and the edge tell, not the router.
  if (text.empty()) text = "nothing is wrong with it, as far as can be seen from here\n";
  return text;
}

std::string TlsText(const DiagnoseDeviceResponse& answer) {
  // The edge did not say it, or has not heard the router since it started.
  if (answer.tls_version().empty()) return "";
  return absl::StrCat(answer.tls_version(), ", ", answer.tls_cipher(),
                      answer.tls_group().empty() ? "" : ", ", answer.tls_group(),
                      // A router that shakes hands in full each time costs itself and the edge the
                      // most: worth seeing.
                      answer.tls_resumed() ? ", session resumed" : ", full handshake");
}

// Of the agent on the router: what its beats say of that user.
std::string OwnerText(const DiagnoseDeviceResponse& answer) {
  if (answer.rights().empty()) return "";
  for (const auto& finding : answer.findings()) {
    if (finding.code() == "owner-gone") return "gone";
  }
  return "a local user";
}

Table FactTable(const DiagnoseDeviceResponse& answer, absl::Time now) {
  const auto& device = answer.device();
  Table table;
  table.vertical = true;
  std::vector<Cell> row;
  const auto add = [&](const char* title, Cell cell) {
    table.columns.push_back({title});
    row.push_back(std::move(cell));
  };
  add("Device", absl::StrCat(DeviceTitle(device), " (", ShortName(device.name()), ")"));
  add("State", EnumWord(muster::v1::OnlineState_Name(device.status().online()), "ONLINE_STATE_"));
  add("Last check-in", TimeCell(device.status().has_last_check_in_time(),
                                device.status().last_check_in_time(), now));
  // In the future for a router that is well: when it counts as offline unless it calls before.
  add("Offline from", TimeCell(answer.has_online_deadline(), answer.online_deadline(), now));
  add("Edge", ShortName(device.status().edge()));
  add("Address", device.status().source_address());
  add("TLS", TlsText(answer));
  add("RouterOS", device.routeros_version());
  add("Agent", device.agent_version());
  add("Rights", absl::StrJoin(answer.rights(), ","));
  add("Rights missing", absl::StrJoin(answer.missing_rights(), ","));
  add("Owner", OwnerText(answer));
  // As it says it, beside what that means in seconds below.
  add("Router clock", device.status().router_clock());
  if (answer.has_clock_skew()) {
    const absl::Duration skew = ToDuration(answer.clock_skew());
    // With its sign, which ShortDuration has not: ahead or behind is the question.
    const std::string text = absl::FormatDuration(absl::Trunc(skew, absl::Seconds(1)));
    add("Clock off by", Cell(text, absl::StrCat(absl::ToInt64Seconds(skew))));
  }
  table.rows.push_back(std::move(row));
  return table;
}

Table ContactTable(const DiagnoseDeviceResponse& answer, absl::Time now) {
  // Newest first, as the server sends them.
  Table table = {"Last calls", {{"TIME"}, {"CALL"}, {"HTTP"}, {"ANSWER", false, true}}, {}};
  for (const auto& contact : answer.contacts()) {
    Cell kind(EnumWord(muster::v1::ContactKind_Name(contact.kind()), "CONTACT_KIND_"));
    if (contact.kind() == muster::v1::CONTACT_KIND_REFUSED) kind.tone = Tone::kBad;
    table.rows.push_back({TimeCell(contact.has_time(), contact.time(), now), kind,
                          absl::StrCat(contact.http_status()), contact.reason()});
  }
  return table;
}

Table JobTable(const DiagnoseDeviceResponse& answer, absl::Time now) {
  Table table = {"Open jobs",
                 {{"JOB"},
                  {"STATE"},
                  {"WHY", false, true},
                  {"NUMBER"},
                  {"SINCE"},
                  {"DESCRIPTION", false, true}},
                 {}};
  for (const auto& job : answer.open_jobs()) {
    const auto& target = job.target();
    table.rows.push_back({ShortName(job.job()), TargetStateWord(target.state()), target.error(),
                          target.number() == 0 ? Cell() : Cell(absl::StrCat(target.number())),
                          TimeCell(target.has_update_time(), target.update_time(), now),
                          job.description()});
  }
  return table;
}

// How many devices match; nothing where the server would not say.
absl::StatusOr<int> CountMatches(Session& session, const std::string& filter) {
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(filter);
  request.set_page_size(1);
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  muster::v1::ListDevicesResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->ListDevices(context, request, &response);
  }));
  return response.total_size();
}

// Of a silent device: whether it is alone, or its site, or its provider. Those who are called at
// night ask that first.
std::string NeighboursText(Session& session, const muster::v1::Device& device) {
  if (device.status().online() == muster::v1::ONLINE_STATE_ONLINE) return "";
  std::string text;
  const auto add = [&](absl::string_view what, const std::string& filter) {
    const auto all = CountMatches(session, filter);
    const auto silent = CountMatches(session, absl::StrCat(filter, " AND online = false"));
    if (!all.ok() || !silent.ok()) return;
    absl::StrAppend(&text, "of ", *all, " devices ", what, " ", *silent, " are not online\n");
  };
  if (!device.site().empty()) {
    add(absl::StrCat("at site ", device.site()),
        absl::StrCat("site = ", QuoteForFilter(device.site())));
  }
  if (!device.status().source_address().empty()) {
    add(absl::StrCat("behind ", device.status().source_address()),
        absl::StrCat("source_address = ", QuoteForFilter(device.status().source_address())));
  }
  add("in all", "name:*");
  return text;
}

Outcome Doctor(Session& session) {
  muster::v1::DiagnoseDeviceRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  DiagnoseDeviceResponse answer;
  // The server asks the edge for up to 3 s: this call may take a little.
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->DiagnoseDevice(context, request, &answer);
  }));
  Report report = DoctorReport(answer, session.now());
  if (session.format() == Format::kTable || session.format() == Format::kWide) {
    // For people the findings come as sentences and last, just above the prompt.
    report.tables.erase(report.tables.begin());
    report.text = absl::StrCat(FindingText(answer), NeighboursText(session, answer.device()));
  }
  return session.Show(report);
}

}  // namespace

Report DoctorReport(const DiagnoseDeviceResponse& answer, absl::Time now) {
  Report report;
  report.tables.push_back(FindingTable(answer));
  report.tables.push_back(FactTable(answer, now));
  if (answer.contacts_size() > 0) report.tables.push_back(ContactTable(answer, now));
  if (answer.open_jobs_size() > 0) report.tables.push_back(JobTable(answer, now));
  report.names = {answer.device().name()};
  report.messages = {&answer};
  return report;
}

Command DeviceDoctorCommand() {
  Command doctor;
  doctor.noun = "device";
  doctor.verb = "doctor";
  doctor.summary = "Say what is wrong with a device and what to do next";
  doctor.positionals = {{"DEVICE", "id, display name or identity"}};
  doctor.examples = "  muster device doctor riga-core\n  muster device doctor riga-core -o json";
  doctor.run = Doctor;
  return doctor;
}

}  // namespace muster::cli
