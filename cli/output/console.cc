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

std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

int TerminalWidth() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  int columns = 0;
  if (absl::SimpleAtoi(FromEnvironment("COLUMNS").value_or(""), &columns) && columns > 0) {
    return columns;
  }
  return 80;
}

// Turns the echo of the terminal on stdin off while it lives.
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

absl::StatusOr<Secret> ReadSecretLine(const std::string& prompt) {
  const bool asks = isatty(STDIN_FILENO) == 1;
  std::string line;
  if (asks) {
    std::cerr << prompt << std::flush;
    const WithoutEcho quiet;
    std::getline(std::cin, line);
    std::cerr << "\n";
  } else {
    std::getline(std::cin, line);
  }
  if (line.empty()) return absl::InvalidArgumentError("nothing was entered");
  return Secret(std::move(line));
}

void ProtectOut() {
  struct stat status;
  if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode)) fchmod(STDOUT_FILENO, 0600);
}

}  // namespace

Console SystemConsole() {
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
