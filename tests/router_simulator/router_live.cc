// The scheduler, and rows that show what goes on: jobs, globals, log, interfaces.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/factory.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/rows.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

Value Text(absl::string_view text) { return Value::String(std::string(text)); }

// Added to a job's id for its second row.
constexpr int64_t kTwinJobs = 1'000'000'000;

void FillJobs(Router& router, Table* table) {
  table->rows.clear();
  for (const auto& task : router.tasks()) {
    if (task->ended() || task->killed()) continue;
    Row row;
    row.id = task->id();
    row.values["script"] = Text(task->script());
    row.values["type"] = Text(task->type);
    row.values["owner"] = Text("admin");
    row.values["started"] =
        Text(absl::FormatTime("%Y-%m-%d %H:%M:%S", task->started, absl::UTCTimeZone()));
    row.values["policy"] = Text(PolicyText(task->evaluator.policy()));
    table->rows.push_back(row);
    if (!router.quirks().jobs_listed_twice || task->script().empty()) continue;
    row.id += kTwinJobs;
    table->rows.push_back(std::move(row));
  }
}

void FillEnvironment(Router& router, Table* table) {
  table->rows.clear();
  table->next_id = 1;
  for (const auto& [name, value] : router.globals()) {
    Row& row = table->Add();
    row.values["name"] = Text(name);
    row.values["value"] = Text(ToText(value));
    row.values["user"] = Text("admin");
  }
}

void FillLog(Router& router, Table* table) {
  table->rows.clear();
  table->next_id = 1;
  for (const LogLine& line : router.log()) {
    Row& row = table->Add();
    row.values["time"] =
        Text(absl::FormatTime("%Y-%m-%d %H:%M:%S", line.time, absl::UTCTimeZone()));
    row.values["topics"] = Text(line.topics);
    row.values["message"] = Text(line.message);
    row.values["buffer"] = Text("memory");
  }
}

void FillHealth(Router& router, Table* table) {
  table->rows.clear();
  table->next_id = 1;
  if (!router.options().routerboard) return;
  const auto add = [&](absl::string_view name, absl::string_view value, absl::string_view type) {
    Row& row = table->Add();
    row.values["name"] = Text(name);
    row.values["value"] = Text(value);
    row.values["type"] = Text(type);
  };
  add("voltage", "24.1", "V");
  add("temperature", "41", "C");
}

void FillPackages(Router& router, Table* table) {
  if (!table->rows.empty()) return;
  Row& row = table->Add();
  row.values["name"] = Text("routeros");
  row.values["version"] = Text(router.options().version.text);
}

bool IsTrue(const Value& value) { return value.Is(ValueType::kBool) && value.AsBool(); }

}  // namespace

Value Router::Read(const MenuSpec& menu, const Row& row, const PropertySpec& property) {
  Value value;
  if (ReadComputed(*this, menu, row, property, &value)) return value;
  if (menu.path == "/system/device-mode") {
    const bool gated = property.name == "fetch" || property.name == "scheduler";
    if (gated) return Value::Bool(!options_.device_mode_home);
    if (property.name == "mode" && options_.device_mode_home) return Text("home");
  }
  if (menu.path == "/system/package/update" && property.name == "installed-version") {
    return Text(options_.version.text);
  }
  const auto found = row.values.find(property.name);
  if (found != row.values.end()) return found->second;
  return property.initial ? *property.initial : Value();
}

Table& Router::Rows(const MenuSpec& menu) {
  RefreshLiveRows(menu);
  return config_.At(menu.path);
}

void Router::RefreshLiveRows(const MenuSpec& menu) {
  if (!menu.volatile_rows) return;
  Table& table = config_.At(menu.path);
  if (menu.path == "/system/script/job") FillJobs(*this, &table);
  if (menu.path == "/system/script/environment") FillEnvironment(*this, &table);
  if (menu.path == "/log") FillLog(*this, &table);
  if (menu.path == "/system/health") FillHealth(*this, &table);
  if (menu.path == "/system/package") FillPackages(*this, &table);
}

// /interface shows the rows of all menus below it that make interfaces.
void Router::SyncInterfaces() {
  static constexpr std::pair<absl::string_view, absl::string_view> kKinds[] = {
      {"/interface/ethernet", "ether"},
      {"/interface/bridge", "bridge"},
      {"/interface/vlan", "vlan"},
      {"/interface/wireguard", "wg"}};
  Table& all = config_.At("/interface");
  std::vector<Row> rows;
  for (const auto& [path, type] : kKinds) {
    for (const Row& source : config_.At(path).rows) {
      const Value origin = Text(absl::StrCat(path, " ", source.id));
      Row row;
      for (const Row& old : all.rows) {
        if (SameValue(old.Get("origin"), origin)) row = old;
      }
      if (row.id == 0) row.id = all.next_id++;
      row.values["origin"] = origin;
      row.values["type"] = Text(type);
      row.values["running"] =
          Value::Bool(source.Get("running").IsEmpty() || IsTrue(source.Get("running")));
      for (const char* name : {"name", "default-name", "mac-address", "disabled", "comment"}) {
        const Value value = source.Get(name);
        if (value.IsEmpty())
          row.values.erase(name);
        else
          row.values[name] = value;
      }
      rows.push_back(std::move(row));
    }
  }
  all.rows = std::move(rows);
}

// The scheduler.

absl::Duration Router::IntervalOf(const Row& entry) const {
  const Value interval = entry.Get("interval");
  const absl::Duration given = absl::Nanoseconds(interval.number());
  // Those of the agent's profiles.
  const bool beats =
      given == absl::Seconds(30) || given == absl::Seconds(60) || given == absl::Seconds(300);
  if (options_.beat_interval && beats) return *options_.beat_interval;
  return given;
}

// When an entry that has no time yet fires first.
std::optional<absl::Duration> Router::NextRun(const Row& entry) const {
  const absl::Duration interval = IntervalOf(entry);
  const bool startup = entry.Text("start-time") == "startup";
  if (interval > absl::ZeroDuration()) return now_ + interval;
  // Without an interval: once, three seconds after the console has started.
  if (startup && now_ == boot_at_) return now_ + absl::Seconds(3);
  return std::nullopt;
}

// Gives entries that are new or changed their first time, and forgets those that are gone.
void Router::PlanEntries() {
  Table& table = config_.At("/system/scheduler");
  for (auto next = next_runs_.begin(); next != next_runs_.end();) {
    next = table.Find(next->first) == nullptr ? next_runs_.erase(next) : std::next(next);
  }
  for (const Row& entry : table.rows) {
    if (IsTrue(entry.Get("disabled"))) {
      next_runs_.erase(entry.id);
    } else if (next_runs_.count(entry.id) == 0) {
      next_runs_[entry.id] = NextRun(entry).value_or(absl::InfiniteDuration());
    }
  }
}

void Router::StartDueEntries() {
  PlanEntries();
  Table& table = config_.At("/system/scheduler");
  for (size_t i = 0; i < table.rows.size(); ++i) {
    Row& entry = table.rows[i];
    const auto next = next_runs_.find(entry.id);
    if (next == next_runs_.end() || next->second > now_) continue;
    const absl::Duration interval = IntervalOf(entry);
    // What was missed meanwhile is not made up for.
    while (next->second <= now_) {
      next->second =
          interval > absl::ZeroDuration() ? next->second + interval : absl::InfiniteDuration();
    }
    StartEntry(entry);
  }
}

bool Router::HasUser(absl::string_view name) {
  for (const Row& user : config_.At("/user").rows) {
    if (user.Text("name") == name) return true;
  }
  return false;
}

void Router::StartEntry(Row& entry) {
  if (options_.device_mode_home && options_.version.AtLeast(7, 17)) return;
  entry.values["run-count"] = Value::Number(entry.Get("run-count").number() + 1);
  std::string text = entry.Text("on-event");
  const std::string name = entry.Text("name");
  const uint32_t policy = ParsePolicies(entry.Text("policy")).value_or(0) & options_.admin_policy;
  if (!quirks().ownerless_entries_run && !HasUser(entry.Text("owner"))) {
    ReportError(name, "not enough permissions (9)", 0, 0, false);
    return;
  }
  const bool bare_name = text.find_first_of(" \n:/\"") == std::string::npos && !text.empty();
  if (bare_name) text = absl::StrCat("/system script run ", text);
  const ParseResult parsed = Parse(text);
  if (!parsed.program) {
    ReportError(name, parsed.error.message, parsed.error.line, parsed.error.column, true);
    return;
  }
  StartTask(parsed.program, "", policy, "scheduler");
}

}  // namespace muster::simulator
