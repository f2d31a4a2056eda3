#include "tests/router_simulator/router.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/factory.h"
#include "tests/router_simulator/rows.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

constexpr size_t kLogLines = 1000;

}  // namespace

void BlockingCall::Run() {
  if (transport_ == nullptr) {
    reply_.outcome = HttpReply::Outcome::kConnectFailed;
    reply_.error = "no network";
    return;
  }
  reply_ = transport_->Fetch(request_);
}

Router::Router(RouterOptions options)
    : options_(std::move(options)),
      tree_(
          &MenuTree(options_.version, options_.routerboard, options_.ppp_package, options_.dumps)),
      wall_at_boot_(options_.clock),
      random_(options_.seed) {
  FillFactoryConfig(options_, *tree_, &config_);
  SyncInterfaces();
  RememberForFlash();
}

Router::~Router() {
  observer_ = nullptr;
  EndAllTasks();
}

ParseResult Router::Parse(absl::string_view text) {
  ParseOptions options;
  options.dot_before_plus = quirks().dot_before_plus;
  return ParseCached(text, *tree_, options);
}

// Running and waiting.

void Router::Paste(absl::string_view text) {
  pasted_.reset();
  const ParseResult parsed = Parse(text);
  if (!parsed.program) {
    ReportError("paste", parsed.error.message, parsed.error.line, parsed.error.column, true);
    pasted_ = RunResult{false, false, parsed.error.ToText(), "", Value()};
    return;
  }
  Task* task = StartTask(parsed.program, "", options_.admin_policy, "login");
  paste_task_ = task->id();
}

std::optional<RunResult> Router::PasteResult() const { return pasted_; }

RunResult Router::Run(absl::string_view text, absl::Duration patience) {
  Paste(text);
  const absl::Duration deadline = now_ + patience;
  while (!pasted_ && now_ < deadline) {
    RunUntil(std::min(deadline, std::max(NextWake(), now_)));
  }
  if (pasted_) return *pasted_;
  RunResult result;
  result.ok = false;
  result.error = "still running";
  return result;
}

void Router::RunUntil(absl::Duration until) {
  while (true) {
    std::vector<std::shared_ptr<BlockingCall>> calls = Step(now_);
    for (const auto& call : calls) {
      call->Run();
      Complete(call);
    }
    if (!calls.empty()) continue;
    const absl::Duration wake = NextWake();
    if (wake <= now_) continue;
    if (wake > until) break;
    now_ = wake;
  }
  now_ = std::max(now_, until);
}

std::vector<std::shared_ptr<BlockingCall>> Router::Step(absl::Duration now) {
  now_ = std::max(now_, now);
  DeliverLateReplies();
  EndOverdueTasks();
  StartDueEntries();
  while (RunReadyTasks()) {
  }
  PlanEntries();
  std::vector<std::shared_ptr<BlockingCall>> calls = std::exchange(begun_, {});
  waiting_.insert(waiting_.end(), calls.begin(), calls.end());
  return calls;
}

void Router::Complete(const std::shared_ptr<BlockingCall>& call) {
  if (faults_.fetch_delay > absl::ZeroDuration()) {
    late_.push_back({now_ + faults_.fetch_delay, call});
    return;
  }
  waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), call), waiting_.end());
  if (call->task != nullptr) call->task->Deliver(std::move(call->reply()));
}

void Router::DeliverLateReplies() {
  for (LateReply& late : std::exchange(late_, {})) {
    if (late.at > now_) {
      late_.push_back(std::move(late));
      continue;
    }
    waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), late.call), waiting_.end());
    if (late.call->task != nullptr) late.call->task->Deliver(std::move(late.call->reply()));
  }
}

absl::Duration Router::NextWake() const {
  absl::Duration wake = absl::InfiniteDuration();
  for (const auto& task : tasks_) {
    if (!task->ended() && !task->waits_for_reply()) wake = std::min(wake, task->wake());
  }
  for (const auto& [id, at] : next_runs_) wake = std::min(wake, at);
  for (const LateReply& late : late_) wake = std::min(wake, late.at);
  for (const auto& task : tasks_) wake = std::min(wake, task->ends_by);
  return wake;
}

// One turn for each task that is due; false where none was.
bool Router::RunReadyTasks() {
  bool ran = false;
  // Tasks may start others: those get their turn in the next round.
  const size_t count = tasks_.size();
  for (size_t i = 0; i < count && i < tasks_.size(); ++i) {
    Task& task = *tasks_[i];
    if (task.ended() || task.waits_for_reply() || task.wake() > now_) continue;
    ran = true;
    task.Resume();
    if (task.ended() && task.id() == paste_task_ && !requested_reboot_) {
      pasted_ = task.result;
      pasted_->output = task.output;
      paste_task_ = 0;
    }
    if (task.ended() && !task.output_file.empty()) {
      WriteFile(*this, task.output_file, task.output, ".txt file");
    }
    if (task.ended()) {
      for (const auto& waiting : tasks_) {
        if (waiting->waits_for_task() == task.id()) waiting->WakeAt(now_);
      }
    }
    if (requested_reboot_) break;
  }
  if (requested_reboot_) PerformRequestedReboot();
  ReapTasks();
  return ran;
}

void Router::ReapTasks() {
  for (auto task = tasks_.begin(); task != tasks_.end();) {
    if (!(*task)->ended() || (*task)->keep) {
      ++task;
      continue;
    }
    for (const auto& call : waiting_) {
      if (call->task == task->get()) call->task = nullptr;
    }
    for (const auto& call : begun_) {
      if (call->task == task->get()) call->task = nullptr;
    }
    task = tasks_.erase(task);
  }
}

Task* Router::StartTask(const std::shared_ptr<const Program>& program, std::string script,
                        uint32_t policy, absl::string_view type) {
  tasks_.push_back(std::make_unique<Task>(this, next_task_++, std::move(script), policy));
  Task* task = tasks_.back().get();
  task->program = program;
  task->type = std::string(type);
  return task;
}

Task* Router::FindTask(int64_t id) {
  for (const auto& task : tasks_) {
    if (task->id() == id && !task->ended()) return task.get();
  }
  return nullptr;
}

bool Router::KillTask(int64_t id) {
  Task* task = FindTask(id);
  if (task == nullptr) return false;
  task->Kill();
  return true;
}

void Router::AwaitFetch(Task* task, HttpRequest request) {
  auto call = std::make_shared<BlockingCall>(options_.transport, std::move(request));
  call->task = task;
  begun_.push_back(std::move(call));
}

// Reboots and copies of the configuration.

void Router::EndAllTasks() {
  for (const auto& call : waiting_) call->task = nullptr;
  for (const auto& call : begun_) call->task = nullptr;
  begun_.clear();
  late_.clear();
  // A dying task starts no other, but `as-string` callers let go of theirs.
  for (const auto& task : tasks_) task->Kill();
  tasks_.clear();
}

void Router::PerformRequestedReboot() {
  const PowerDown how = *requested_reboot_;
  requested_reboot_.reset();
  const std::optional<Reset> reset = std::exchange(requested_reset_, std::nullopt);
  if (reset) return PerformReset(*reset);
  Reboot(how);
}

void Router::Reboot(PowerDown how) {
  EndAllTasks();
  requested_reboot_.reset();
  requested_reset_.reset();
  if (paste_task_ != 0) {
    paste_task_ = 0;
    RunResult result;
    result.ok = false;
    result.error = "connection lost: the router rebooted";
    pasted_ = result;
  }
  if (faults_.flash_full) {
    config_ = flash_.front().config;
  } else if (how == PowerDown::kPowerLoss && !quirks().flash_at_once &&
             options_.flash_delay > absl::ZeroDuration()) {
    const absl::Duration kept_until = now_ - options_.flash_delay;
    const Snapshot* kept = &flash_.front();
    for (const Snapshot& snapshot : flash_) {
      if (snapshot.at <= kept_until) kept = &snapshot;
    }
    config_ = kept->config;
  }
  const absl::Time wall = WallClock();
  globals_.clear();
  log_.clear();
  next_runs_.clear();
  flash_.clear();
  boot_at_ = now_;
  wall_at_boot_ = wall;
  ++boots_;
  RememberForFlash();
  Emit({EventKind::kReboot, how == PowerDown::kClean ? "clean" : "power loss", "", 0, 0});
}

void Router::RestoreConfig(ConfigStore copy) {
  // A backup holds neither files nor certificates.
  for (const char* kept : {"/certificate", "/file"}) copy.tables[kept] = config_.tables[kept];
  config_ = std::move(copy);
  next_runs_.clear();
  RememberForFlash();
}

void Router::ChangeVersion(RouterVersion version) {
  Reboot(PowerDown::kClean);
  options_.version = std::move(version);
  tree_ = &MenuTree(options_.version, options_.routerboard, options_.ppp_package, options_.dumps);
}

void Router::SetWallClock(absl::Time time) {
  if (quirks().clock_jump_fires && time > WallClock()) {
    for (auto& [id, at] : next_runs_) {
      if (at - now_ < time - WallClock()) at = now_;
    }
  }
  wall_at_boot_ = time - uptime();
}

void Router::Netinstall(RouterVersion version) {
  faults_ = Faults();
  Reboot(PowerDown::kClean);
  options_.version = std::move(version);
  tree_ = &MenuTree(options_.version, options_.routerboard, options_.ppp_package, options_.dumps);
  config_ = ConfigStore();
  FillFactoryConfig(options_, *tree_, &config_);
  SyncInterfaces();
  flash_.clear();
  RememberForFlash();
}

void Router::FillFlash(bool full) {
  if (full == faults_.flash_full) return;
  faults_.flash_full = full;
  flash_.clear();
  flash_.push_back({now_, config_});
}

void Router::SetFlashDelay(absl::Duration delay) {
  options_.flash_delay = delay;
  if (faults_.flash_full) return;
  flash_.clear();
  RememberForFlash();
}

void Router::CountStatement() {
  if (faults_.statements_left < 0 || faults_.statements_left-- > 0) return;
  RequestReboot(faults_.then);
  for (const auto& task : tasks_) task->Kill();
}

void Router::RememberForFlash() {
  if (faults_.flash_full) {
    if (flash_.empty()) flash_.push_back({now_, config_});
    return;
  }
  if (options_.flash_delay <= absl::ZeroDuration()) return;
  // The newest one that is old enough must stay: a power loss goes back to it.
  const absl::Duration kept_until = now_ - options_.flash_delay;
  while (flash_.size() > 1 && flash_[1].at <= kept_until) flash_.pop_front();
  flash_.push_back({now_, config_});
}

// Log and events.

void Router::Emit(Event event) {
  if (observer_ == nullptr) return;
  observer_->OnEvent(*this, event);
  if (!requested_reboot_) return;
  for (const auto& task : tasks_) task->Kill();
}

void Router::Log(absl::string_view topics, absl::string_view message) {
  log_.push_back({WallClock(), std::string(topics), std::string(message)});
  if (log_.size() > kLogLines) log_.pop_front();
  Emit({EventKind::kLog, std::string(topics), std::string(message), 0, 0});
}

void Router::ReportError(absl::string_view script, const std::string& text, uint32_t line,
                         uint32_t column, bool load) {
  // Older versions say nothing where a policy is missing.
  const bool silent =
      text.find("not enough permissions") != std::string::npos && !options_.version.AtLeast(7, 16);
  if (!silent) {
    Log("script,error", absl::StrCat("script error: ", text, " (", script, "; line ", line, ")"));
  }
  Emit({load ? EventKind::kLoadError : EventKind::kScriptError, std::string(script), text, line,
        column});
}

void Router::ConfigChanged(EventKind kind, const MenuSpec& menu, const Row& row) {
  if (menu.path == "/system/scheduler") next_runs_.erase(row.id);
  if (menu.path.substr(0, 10) == "/interface") SyncInterfaces();
  RememberForFlash();
  Emit({kind, menu.path, RowName(menu, row), 0, 0});
}

std::string Router::Show(absl::string_view path, absl::string_view row_name,
                         absl::string_view property) {
  const MenuSpec* menu = tree_->Menu(path);
  const PropertySpec* spec = menu == nullptr ? nullptr : menu->Property(property);
  if (spec == nullptr) return "";
  if (menu->kind == MenuKind::kSettings) {
    return ShownText(Read(*menu, config_.Settings(path), *spec));
  }
  for (const Row& row : Rows(*menu).rows) {
    if (RowName(*menu, row) == row_name || row.Text("comment") == row_name) {
      return ShownText(Read(*menu, row, *spec));
    }
  }
  return "";
}

std::string Router::Export(absl::string_view path, bool show_sensitive) {
  const MenuSpec* menu = tree_->Menu(path);
  if (menu == nullptr) return "";
  ExportOptions options;
  options.show_sensitive = show_sensitive;
  options.header = false;
  return ExportText(*this, *menu, options);
}

}  // namespace muster::simulator
