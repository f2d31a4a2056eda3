// A dry run for programs. The names below are a contract: docs/jobs.md lists them.
#include <google/protobuf/wrappers.pb.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/job_dry_run.h"
#include "cli/output/structured.h"

namespace muster::cli {
namespace {

std::string Text(absl::string_view text) {
  google::protobuf::StringValue value;
  value.set_value(std::string(text));
  return JsonLine(value).value_or("\"\"");
}

std::string Texts(const std::vector<std::string>& texts) {
  return absl::StrCat("[",
                      absl::StrJoin(texts, ", ",
                                    [](std::string* out, const std::string& text) {
                                      absl::StrAppend(out, Text(text));
                                    }),
                      "]");
}

// "[" + one object a line + "]".
std::string Objects(const std::vector<std::string>& objects) {
  if (objects.empty()) return "[]";
  return absl::StrCat("[\n  ", absl::StrJoin(objects, ",\n  "), "\n ]");
}

std::string Json(const VersionCheck& check) {
  return absl::StrCat(
      "{\"version\": ", Text(check.version), ", \"family\": ", Text(check.family),
      ", \"deviceCount\": ", check.device_count, ", \"loads\": ", check.loads ? "true" : "false",
      ", \"sentAs\": ", Text(check.is_hex ? "hex" : "escaped"), ", \"parts\": ", check.parts,
      ", \"payloadBytes\": ", check.payload_bytes, ", \"checkedAgainst\": ", Text(check.tree),
      ", \"exampleDevice\": ", Text(check.example_device), ", \"script\": ", Text(check.rendered),
      "}");
}

std::string Json(const ScriptFinding& finding) {
  return absl::StrCat("{\"severity\": ", Text(finding.kind == "syntax" ? "error" : "warning"),
                      ", \"kind\": ", Text(finding.kind), ", \"line\": ", finding.line,
                      ", \"column\": ", finding.column, ", \"message\": ", Text(finding.message),
                      ", \"versions\": ", Texts(finding.versions), "}");
}

std::string Json(const CheckedDevice& device) {
  return absl::StrCat("{\"name\": ", Text(device.name), ", \"title\": ", Text(device.title),
                      ", \"version\": ", Text(device.version), "}");
}

template <typename Item>
std::string List(const std::vector<Item>& items) {
  std::vector<std::string> objects;
  objects.reserve(items.size());
  for (const Item& item : items) objects.push_back(Json(item));
  return Objects(objects);
}

}  // namespace

std::string DryRunJson(const DryRun& dry_run) {
  return absl::StrCat(
      "{\n \"targetCount\": ", dry_run.devices.size(), ",\n \"refusal\": ", Text(dry_run.refusal),
      ",\n \"effects\": ", Texts(dry_run.effects), ",\n \"findings\": ", List(dry_run.findings),
      ",\n \"versions\": ", List(dry_run.versions), ",\n \"devices\": ", List(dry_run.devices),
      "\n}\n");
}

}  // namespace muster::cli
