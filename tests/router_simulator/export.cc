#include "tests/router_simulator/export.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/rows.h"

namespace muster::simulator {
namespace {

bool NeedsQuotes(absl::string_view text) {
  return text.empty() || !std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/' ||
                  c == ':' || c == ',' || c == '*' || c == '+' || c == '@' || c == '%' || c == '!';
         });
}

bool IsTrue(const Value& value) { return value.Is(ValueType::kBool) && value.AsBool(); }

// Properties that differ from what a new row has, as "name=value" words.
std::string Differences(Router& router, const MenuSpec& menu, const Row& row,
                        const ExportOptions& options) {
  std::string words;
  for (const PropertySpec& property : menu.properties) {
    if (property.read_only || (property.hidden && !options.show_sensitive)) continue;
    const Value value = row.Get(property.name);
    if (value.IsEmpty()) continue;
    const bool initial = property.initial && ShownText(*property.initial) == ShownText(value);
    if (initial && !options.verbose) continue;
    if (menu.path == "/ip/address" && property.name == "network") {
      // Written by RouterOS itself; kept in the export as RouterOS does.
    }
    std::string text = ShownText(value);
    if (NeedsQuotes(text)) text = QuoteForScript(text);
    absl::StrAppend(&words, " ", property.name, "=", text);
  }
  return words;
}

bool IsFactoryRow(const MenuSpec& menu, const Row& row) {
  return IsTrue(row.Get("dynamic")) || IsTrue(row.Get("default")) || IsTrue(row.Get("builtin")) ||
         (menu.path == "/interface" || row.Get("factory").AsBool());
}

std::string FixedRow(Router& router, const MenuSpec& menu, const Row& row,
                     const ExportOptions& options) {
  const PropertySpec* key = menu.Key();
  if (key == nullptr) return "";
  const std::string changes = Differences(router, menu, row, options);
  const std::string shown =
      row.Text("default-name").empty() ? row.Text(key->name) : row.Text("default-name");
  const std::string unchanged = absl::StrCat(" ", key->name, "=", shown);
  if (changes.empty() || changes == unchanged) return "";
  if (!row.Text("default-name").empty()) {
    return absl::StrCat("set [ find default-name=", shown, " ]", changes, "\r\n");
  }
  return absl::StrCat("set ", shown, changes, "\r\n");
}

std::string MenuText(Router& router, const MenuSpec& menu, const ExportOptions& options) {
  std::string lines;
  if (menu.kind == MenuKind::kSettings) {
    const auto found = router.config().tables.find(menu.path);
    if (found == router.config().tables.end() || found->second.rows.empty()) return "";
    const std::string words = Differences(router, menu, found->second.rows[0], options);
    return words.empty() ? "" : absl::StrCat("set", words, "\r\n");
  }
  if (menu.kind != MenuKind::kTable || menu.volatile_rows || menu.path == "/interface") return "";
  for (const Row& row : router.Rows(menu).rows) {
    if (menu.fixed) {
      absl::StrAppend(&lines, FixedRow(router, menu, row, options));
    } else if (!IsFactoryRow(menu, row)) {
      absl::StrAppend(&lines, "add", Differences(router, menu, row, options), "\r\n");
    }
  }
  return lines;
}

void AppendMenu(Router& router, const MenuSpec& menu, const ExportOptions& options,
                std::string* out) {
  // Users are never exported, certificates and files neither.
  if (menu.path == "/user" || menu.path == "/user/group" || menu.path == "/certificate") return;
  const std::string lines = MenuText(router, menu, options);
  if (!lines.empty()) {
    absl::StrAppend(out, absl::StrReplaceAll(menu.path.substr(1), {{"/", " "}}).insert(0, "/"),
                    "\r\n", lines);
  }
  for (const auto& [name, child] : menu.children) AppendMenu(router, *child, options, out);
}

}  // namespace

std::string QuoteForScript(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
      case '\\':
      case '$':
        absl::StrAppend(&out, "\\", std::string(1, c));
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '?':
        out += "\\\?";
        break;
      default:
        if (byte < 0x20 || byte > 0x7e) {
          absl::StrAppendFormat(&out, "\\%02X", byte);
        } else {
          out.push_back(c);
        }
    }
  }
  return out + "\"";
}

std::string ExportText(Router& router, const MenuSpec& menu, const ExportOptions& options) {
  std::string out;
  if (options.header) {
    const bool iso = router.options().version.AtLeast(7, 10);
    const std::string date = absl::FormatTime(iso ? "%Y-%m-%d %H:%M:%S" : "%b/%d/%Y %H:%M:%S",
                                              router.WallClock(), absl::UTCTimeZone());
    absl::StrAppend(&out, "# ", iso ? date : absl::AsciiStrToLower(date), " by RouterOS ",
                    router.options().version.text,
                    "\r\n# software id = ", router.options().software_id, "\r\n#\r\n");
  }
  AppendMenu(router, menu, options, &out);
  return out;
}

bool WriteFile(Router& router, absl::string_view name, absl::string_view contents,
               absl::string_view type) {
  if (router.faults().flash_full) return router.quirks().full_flash_is_silent;
  const MenuSpec& menu = *router.tree().Menu("/file");
  Table& table = router.Rows(menu);
  Row* row = nullptr;
  for (Row& candidate : table.rows) {
    if (candidate.Text("name") == name) row = &candidate;
  }
  const bool made = row == nullptr;
  if (made) row = &table.Add();
  row->values["name"] = Value::String(std::string(name));
  row->values["type"] = Value::String(std::string(type));
  row->values["contents"] = Value::String(std::string(contents));
  row->values["size"] = Value::Number(static_cast<int64_t>(contents.size()));
  const Row copy = *row;
  router.ConfigChanged(made ? EventKind::kRowAdded : EventKind::kRowChanged, menu, copy);
  return true;
}

std::optional<std::string> ReadFile(Router& router, absl::string_view name) {
  for (const Row& row : router.Rows(*router.tree().Menu("/file")).rows) {
    if (row.Text("name") == name) return row.Text("contents");
  }
  return std::nullopt;
}

bool RemoveFile(Router& router, absl::string_view name) {
  const MenuSpec& menu = *router.tree().Menu("/file");
  Table& table = router.Rows(menu);
  for (const Row& row : table.rows) {
    if (row.Text("name") == name) {
      const Row copy = row;
      table.Remove(copy.id);
      router.ConfigChanged(EventKind::kRowRemoved, menu, copy);
      return true;
    }
  }
  return false;
}

}  // namespace muster::simulator
