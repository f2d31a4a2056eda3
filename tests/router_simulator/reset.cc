// /system reset-configuration, and the script that runs after it.
//
// MikroTik's manual, Configuration Management: the configuration is cleared and backed up before
// (unless skip-backup), the router starts again and runs the .rsc file, which fails with "runtime
// limit exceeded" after two minutes. Files on the disk stay. Certificates are taken for a part of
// the configuration; nobody we know of has shown that. The default configuration that a board
// without no-defaults loads isn't modelled: with and without it the router is as after a
// netinstall.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/factory.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

constexpr absl::Duration kRuntimeLimit = absl::Minutes(2);
constexpr char kBackup[] = "auto-before-reset.backup";

// Written into a line of script, so nothing that would need an escape.
bool IsScriptFile(Router& router, const std::string& name) {
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_' || c == '/';
    if (!plain) return false;
  }
  return absl::EndsWith(name, ".rsc") && ReadFile(router, name).has_value();
}

bool ReadFlag(Evaluator& evaluator, const Node& node, const Arguments& arguments,
              const std::string& name, bool* flag) {
  if (!arguments.Has(name)) return true;
  const Value value = arguments.Get(name);
  const std::string text = ToText(value);
  *flag = text == "yes" || text == "true";
  if (*flag || text == "no" || text == "false") return true;
  return evaluator.Fail(node, absl::StrCat("invalid value for argument ", name));
}

bool RunReset(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  if (!evaluator.Needs(node, kPolicyReboot | kPolicyWrite | kPolicyPolicy)) return false;
  Reset reset;
  bool no_defaults = false;
  if (!ReadFlag(evaluator, node, arguments, "no-defaults", &no_defaults) ||
      !ReadFlag(evaluator, node, arguments, "keep-users", &reset.keep_users) ||
      !ReadFlag(evaluator, node, arguments, "skip-backup", &reset.skip_backup)) {
    return false;
  }
  if (arguments.Has("run-after-reset")) {
    reset.run_after = arguments.Text("run-after-reset");
    if (!IsScriptFile(evaluator.router(), reset.run_after)) {
      return evaluator.Fail(node, "input does not match any value of run-after-reset");
    }
  }
  evaluator.router().RequestReset(std::move(reset));
  return evaluator.Sleep(node, absl::Seconds(1));
}

}  // namespace

void Router::RequestReset(Reset reset) {
  requested_reset_ = std::move(reset);
  RequestReboot(PowerDown::kClean);
}

void Router::PerformReset(const Reset& reset) {
  if (!reset.skip_backup) WriteFile(*this, kBackup, "simulated backup", "backup");
  ConfigStore kept;
  kept.tables["/file"] = config_.tables["/file"];
  if (reset.keep_users) {
    for (const char* path : {"/user", "/user/group"}) kept.tables[path] = config_.tables[path];
  }
  Reboot(PowerDown::kClean);
  config_ = ConfigStore();
  FillFactoryConfig(options_, *tree_, &config_);
  for (auto& [path, table] : kept.tables) config_.tables[path] = std::move(table);
  SyncInterfaces();
  flash_.clear();
  RememberForFlash();
  if (reset.run_after.empty()) return;
  const ParseResult import = Parse(absl::StrCat("/import file-name=", reset.run_after));
  Task* task = StartTask(import.program, reset.run_after, kPolicyAll, "command");
  task->ends_by = now_ + kRuntimeLimit;
}

void Router::EndOverdueTasks() {
  for (const auto& task : tasks_) {
    if (task->ended() || task->killed() || task->ends_by > now_) continue;
    Log("script,error", absl::StrCat("error while running ", task->script(),
                                     " after reset: runtime limit exceeded"));
    task->ends_by = absl::InfiniteDuration();
    task->Kill();
  }
}

void AddResetHandlers(HandlerMap* handlers) {
  (*handlers)["/system reset-configuration"] = RunReset;
}

}  // namespace muster::simulator
