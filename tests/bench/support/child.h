// A server that a benchmark starts and ends.
//
// Threads:  not safe.
// Owns:     the process: it is ended (SIGTERM, after 10 s SIGKILL) on destruction.
// Blocks:   WaitForLine and Stop, up to their deadline.
// Errors:   DeadlineExceeded or FailedPrecondition carry the end of what the program printed.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::bench {

struct ChildTerms {
  std::vector<std::string> command;
  // Takes stdout and stderr; its folder must exist.
  std::string output_file;
  // The one processor that it may run on; -1: any.
  int processor = -1;
};

class Child {
 public:
  static absl::StatusOr<std::unique_ptr<Child>> Start(const ChildTerms& terms);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // What stands behind the first printed line that begins with `prefix`.
  absl::StatusOr<std::string> WaitForLine(absl::string_view prefix, absl::Duration timeout);

  pid_t process() const { return process_; }
  // The processes that it started itself, as nginx its workers.
  std::vector<pid_t> Children() const;
  void Stop();

 private:
  Child(pid_t process, std::string output_file)
      : process_(process), output_file_(std::move(output_file)) {}
  bool HasEnded();
  std::string Output() const;

  pid_t process_;
  const std::string output_file_;
};

// Runs a program to its end; answers its stdout. `environment` holds NAME=VALUE.
absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& command,
                                       const std::vector<std::string>& environment);

// Lets this thread, and all that it starts later, run on one processor only.
void StayOnProcessor(int processor);
int Processors();

// An empty folder of this run below `parent`.
absl::StatusOr<std::string> MakeRunFolder(const std::string& parent, absl::string_view name);

// The folder that this program lies in.
std::string ProgramFolder();

// So that 10,000 connections fit; children inherit it. FailedPrecondition says how many there may
// be.
absl::Status RaiseOpenFiles(int wanted);

}  // namespace muster::bench
