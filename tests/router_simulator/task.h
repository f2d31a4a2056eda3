// A running script: its evaluator, its stack and what it waits for.
//
// Threads:  not safe; belongs to one router.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/fiber.h"
#include "tests/router_simulator/http_transport.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {

class Task {
 public:
  Task(Router* router, int64_t id, std::string script, uint32_t policy);
  ~Task();

  // Runs until it waits or ends; true once it has ended.
  bool Resume();
  // Ends it at its next step; from outside of the task only.
  void Kill();

  // From inside of the task: waits until `wake` or, where `call` is set, for its reply. False
  // where the task was killed.
  bool Wait(absl::Duration wake);
  bool WaitForReply(HttpReply* reply);
  // Waits until `other` has ended.
  bool WaitForEnd(const Task& other);

  int64_t id() const { return id_; }
  const std::string& script() const { return script_; }
  // "Starts" another stored script in the same job, as `/system script run` does.
  void set_script(std::string script) { script_ = std::move(script); }
  bool killed() const { return killed_; }
  bool ended() const { return ended_; }
  absl::Duration wake() const { return wake_; }
  bool waits_for_reply() const { return waits_for_reply_; }
  void Deliver(HttpReply reply);
  // 0: waits for none.
  int64_t waits_for_task() const { return waits_for_task_; }
  void WakeAt(absl::Duration at) { wake_ = at; }

  std::shared_ptr<const Program> program;
  // Runs instead of `program` where set (an import, line by line).
  std::function<bool(Evaluator&, Value*)> body;
  Evaluator evaluator;
  std::string type = "command";
  std::string parent;
  absl::Time started;
  RunResult result;
  bool keep = false;  // somebody will fetch the result: the router doesn't drop it
  bool report_errors = true;
  // The router ends it then, and says so in its log.
  absl::Duration ends_by = absl::InfiniteDuration();
  std::string output;
  // Where the output goes when it ends; "" for nowhere.
  std::string output_file;

 private:
  void Main();

  Router* router_;
  int64_t id_;
  std::string script_;
  std::unique_ptr<Fiber> fiber_;
  absl::Duration wake_;
  bool waits_for_reply_ = false;
  int64_t waits_for_task_ = 0;
  bool killed_ = false;
  bool ended_ = false;
  bool begun_ = false;
  HttpReply reply_;
};

}  // namespace muster::simulator
