// The real console: the process's streams, its terminal and its environment. Everything else of the
// program sees them through Console, so that a test can be the person in front of it.
#include "cli/output/console.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/numbers.h"

namespace muster::cli {
namespace {

// Empty counts as unset: `MUSTER_SERVER= muster ...` is how a shell takes a variable away for one
// command.
std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

int TerminalWidth() {
  // The terminal's own word first; COLUMNS is set by shells and old after a resize.
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  int columns = 0;
  if (absl::SimpleAtoi(FromEnvironment("COLUMNS").value_or(""), &columns) && columns > 0) {
    return columns;
  }
  return 80;
}

// Turns the echo of the terminal on stdin off while it lives.
// TCSAFLUSH drops what was typed before the prompt stood there: it would be taken for the secret.
class WithoutEcho {
 public:
  WithoutEcho() : changed_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!changed_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~WithoutEcho() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  WithoutEcho(const WithoutEcho&) = delete;
  WithoutEcho& operator=(const WithoutEcho&) = delete;

 private:
  termios before_ = {};
  bool changed_;
};

// No prompt without a terminal: `pass show key | muster login ...` must work, and nobody would read
// it.
absl::StatusOr<Secret> ReadSecretLine(const std::string& prompt) {
  const bool asks = isatty(STDIN_FILENO) == 1;
  std::string line;
  if (asks) {
    std::cerr << prompt << std::flush;
    const WithoutEcho quiet;
    std::getline(std::cin, line);
    // The person's own Enter was not echoed.
    std::cerr << "\n";
  } else {
    std::getline(std::cin, line);
  }
  if (line.empty()) return absl::InvalidArgumentError("nothing was entered");
  return Secret(std::move(line));
}

// A key, a claim's line, a join file that is redirected into a file gets the file's mode from the
// umask, which mostly lets everybody read. Only regular files: a terminal or a pipe has no readers
// later.
void ProtectOut() {
  struct stat status;
  if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode)) fchmod(STDOUT_FILENO, 0600);
}

}  // namespace

Console SystemConsole() {
  // Static, since Console holds only a pointer.
  static const SystemClock clock;
  Console console;
  console.in = &std::cin;
  console.out = &std::cout;
  console.err = &std::cerr;
  console.in_is_terminal = isatty(STDIN_FILENO) == 1;
  console.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  console.err_is_terminal = isatty(STDERR_FILENO) == 1;
  console.width = console.out_is_terminal ? TerminalWidth() : 0;
  console.clock = &clock;
  console.environment = FromEnvironment;
  console.read_secret = ReadSecretLine;
  console.protect_out = ProtectOut;
  return console;
}

}  // namespace muster::cli
