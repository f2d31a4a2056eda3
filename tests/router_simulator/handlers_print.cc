// print in its forms, and export.
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/rows.h"

namespace muster::simulator {
namespace {

void PrintSettings(Evaluator& evaluator, const MenuSpec& menu, const Row& row) {
  for (const PropertySpec& property : menu.properties) {
    const Value value = evaluator.router().Read(menu, row, property);
    if (value.IsEmpty()) continue;
    const std::string pad(property.name.size() < 26 ? 26 - property.name.size() : 0, ' ');
    evaluator.Print(absl::StrCat(pad, property.name, ": ", ShownText(value)));
  }
}

void PrintRow(Evaluator& evaluator, const MenuSpec& menu, const Row& row, size_t number) {
  std::string line = absl::StrCat(number < 10 ? " " : "", number);
  const Value disabled = row.Get("disabled");
  const Value dynamic = row.Get("dynamic");
  absl::StrAppend(&line, " ", disabled.AsBool() ? "X" : " ", dynamic.AsBool() ? "D" : " ");
  const Value comment = row.Get("comment");
  if (!ToText(comment).empty()) {
    evaluator.Print(absl::StrCat(line, ";;; ", ToText(comment)));
    line = "     ";
  }
  for (const PropertySpec& property : menu.properties) {
    if (property.name == "comment" || property.name == "disabled" || property.hidden) continue;
    const Value value = evaluator.router().Read(menu, row, property);
    if (value.IsEmpty()) continue;
    absl::StrAppend(&line, " ", property.name, "=", ShownText(value));
  }
  evaluator.Print(line);
}

bool RunPrint(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  Router& router = evaluator.router();
  const MenuSpec& menu = *node.menu;
  if (menu.kind == MenuKind::kSettings) {
    const Row row = router.config().Settings(menu.path);
    if (!arguments.Has("as-value")) {
      PrintSettings(evaluator, menu, row);
      return true;
    }
    Value map = RowAsMap(evaluator, menu, row);
    *result = evaluator.quirks().settings_as_value_is_list ? Value::List({std::move(map)})
                                                           : std::move(map);
    return true;
  }
  std::vector<int64_t> ids;
  if (!FilteredRows(evaluator, node, &ids)) return false;
  // Goes to NAME.txt instead of the terminal; of the text only the first line is written here.
  if (arguments.Has("file")) {
    const bool written =
        WriteFile(router, arguments.Text("file") + ".txt",
                  absl::StrCat("# by RouterOS ", evaluator.version().text, "\n"), ".txt file");
    if (!written) return evaluator.Fail(node, "failure: no space left on the disk");
    return true;
  }
  if (arguments.Has("count-only")) {
    *result = Value::Number(static_cast<int64_t>(ids.size()));
    evaluator.Print(absl::StrCat(ids.size()));
    return true;
  }
  std::vector<Value> list;
  size_t number = 0;
  for (const int64_t id : ids) {
    const Row* found = router.Rows(menu).Find(id);
    if (found == nullptr) continue;
    const Row row = *found;
    if (arguments.Has("as-value")) {
      list.push_back(RowAsMap(evaluator, menu, row));
    } else {
      PrintRow(evaluator, menu, row, number++);
    }
  }
  if (arguments.Has("as-value")) *result = Value::List(std::move(list));
  return true;
}

bool RunExport(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  ExportOptions options;
  // v6 shows secrets unless told otherwise, v7 hides them.
  options.show_sensitive = evaluator.version().IsV6() ? !arguments.Has("hide-sensitive")
                                                      : arguments.Has("show-sensitive");
  if ((evaluator.policy() & kPolicySensitive) == 0) options.show_sensitive = false;
  options.verbose = arguments.Has("verbose");
  const std::string text = ExportText(evaluator.router(), *node.menu, options);
  if (!arguments.Has("file")) {
    evaluator.Print(text);
    return true;
  }
  std::string name = arguments.Text("file");
  if (name.size() < 4 || name.substr(name.size() - 4) != ".rsc") name += ".rsc";
  if (!WriteFile(evaluator.router(), name, text, "script")) {
    return evaluator.Fail(node, "failure: no space left on the disk");
  }
  return true;
}

}  // namespace

void AddRootExportHandler(HandlerMap* handlers) { (*handlers)[":export"] = RunExport; }

void AddPrintHandlers(HandlerMap* handlers) {
  (*handlers)["print"] = RunPrint;
  (*handlers)["export"] = RunExport;
}

}  // namespace muster::simulator
