// How routers look: in a list, in detail, and as one line. A figure that a router has not said is
// an empty cell and never a zero; a fresh figure and an old one look alike, so "last seen" stands
// beside them.
#include "cli/commands/device_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using muster::v1::DeviceStatus;

// One word for "what about it": online or not, unless something matters more. Unknown is doubtful
// and not bad: mostly it is the edge that is away.
Cell OnlineCell(const Device& device) {
  Cell cell(EnumWord(muster::v1::OnlineState_Name(device.status().online()), "ONLINE_STATE_"));
  switch (device.status().online()) {
    case muster::v1::ONLINE_STATE_ONLINE:
      cell.tone = Tone::kGood;
      break;
    case muster::v1::ONLINE_STATE_OFFLINE:
      cell.tone = Tone::kBad;
      break;
    default:
      cell.tone = Tone::kDoubtful;
  }
  // What an operator decided, or must decide.
  switch (device.state()) {
    case muster::v1::DEVICE_STATE_PENDING:
    case muster::v1::DEVICE_STATE_REVOKED:
    case muster::v1::DEVICE_STATE_RELEASING:
      // What it is waiting for says more than whether it is there.
      cell.text = EnumWord(muster::v1::DeviceState_Name(device.state()), "DEVICE_STATE_");
      cell.tone = Tone::kDoubtful;
      return cell;
    case muster::v1::DEVICE_STATE_RELEASED:
      return Cell("released");
    default:
      break;
  }
  // Without a color: it is how it was meant to be.
  if (device.has_delete_time()) return Cell("deleted");
  return cell;
}

// CSV gets the bare number: a unit would make text of it.
template <typename Number>
Cell NumberCell(bool is_set, Number number, const char* unit) {
  if (!is_set) return Cell();
  return Cell(absl::StrCat(number, unit), absl::StrCat(number));
}

// Both or nothing: a share needs the whole.
Cell MemoryCell(const DeviceStatus& status) {
  if (!status.has_memory_free_bytes() || !status.has_memory_total_bytes()) return Cell();
  return UsedCell(status.memory_free_bytes(), status.memory_total_bytes());
}

Cell DiskCell(const DeviceStatus& status) {
  if (!status.has_disk_free_bytes() || !status.has_disk_total_bytes()) return Cell();
  return UsedCell(status.disk_free_bytes(), status.disk_total_bytes());
}

// The sensor that is called so, or the first one in degrees.
// Boards name their sensors differently; the unit tells which are meant.
Cell TemperatureCell(const DeviceStatus& status) {
  const muster::v1::HealthReading* found = nullptr;
  for (const auto& reading : status.health()) {
    if (reading.unit() == "C" && (found == nullptr || reading.sensor() == "temperature"))
      found = &reading;
  }
  if (found == nullptr) return Cell();
  return Cell(absl::StrCat(MilliText(found->value_milli()), " C"), MilliText(found->value_milli()));
}

Cell UptimeCell(const DeviceStatus& status) {
  if (!status.has_uptime()) return Cell();
  const absl::Duration uptime = ToDuration(status.uptime());
  return Cell(ShortDuration(uptime), absl::StrCat(absl::ToInt64Seconds(uptime)));
}

std::string MillisecondsText(int64_t microseconds) {
  return absl::StrFormat("%.1f ms", static_cast<double>(microseconds) / 1000.0);
}

// A row of the vertical table.
// A title and a cell come together, so that they can't get out of step as two lists would.
class Lines {
 public:
  void Add(const std::string& title, Cell cell, bool wide = false) {
    table_.columns.push_back({title, wide});
    row_.push_back(std::move(cell));
  }
  // Only where there is something to say.
  // Wide otherwise: -o wide and CSV have every line, so that a program finds a column whether it is
  // filled or not.
  void AddIfKnown(const std::string& title, Cell cell) { Add(title, cell, cell.text.empty()); }
  Table Finish() {
    table_.vertical = true;
    table_.rows.push_back(std::move(row_));
    return std::move(table_);
  }

 private:
  Table table_;
  std::vector<Cell> row_;
};

void AddStatus(const DeviceStatus& status, absl::Time now, Lines* lines) {
  // Always there, with "never" for what has joined and not come back: the first thing to look at.
  lines->Add("Last check-in", status.has_last_check_in_time()
                                  ? TimeCell(true, status.last_check_in_time(), now)
                                  : Cell("never"));
  lines->Add("Address", status.source_address());
  lines->Add("Edge", ShortName(status.edge()));
  lines->AddIfKnown("Uptime", UptimeCell(status));
  lines->AddIfKnown("CPU load",
                    NumberCell(status.has_cpu_load_percent(), status.cpu_load_percent(), "%"));
  lines->AddIfKnown("CPUs", NumberCell(status.has_cpu_count(), status.cpu_count(), ""));
  lines->AddIfKnown("CPU frequency",
                    NumberCell(status.has_cpu_frequency_mhz(), status.cpu_frequency_mhz(), " MHz"));
  lines->AddIfKnown("Memory used", MemoryCell(status));
  lines->AddIfKnown(
      "Memory", status.has_memory_total_bytes() ? BytesCell(status.memory_total_bytes()) : Cell());
  lines->AddIfKnown("Disk used", DiskCell(status));
  lines->AddIfKnown("Disk",
                    status.has_disk_total_bytes() ? BytesCell(status.disk_total_bytes()) : Cell());
  // Thousandths of a percent, as RouterOS counts them.
  lines->AddIfKnown("Bad blocks", status.has_bad_blocks_millipercent()
                                      ? Cell(MilliText(status.bad_blocks_millipercent()) + "%",
                                             MilliText(status.bad_blocks_millipercent()))
                                      : Cell());
  lines->AddIfKnown("Sectors written",
                    NumberCell(status.has_sectors_written(), status.sectors_written(), ""));
  // In the router's words and time zone; the doctor says how far it is off.
  lines->AddIfKnown("Router clock", status.router_clock());
  lines->AddIfKnown("Agent errors",
                    NumberCell(status.has_agent_errors(), status.agent_errors(), ""));
}

Table HealthTable(const DeviceStatus& status) {
  Table table = {"Health", {{"SENSOR"}, {"VALUE", false, false, true}, {"UNIT"}}, {}};
  for (const auto& reading : status.health()) {
    table.rows.push_back({reading.sensor(), MilliText(reading.value_milli()), reading.unit()});
  }
  return table;
}

// Empty cells where a link did not answer: loss says that.
Table LinkTable(const DeviceStatus& status) {
  Table table = {"Links",
                 {{"LINK", false, true},
                  {"ADDRESS"},
                  {"RTT", false, false, true},
                  {"JITTER", false, false, true},
                  {"LOSS", false, false, true}},
                 {}};
  for (const auto& link : status.links()) {
    table.rows.push_back(
        {link.link(), link.address(), link.has_rtt_us() ? MillisecondsText(link.rtt_us()) : "",
         link.has_jitter_us() ? MillisecondsText(link.jitter_us()) : "",
         // Permille times 100 are thousandths of a percent.
         link.has_loss_permille() ? absl::StrCat(MilliText(link.loss_permille() * 100), "%") : ""});
  }
  return table;
}

// Newest first, as the server keeps them.
Table EventTable(const Device& device, absl::Time now) {
  Table table = {"Recent events", {{"TIME"}, {"EVENT"}, {"MESSAGE", false, true}}, {}};
  for (const auto& event : device.recent_events()) {
    table.rows.push_back(
        {TimeCell(event.has_time(), event.time(), now), event.kind(), event.message()});
  }
  return table;
}

// Without the release channel: "7.15.3 (stable)" is "7.15.3".
Cell VersionCell(const Device& device) {
  const std::string& version = device.routeros_version();
  // The whole text in CSV, where somebody may want to count channels.
  return Cell(version.substr(0, version.find(' ')), version);
}

// Only while it differs from what runs: then the question is why, and "offered" is the answer.
Cell WantedAgent(const Device& device) {
  if (device.wanted_agent_version().empty() ||
      device.wanted_agent_version() == device.agent_version()) {
    return Cell();
  }
  return absl::StrCat(device.wanted_agent_version(),
                      device.agent_offered() ? " (offered)" : " (not offered yet)");
}

// Nothing in the normal case: that a device has a token goes without saying.
Cell TokenText(const Device& device) {
  if (device.state() == muster::v1::DEVICE_STATE_REVOKED) return Cell("revoked");
  return device.token_rotating() ? Cell("a new one is on its way") : Cell();
}

// With the reason: it decides between accept-identity, resync and job release.
Cell HeldText(const Device& device) {
  if (!device.jobs_held()) return Cell();
  if (device.hold_reason().empty()) return Cell("yes");
  return absl::StrCat("yes: ", device.hold_reason());
}

// In the order of the columns of DeviceListReport.
// Columns and cells are two lists; a row of another length would show the wrong title over each
// cell.
std::vector<Cell> ListRow(const Device& device, absl::Time now) {
  const DeviceStatus& status = device.status();
  return {ShortName(device.name()),
          DeviceTitle(device),
          OnlineCell(device),
          VersionCell(device),
          TimeCell(status.has_last_check_in_time(), status.last_check_in_time(), now),
          NumberCell(status.has_cpu_load_percent(), status.cpu_load_percent(), "%"),
          MemoryCell(status),
          TemperatureCell(status),
          UptimeCell(status),
          device.model(),
          device.site(),
          LabelsText(device.labels()),
          device.identity(),
          device.serial_number(),
          device.mac_address(),
          status.source_address(),
          ShortName(status.edge()),
          DiskCell(status),
          device.agent_version(),
          device.jobs_held() ? Cell("held") : Cell()};
}

}  // namespace

// The same choice as the server makes for titles of job targets.
std::string DeviceTitle(const Device& device) {
  if (!device.display_name().empty()) return device.display_name();
  if (!device.identity().empty()) return device.identity();
  return ShortName(device.name());
}

Report DeviceListReport(const std::vector<Device>& devices, absl::Time now) {
  Report report;
  report.is_list = true;
  // The order is that of a look from left to right: which one, how is it, since when; then figures,
  // then what it is. What comes last goes first on a narrow terminal. From LABELS on only with -o
  // wide and -o csv.
  Table table = {"",
                 {{"ID"},
                  {"NAME", false, true},
                  {"STATE"},
                  {"VERSION"},
                  {"LAST SEEN"},
                  {"CPU", false, false, true},
                  {"MEMORY", false, false, true},
                  {"TEMP", false, false, true},
                  {"UPTIME", false, false, true},
                  {"MODEL", false, true},
                  {"SITE", false, true},
                  {"LABELS", true},
                  {"IDENTITY", true},
                  {"SERIAL", true},
                  {"MAC", true},
                  {"ADDRESS", true},
                  {"EDGE", true},
                  {"DISK", true, false, true},
                  {"AGENT", true},
                  {"JOBS HELD", true}},
                 {}};
  for (const Device& device : devices) {
    table.rows.push_back(ListRow(device, now));
    report.names.push_back(device.name());
    report.messages.push_back(&device);
  }
  report.tables.push_back(std::move(table));
  return report;
}

Report DeviceDetailReport(const Device& device, absl::Time now) {
  Lines lines;
  lines.Add("ID", ShortName(device.name()));
  lines.Add("Name", device.display_name());
  lines.Add("State", OnlineCell(device));
  lines.Add("Identity", device.identity());
  lines.Add("Site", device.site());
  lines.Add("Labels", LabelsText(device.labels()));
  lines.Add("Notes", device.notes());
  lines.Add("Model", device.model());
  lines.Add("RouterOS", device.routeros_version());
  lines.Add("Architecture", device.architecture());
  lines.AddIfKnown("Serial number", device.serial_number());
  lines.AddIfKnown("Software ID", device.software_id());
  lines.AddIfKnown("MAC address", device.mac_address());
  lines.Add("Agent", device.agent_version());
  lines.AddIfKnown("Monitor only", device.monitor_only() ? Cell("yes") : Cell());
  lines.AddIfKnown("Agent wanted", WantedAgent(device));
  // Normal is not worth a line.
  if (device.profile() > muster::v1::PROFILE_NORMAL) {
    lines.AddIfKnown("Profile", EnumWord(muster::v1::Profile_Name(device.profile()), "PROFILE_"));
  }
  lines.AddIfKnown("Token", TokenText(device));
  lines.AddIfKnown("Jobs held", HeldText(device));
  lines.Add("Joined", TimeCell(device.has_create_time(), device.create_time(), now));
  lines.AddIfKnown("Deleted", TimeCell(device.has_delete_time(), device.delete_time(), now));
  AddStatus(device.status(), now, &lines);
  Report report;
  report.tables.push_back(lines.Finish());
  // Tables with rows only: a board without sensors has no table of them.
  if (!device.status().health().empty()) report.tables.push_back(HealthTable(device.status()));
  if (!device.status().links().empty()) report.tables.push_back(LinkTable(device.status()));
  if (!device.recent_events().empty()) report.tables.push_back(EventTable(device, now));
  report.names = {device.name()};
  report.messages = {&device};
  return report;
}

// After device set: what was changed and what stands beside it, without figures that have nothing
// to do with it.
Report DeviceSettingsReport(const Device& device) {
  Lines lines;
  lines.Add("ID", ShortName(device.name()));
  lines.Add("Name", device.display_name());
  lines.Add("Identity", device.identity());
  lines.Add("Site", device.site());
  lines.Add("Labels", LabelsText(device.labels()));
  lines.Add("Notes", device.notes());
  Report report;
  report.tables.push_back(lines.Finish());
  report.names = {device.name()};
  report.messages = {&device};
  return report;
}

Report DeviceSettingsListReport(const std::vector<Device>& devices) {
  Report report;
  report.is_list = true;
  Table table = {"",
                 {{"ID"},
                  {"NAME", false, true},
                  {"IDENTITY", false, true},
                  {"SITE", false, true},
                  {"LABELS", false, true},
                  {"NOTES", false, true}},
                 {}};
  for (const Device& device : devices) {
    table.rows.push_back({ShortName(device.name()), device.display_name(), device.identity(),
                          device.site(), LabelsText(device.labels()), device.notes()});
    report.names.push_back(device.name());
    report.messages.push_back(&device);
  }
  report.tables.push_back(std::move(table));
  return report;
}

// For device watch: fixed words and order, since a line that is the same as before is not printed
// again. No figures and no times, which always differ.
std::string DeviceLine(const Device& device) {
  std::string line = absl::StrCat(DeviceTitle(device), ": ", OnlineCell(device).text);
  for (const std::string& part :
       {VersionCell(device).text, device.status().source_address(), device.site()}) {
    if (!part.empty()) absl::StrAppend(&line, ", ", part);
  }
  if (device.jobs_held()) absl::StrAppend(&line, ", jobs held");
  return line;
}

}  // namespace muster::cli
