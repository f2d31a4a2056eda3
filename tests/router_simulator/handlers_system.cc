// Scripts and jobs, files, the log, reboot.
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/rows.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

constexpr size_t kLongestExecute = 65'536;

bool RunScript(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  std::vector<int64_t> ids;
  if (!SelectRows(evaluator, node, arguments.Get("number"), &ids)) return false;
  if (ids.empty()) return evaluator.Fail(node, "no such item (4)");
  Router& router = evaluator.router();
  Table& table = router.Rows(*node.menu);
  for (const int64_t id : ids) {
    Row* row = table.Find(id);
    if (row == nullptr) return evaluator.Fail(node, "no such item (4)");
    const std::string name = row->Text("name");
    const uint32_t wanted = ParsePolicies(row->Text("policy")).value_or(kPolicyAll);
    const bool lifted = row->Get("dont-require-permissions").AsBool();
    // A script runs with the rights of its caller, and is refused where it has more.
    if (!lifted && (wanted & ~evaluator.policy()) != 0) {
      return evaluator.Fail(node, "not enough permissions (9)");
    }
    row->values["run-count"] = Value::Number(row->Get("run-count").number() + 1);
    const ParseResult parsed = router.Parse(row->Text("source"));
    if (!parsed.program) {
      router.ReportError(name, parsed.error.message, parsed.error.line, parsed.error.column, true);
      return evaluator.Fail(node, parsed.error.ToText());
    }
    const std::string outer = evaluator.task().script();
    evaluator.task().set_script(name);
    router.Emit({EventKind::kTaskStarted, name, "", 0, 0});
    Value ignored;
    const bool good = evaluator.RunProgram(parsed.program, &ignored);
    router.Emit({EventKind::kTaskEnded, name, "", 0, 0});
    if (!good && evaluator.unwind().kind == UnwindKind::kExit)
      evaluator.TakeUnwind();
    else if (!good)
      return false;
    evaluator.task().set_script(outer);
  }
  return true;
}

// What an `:execute … as-string` answers where its text failed.
bool AsString(Evaluator& evaluator, const Node& node, Task* task, Value* result) {
  while (!task->ended()) {
    if (!evaluator.task().WaitForEnd(*task)) {
      task->Kill();
      task->keep = false;
      return evaluator.Leave(UnwindKind::kKilled, Value());
    }
  }
  std::string text = task->output;
  const RunResult done = task->result;
  task->keep = false;
  if (!done.ok) {
    if (evaluator.quirks().as_string_raises) return evaluator.Fail(node, done.error);
    absl::StrAppend(&text, done.error, "\r\n");
  }
  *result = Value::String(std::move(text));
  return true;
}

bool RunExecute(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const Value script = arguments.Get("script");
  const std::string text = ToText(script);
  if (text.size() > kLongestExecute) {
    return evaluator.Fail(node, "failure: script is longer than 64 KiB");
  }
  Router& router = evaluator.router();
  const bool as_string = arguments.Has("as-string");
  // The text is checked when it runs, not here.
  const ParseResult parsed =
      script.body() != nullptr ? ParseResult{script.program(), {}} : router.Parse(text);
  if (!parsed.program) {
    if (!as_string) {
      router.ReportError("", parsed.error.message, parsed.error.line, parsed.error.column, true);
      Task* dead = router.StartTask(ParseResult(router.Parse("")).program, "", 0, "command");
      *result = Value::Id(dead->id());
      return true;
    }
    if (evaluator.quirks().as_string_raises) return evaluator.Fail(node, parsed.error.ToText());
    *result = Value::String(parsed.error.ToText() + "\r\n");
    return true;
  }
  Task* task = router.StartTask(parsed.program, "", evaluator.policy(), "command");
  task->parent = ToText(Value::Id(evaluator.task().id()));
  if (arguments.Has("file")) task->output_file = arguments.Text("file") + ".txt";
  if (!as_string) {
    *result = Value::Id(task->id());
    return true;
  }
  task->keep = true;
  task->report_errors = false;
  return AsString(evaluator, node, task, result);
}

template <int kLevel>
bool RunLog(Evaluator& evaluator, const Node& node, Value*) {
  static constexpr absl::string_view kTopics[] = {"script,debug", "script,info", "script,warning",
                                                  "script,error"};
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  evaluator.router().Log(kTopics[kLevel], arguments.Text("message"));
  return true;
}

bool RunReboot(Evaluator& evaluator, const Node& node, Value*) {
  if (!evaluator.Needs(node, kPolicyReboot)) return false;
  evaluator.router().RequestReboot(PowerDown::kClean);
  return evaluator.Sleep(node, absl::Seconds(1));
}

bool RunFileRead(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const std::optional<std::string> text = ReadFile(evaluator.router(), arguments.Text("file"));
  if (!text) return evaluator.Fail(node, "no such item (4)");
  const Value offset = arguments.Get("offset");
  const Value size = arguments.Get("chunk-size");
  const size_t from = offset.Is(ValueType::kNumber) ? static_cast<size_t>(offset.number()) : 0;
  const size_t bytes = size.Is(ValueType::kNumber) ? static_cast<size_t>(size.number()) : 32'768;
  if (bytes > 32'768) return evaluator.Fail(node, "invalid value for argument chunk-size");
  Array map;
  map.named["data"] = Value::String(from < text->size() ? text->substr(from, bytes) : "");
  if (arguments.Has("as-value")) {
    *result = Value::FromArray(std::move(map));
  } else {
    evaluator.Print(ToText(map.named["data"]));
  }
  return true;
}

// A backup is a file that stands for a copy of the configuration; nothing here reads it again.
bool RunBackupSave(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  if (!evaluator.Needs(node, kPolicyWrite | kPolicySensitive)) return false;
  const std::string name = arguments.Has("name") ? arguments.Text("name") : "backup";
  if (!WriteFile(evaluator.router(), name + ".backup", "simulated backup", "backup")) {
    return evaluator.Fail(node, "failure: no space left on the disk");
  }
  evaluator.Print("Configuration backup saved");
  return true;
}

bool RunUpdateCheck(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  Row& row = evaluator.router().config().Settings("/system/package/update");
  row.values["latest-version"] = Value::String(evaluator.version().text);
  row.values["status"] = Value::String("System is already up to date");
  evaluator.Print("            status: System is already up to date");
  return true;
}

bool RunQuietly(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  return evaluator.EvaluateArguments(node, &arguments);
}

}  // namespace

void AddSystemHandlers(HandlerMap* handlers) {
  HandlerMap& map = *handlers;
  map["/system/script run"] = RunScript;
  map[":execute"] = RunExecute;
  map["/log debug"] = RunLog<0>;
  map["/log info"] = RunLog<1>;
  map["/log warning"] = RunLog<2>;
  map["/log error"] = RunLog<3>;
  map["/system reboot"] = RunReboot;
  map["/file read"] = RunFileRead;
  map["/system/backup save"] = RunBackupSave;
  map["/system/package/update check-for-updates"] = RunUpdateCheck;
  map["/ip/cloud force-update"] = RunQuietly;
  map["/ip/dhcp-client release"] = RunQuietly;
  map["/ip/dhcp-client renew"] = RunQuietly;
  map[":beep"] = RunQuietly;
}

}  // namespace muster::simulator
