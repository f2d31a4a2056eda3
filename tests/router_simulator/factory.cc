#include "tests/router_simulator/factory.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

Value Text(absl::string_view text) { return Value::String(std::string(text)); }

Row& NamedRow(ConfigStore* config, absl::string_view path, absl::string_view name) {
  Row& row = config->At(path).Add();
  row.values["name"] = Text(name);
  return row;
}

// The board's first address, plus `offset` in its last byte.
std::string NextMac(const std::string& mac, int offset) {
  const int last = static_cast<int>(*ParseNumber(absl::StrCat("0x", mac.substr(15))));
  return absl::StrFormat("%s%02X", mac.substr(0, 15), (last + offset) & 255);
}

void FillPorts(const RouterOptions& options, ConfigStore* config) {
  for (int i = 0; i < 5; ++i) {
    const std::string name = absl::StrCat("ether", i + 1);
    Row& row = NamedRow(config, "/interface/ethernet", name);
    row.values["default-name"] = Text(name);
    row.values["mac-address"] = Text(NextMac(options.mac, i));
    row.values["running"] = Value::Bool(i == 0);
  }
}

void FillServices(ConfigStore* config) {
  static constexpr std::pair<absl::string_view, int> kServices[] = {
      {"telnet", 23},   {"ftp", 21},   {"www", 80},      {"ssh", 22},
      {"www-ssl", 443}, {"api", 8728}, {"winbox", 8291}, {"api-ssl", 8729}};
  for (const auto& [name, port] : kServices) {
    Row& row = NamedRow(config, "/ip/service", name);
    row.values["port"] = Value::Number(port);
    row.values["disabled"] = Value::Bool(name == "www-ssl");
    row.values["factory"] = Value::Bool(true);
  }
}

void FillPeople(const RouterOptions& options, ConfigStore* config) {
  static constexpr std::pair<absl::string_view, uint32_t> kGroups[] = {
      {"read", kPolicyRead | kPolicyTest | kPolicyReboot | kPolicyPassword | kPolicySniff |
                   kPolicySensitive | kPolicyRomon},
      {"write", kPolicyAll & ~(kPolicyFtp | kPolicyPolicy)},
      {"full", kPolicyAll}};
  for (const auto& [name, policy] : kGroups) {
    Row& row = NamedRow(config, "/user/group", name);
    row.values["policy"] = Text(PolicyText(policy));
    row.values["default"] = Value::Bool(true);
  }
  Row& admin = NamedRow(config, "/user", "admin");
  admin.values["group"] = Text(options.admin_policy == kPolicyAll ? "full" : "write");
  for (const absl::string_view name : {"default", "default-encryption"}) {
    NamedRow(config, "/ppp/profile", name).values["default"] = Value::Bool(true);
  }
}

void FillLogging(ConfigStore* config) {
  for (const absl::string_view name : {"memory", "disk", "echo", "remote"}) {
    Row& row = NamedRow(config, "/system/logging/action", name);
    row.values["target"] = Text(name);
    row.values["default"] = Value::Bool(true);
  }
  for (const absl::string_view topics : {"info", "error", "warning", "critical"}) {
    Row& row = config->At("/system/logging").Add();
    row.values["topics"] = Text(topics);
    row.values["default"] = Value::Bool(true);
  }
  Row& list = NamedRow(config, "/snmp/community", "public");
  list.values["default"] = Value::Bool(true);
  for (const absl::string_view name : {"all", "none", "dynamic", "static"}) {
    NamedRow(config, "/interface/list", name).values["builtin"] = Value::Bool(true);
  }
}

// A level that wanders with the time, the same for the same router and moment.
int64_t Wander(Router& router, int64_t low, int64_t high, uint64_t salt) {
  const uint64_t minute = static_cast<uint64_t>(absl::ToInt64Seconds(router.uptime()) / 30);
  uint64_t mixed =
      (router.options().seed + salt) * 0x9E3779B97F4A7C15u + minute * 0xBF58476D1CE4E5B9u;
  mixed ^= mixed >> 29;
  return low + static_cast<int64_t>(mixed % static_cast<uint64_t>(high - low + 1));
}

Value Resource(Router& router, const std::string& name) {
  const RouterOptions& options = router.options();
  if (name == "uptime") {
    return Value::Time(absl::ToInt64Seconds(router.uptime()) * 1'000'000'000);
  }
  if (name == "version") {
    return Text(
        absl::StrCat(options.version.text, options.version.IsV6() ? " (long-term)" : " (stable)"));
  }
  if (name == "cpu-load") return Value::Number(Wander(router, 1, 35, 1));
  if (name == "cpu-count") return Value::Number(options.routerboard ? 4 : 2);
  if (name == "cpu-frequency") return Value::Number(options.routerboard ? 880 : 2400);
  if (name == "cpu") return Text("MIPS 1004Kc V2.15");
  if (name == "free-memory") return Value::Number(Wander(router, 180, 210, 2) << 20);
  if (name == "total-memory") return Value::Number(int64_t{256} << 20);
  if (name == "free-hdd-space") {
    return Value::Number(router.faults().flash_full ? 0 : options.free_disk_bytes);
  }
  if (name == "total-hdd-space") return Value::Number(int64_t{16} << 20);
  if (name == "architecture-name") return Text(options.architecture);
  if (name == "board-name") return Text(options.board);
  if (name == "platform") return Text("MikroTik");
  // A CHR counts neither sectors nor bad blocks.
  if (!options.routerboard) return Value();
  if (name == "write-sect-since-reboot") return Value::Number(2711);
  if (name == "write-sect-total") return Value::Number(81'024);
  if (name == "bad-blocks") return Text("0%");
  return Value();
}

Value ClockValue(Router& router, const std::string& name) {
  const absl::Time now = router.WallClock();
  const absl::TimeZone utc = absl::UTCTimeZone();
  if (name == "time") {
    const absl::CivilSecond civil = absl::ToCivilSecond(now, utc);
    return Value::Time((civil.hour() * 3600 + civil.minute() * 60 + civil.second()) *
                       int64_t{1'000'000'000});
  }
  if (name != "date") return Value();
  // ISO dates came with 7.10.
  if (router.options().version.AtLeast(7, 10)) return Text(absl::FormatTime("%Y-%m-%d", now, utc));
  return Text(absl::AsciiStrToLower(absl::FormatTime("%b/%d/%Y", now, utc)));
}

Value Board(Router& router, const std::string& name) {
  const RouterOptions& options = router.options();
  if (name == "routerboard") return Value::Bool(true);
  if (name == "board-name" || name == "model") return Text(options.board);
  if (name == "serial-number") return Text(options.serial);
  if (name == "current-firmware" || name == "upgrade-firmware") return Text(options.version.text);
  return Value();
}

Value Licence(Router& router, const std::string& name) {
  const RouterOptions& options = router.options();
  if (options.routerboard) {
    if (name == "software-id") return Text(options.software_id);
    if (name == "nlevel") return Value::Number(4);
    return Value();
  }
  if (name == "system-id") return Text(options.software_id);
  if (name == "level") return Text("p1");
  return Value();
}

// A probe that has run for a minute knows its link.
Value Probe(Router& router, const Row& row, const std::string& name) {
  const Value kind = row.Get("type");
  if (name == "status") {
    return Text(router.uptime() > absl::Minutes(1) ? "up" : "unknown");
  }
  if (ToText(kind) != "icmp" || router.uptime() < absl::Minutes(1)) return Value();
  const int64_t average = Wander(router, 8'000, 14'000, 3);
  if (name == "rtt-avg") return Value::Time(average * 1'000);
  if (name == "rtt-min") return Value::Time((average - 900) * 1'000);
  if (name == "rtt-max") return Value::Time((average + 2'500) * 1'000);
  if (name == "rtt-jitter") return Value::Time(Wander(router, 900, 3'400, 4) * 1'000);
  if (name == "rtt-stdev") return Value::Time(Wander(router, 300, 900, 5) * 1'000);
  if (name == "loss-percent") return Text("0");
  if (name == "sent-count" || name == "response-count") return Value::Number(10);
  if (name == "loss-count") return Value::Number(0);
  return Value();
}

Value HealthV6(Router& router, const std::string& name) {
  if (!router.options().routerboard) return Value();
  // v6 gives the voltage in tenths.
  if (name == "voltage") return Value::Number(241);
  return name == "temperature" ? Value::Number(Wander(router, 36, 44, 6)) : Value();
}

}  // namespace

void FillFactoryConfig(const RouterOptions& options, const CommandTree& tree, ConfigStore* config) {
  config->Settings("/system/identity").values["name"] = Text(options.identity);
  FillPorts(options, config);
  FillServices(config);
  FillPeople(options, config);
  FillLogging(config);
}

bool ReadComputed(Router& router, const MenuSpec& menu, const Row& row,
                  const PropertySpec& property, Value* value) {
  const std::string& path = menu.path;
  const std::string& name = property.name;
  if (path == "/system/resource")
    *value = Resource(router, name);
  else if (path == "/system/clock")
    *value = ClockValue(router, name);
  else if (path == "/system/routerboard")
    *value = Board(router, name);
  else if (path == "/system/license")
    *value = Licence(router, name);
  else if (path == "/system/health" && menu.kind == MenuKind::kSettings)
    *value = HealthV6(router, name);
  else if (path == "/tool/netwatch" && property.read_only)
    *value = Probe(router, row, name);
  else
    return false;
  if (path == "/system/clock" && value->IsEmpty()) return false;
  return true;
}

}  // namespace muster::simulator
