// One simulated router: its version and board, configuration, files, certificates, log,
// scheduler and running scripts.
//
// Time is virtual: the router lives at the instant that RunUntil or Step names, and a test runs
// an hour of beats in milliseconds. Scripts run one at a time, each on a stack of its own;
// `:delay` and `/tool fetch` let the others go on.
//
// Threads:  not safe: one thread at a time. A BlockingCall runs on any thread, outside of the
//           router's turn.
// Owns:     everything but the transport and the observer, which must outlive it.
// Blocks:   Step never; RunUntil and Run for as long as the transport does.
// Errors:   errors of scripts are the router's business: they are in the log, in RunResult and
//           at the observer.
// Example:  router_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/router_simulator/config_store.h"
#include "tests/router_simulator/faults.h"
#include "tests/router_simulator/http_transport.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/menu_tree.h"
#include "tests/router_simulator/version.h"

namespace muster::simulator {

class Router;
class Task;

struct RouterOptions {
  RouterVersion version;
  bool routerboard = true;  // false: a CHR, without /system routerboard
  bool ppp_package = true;
  std::string board = "hEX";
  std::string architecture = "mmips";
  std::string serial = "HC0123456789";
  std::string software_id = "ABCD-EF12";
  std::string identity = "MikroTik";
  std::string mac = "48:8F:5A:00:00:01";
  // What the router's clock shows when it is switched on; 1970 on boards without a battery.
  absl::Time clock = absl::FromUnixSeconds(1'780'000'000);
  uint64_t seed = 1;
  Quirks quirks;
  // Entries of the scheduler with interval=30s, 60s or 300s fire this often instead.
  std::optional<absl::Duration> beat_interval;
  // Changes reach the flash this much later; a power loss before takes them back.
  absl::Duration flash_delay;
  uint32_t admin_policy = kPolicyAll;
  // 7.17+: device-mode home refuses scheduler and fetch.
  bool device_mode_home = false;
  int64_t free_disk_bytes = int64_t{6} << 20;
  HttpTransport* transport = nullptr;
  // Menus of real consoles beside the simulator's own; must never end.
  const routeros::ConsoleDumps* dumps = nullptr;
};

enum class EventKind {
  kLog,          // text; name = topics
  kScriptError,  // an uncaught error: name = script, text, line, column
  kLoadError,    // a text that doesn't load: the same
  kUnsupported,  // a command that RouterOS has and the simulator can't run: the same
  kRowAdded,     // name = menu path, text = the row's name or id
  kRowChanged,
  kRowRemoved,
  kFetchStarted,  // name = method, text = URL
  kFetchEnded,    // the same; line = status, 0 where no whole reply came
  kTaskStarted,   // name = script
  kTaskEnded,
  kReboot,
};

struct Event {
  EventKind kind = EventKind::kLog;
  std::string name;
  std::string text;
  uint32_t line = 0;
  uint32_t column = 0;
};

// What `/system reset-configuration` was told.
struct Reset {
  bool keep_users = false;
  bool skip_backup = false;
  // A file that is imported after the start, for two minutes at most; "" for none.
  std::string run_after;
};

// Told of everything worth seeing, inside of the router's turn. It may ask for a reboot
// (Router::RequestReboot), which happens before the script goes on.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnEvent(Router& router, const Event& event) = 0;
};

// A fetch that waits for the world. Run is called once, from any thread.
class BlockingCall {
 public:
  BlockingCall(HttpTransport* transport, HttpRequest request)
      : transport_(transport), request_(std::move(request)) {}
  void Run();
  const HttpRequest& request() const { return request_; }
  HttpReply& reply() { return reply_; }
  Task* task = nullptr;  // null: nobody waits any more

 private:
  HttpTransport* transport_;
  HttpRequest request_;
  HttpReply reply_;
};

struct RunResult {
  bool loaded = true;
  bool ok = true;
  std::string error;   // as a console prints it
  std::string output;  // what `:put` and print wrote
  Value value;         // of `:return`
};

struct LogLine {
  absl::Time time;
  std::string topics;
  std::string message;
};

class Router {
 public:
  explicit Router(RouterOptions options);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  void SetObserver(Observer* observer) { observer_ = observer; }

  // Runs `text` as pasted by an administrator and waits for its end, at most `patience` of the
  // router's time; scheduler and other scripts run meanwhile.
  RunResult Run(absl::string_view text, absl::Duration patience = absl::Hours(1));

  // Starts `text` as pasted; Step and RunUntil carry it on. A reboot ends it.
  void Paste(absl::string_view text);
  // How the last paste ended; nullopt while it runs.
  std::optional<RunResult> PasteResult() const;

  // Lets the router live until `now` (since it was made); fetches block right here.
  void RunUntil(absl::Duration now);
  void RunFor(absl::Duration by) { RunUntil(now_ + by); }

  // For drivers with threads: runs what is due at `now` and hands out the fetches that were
  // begun; after BlockingCall::Run give them to Complete, then call Step again.
  std::vector<std::shared_ptr<BlockingCall>> Step(absl::Duration now);
  void Complete(const std::shared_ptr<BlockingCall>& call);
  // When Step has something to do; infinite where only a fetch is awaited.
  absl::Duration NextWake() const;

  // Ends all scripts, forgets globals, volatile rows and files in memory, and starts again.
  void Reboot(PowerDown how);
  // From an observer: reboots before the running script's next step.
  void RequestReboot(PowerDown how) { requested_reboot_ = how; }
  // From an observer or a test: the configuration becomes `copy` (a backup loaded).
  ConfigStore CopyConfig() const { return config_; }
  void RestoreConfig(ConfigStore copy);
  // A new version with the same configuration, as after an upgrade or a downgrade.
  void ChangeVersion(RouterVersion version);
  // As new from the factory: no configuration, file or certificate is left. The serial stays.
  void Netinstall(RouterVersion version);
  // From a command: before the running script's next step the router forgets its configuration and
  // certificates, starts again, and imports `reset.run_after`. Files stay.
  void RequestReset(Reset reset);
  // From now on the flash takes nothing; `full` false: it takes what there is and all that comes.
  void FillFlash(bool full);
  // Changes reach the flash so much later from now on; what there is, is on it.
  void SetFlashDelay(absl::Duration delay);
  // Takes effect at the next statement, fetch or reboot.
  Faults& faults() { return faults_; }

  const RouterOptions& options() const { return options_; }
  RouterOptions& mutable_options() { return options_; }
  const CommandTree& tree() const { return *tree_; }
  const Quirks& quirks() const { return options_.quirks; }
  absl::Duration now() const { return now_; }
  absl::Duration uptime() const { return now_ - boot_at_; }
  absl::Time WallClock() const { return wall_at_boot_ + uptime(); }
  void SetWallClock(absl::Time time);
  int boots() const { return boots_; }
  size_t running_tasks() const { return tasks_.size(); }
  const std::deque<LogLine>& log() const { return log_; }
  std::mt19937_64& random() { return random_; }
  ConfigStore& config() { return config_; }

  // What a value of a row is now, computed ones (uptime, cpu-load) too.
  Value Read(const MenuSpec& menu, const Row& row, const PropertySpec& property);
  // Rows of a menu; live ones (jobs, environment, log) are brought up to date first.
  Table& Rows(const MenuSpec& menu);
  // Text of a property of the first row with `name`; for tests and the control channel.
  std::string Show(absl::string_view path, absl::string_view row_name, absl::string_view property);
  std::string Export(absl::string_view path, bool show_sensitive);

  // For the commands (handlers_*.cc).
  void Log(absl::string_view topics, absl::string_view message);
  void Emit(Event event);
  void ConfigChanged(EventKind kind, const MenuSpec& menu, const Row& row);
  std::map<std::string, Value>& globals() { return globals_; }
  Task* StartTask(const std::shared_ptr<const Program>& program, std::string script,
                  uint32_t policy, absl::string_view type);
  bool KillTask(int64_t id);
  Task* FindTask(int64_t id);
  const std::vector<std::unique_ptr<Task>>& tasks() const { return tasks_; }
  void AwaitFetch(Task* task, HttpRequest request);
  // Before each statement of each script: the power may fail here.
  void CountStatement();
  ParseResult Parse(absl::string_view text);
  void ReportError(absl::string_view script, const std::string& text, uint32_t line,
                   uint32_t column, bool load);

 private:
  struct Snapshot {
    absl::Duration at;
    ConfigStore config;
  };

  struct LateReply {
    absl::Duration at;
    std::shared_ptr<BlockingCall> call;
  };

  void DeliverLateReplies();
  void RefreshLiveRows(const MenuSpec& menu);
  void SyncInterfaces();
  void PlanEntries();
  void StartDueEntries();
  void StartEntry(Row& entry);
  bool HasUser(absl::string_view name);
  absl::Duration IntervalOf(const Row& entry) const;
  std::optional<absl::Duration> NextRun(const Row& entry) const;
  bool RunReadyTasks();
  void ReapTasks();
  void EndAllTasks();
  void PerformRequestedReboot();
  void PerformReset(const Reset& reset);
  void EndOverdueTasks();
  void RememberForFlash();

  RouterOptions options_;
  const CommandTree* tree_;
  Observer* observer_ = nullptr;
  ConfigStore config_;
  std::deque<Snapshot> flash_;  // oldest first; empty without flash delay
  std::map<std::string, Value> globals_;
  std::deque<LogLine> log_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::shared_ptr<BlockingCall>> begun_;
  std::vector<std::shared_ptr<BlockingCall>> waiting_;
  std::vector<LateReply> late_;
  std::map<int64_t, absl::Duration> next_runs_;  // of scheduler entries, by id
  absl::Duration now_;
  absl::Duration boot_at_;
  absl::Time wall_at_boot_;
  int boots_ = 1;
  int64_t next_task_ = 1;
  std::mt19937_64 random_;
  std::optional<PowerDown> requested_reboot_;
  std::optional<Reset> requested_reset_;
  Faults faults_;
  int64_t paste_task_ = 0;
  std::optional<RunResult> pasted_;
};

}  // namespace muster::simulator
