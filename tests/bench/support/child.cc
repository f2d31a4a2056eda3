#include "tests/bench/support/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace muster::bench {
namespace {

constexpr absl::Duration kStopTimeout = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Milliseconds(5);

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> MergedEnvironment(const std::vector<std::string>& changes) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) merged.emplace_back(*entry);
  merged.insert(merged.end(), changes.begin(), changes.end());
  return merged;
}

// Only what is safe between fork and exec.
[[noreturn]] void BecomeProgram(const std::vector<char*>& command, char* const* environment,
                                int output, int errors, int processor) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  cpu_set_t processors;
  CPU_ZERO(&processors);
  for (int i = 0; i < Processors(); ++i) {
    if (processor < 0 || i == processor) CPU_SET(i, &processors);
  }
  sched_setaffinity(0, sizeof(processors), &processors);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  execvpe(command[0], command.data(), environment);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Child>> Child::Start(const ChildTerms& terms) {
  const int output =
      open(terms.output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (output < 0) return absl::InternalError(absl::StrCat("can't write ", terms.output_file));
  const std::vector<char*> command = Pointers(terms.command);
  const pid_t process = fork();
  if (process == 0) BecomeProgram(command, environ, output, output, terms.processor);
  close(output);
  if (process < 0) return absl::InternalError("can't start a process");
  return std::unique_ptr<Child>(new Child(process, terms.output_file));
}

Child::~Child() { Stop(); }

bool Child::HasEnded() {
  if (process_ <= 0) return true;
  if (waitpid(process_, nullptr, WNOHANG) != process_) return false;
  process_ = 0;
  return true;
}

std::string Child::Output() const {
  std::ifstream file(output_file_);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::StatusOr<std::string> Child::WaitForLine(absl::string_view prefix, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    const bool ended = HasEnded();
    const std::string output = Output();
    for (const absl::string_view line : absl::StrSplit(output, '\n')) {
      if (absl::StartsWith(line, prefix)) return std::string(line.substr(prefix.size()));
    }
    const size_t tail = output.size() > 800 ? output.size() - 800 : 0;
    if (ended) {
      return absl::FailedPreconditionError(
          absl::StrCat("it ended before \"", prefix, "\": ", output.substr(tail)));
    }
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("no line \"", prefix, "\": ", output.substr(tail)));
    }
    absl::SleepFor(kPause);
  }
}

std::vector<pid_t> Child::Children() const {
  std::ifstream file(absl::StrCat("/proc/", process_, "/task/", process_, "/children"));
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

void Child::Stop() {
  if (HasEnded()) return;
  kill(process_, SIGTERM);
  const absl::Time deadline = absl::Now() + kStopTimeout;
  while (!HasEnded()) {
    if (absl::Now() > deadline) kill(process_, SIGKILL);
    absl::SleepFor(kPause);
  }
}

absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& command,
                                       const std::vector<std::string>& environment) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError("can't make a pipe");
  const std::vector<char*> arguments = Pointers(command);
  const std::vector<std::string> merged = MergedEnvironment(environment);
  const std::vector<char*> variables = Pointers(merged);
  const pid_t process = fork();
  if (process == 0) BecomeProgram(arguments, variables.data(), ends[1], STDERR_FILENO, -1);
  close(ends[1]);
  std::string output;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    output.append(buffer, static_cast<size_t>(got));
  }
  close(ends[0]);
  int code = 0;
  waitpid(process, &code, 0);
  if (!WIFEXITED(code) || WEXITSTATUS(code) != 0) {
    return absl::InternalError(absl::StrCat(command[0], " failed with ", WEXITSTATUS(code)));
  }
  return output;
}

void StayOnProcessor(int processor) {
  if (processor >= Processors()) return;
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET(processor, &processors);
  sched_setaffinity(0, sizeof(processors), &processors);
}

int Processors() {
  static const int count = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return count;
}

absl::StatusOr<std::string> MakeRunFolder(const std::string& parent, absl::string_view name) {
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  std::string path = absl::StrCat(parent, "/", name, "-XXXXXX");
  if (error || mkdtemp(path.data()) == nullptr) {
    return absl::InternalError(absl::StrCat("can't make a folder in ", parent));
  }
  return path;
}

std::string ProgramFolder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

absl::Status RaiseOpenFiles(int wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t number = static_cast<rlim_t>(wanted);
  if (limit.rlim_cur >= number) return absl::OkStatus();
  const rlimit raised{number, std::max(limit.rlim_max, number)};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return absl::OkStatus();
  const rlimit highest{limit.rlim_max, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &highest);
  if (limit.rlim_max >= number) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a process may open ", limit.rlim_max, " files, and ", wanted,
                   " are needed: raise the limit (ulimit -n) or run as root"));
}

}  // namespace muster::bench
