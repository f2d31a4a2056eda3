// Log lines by spdlog, to stderr and nowhere else: who starts the program decides where they go.
#include "common/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/text/clean.h"

namespace muster {
namespace {

spdlog::level::level_enum Convert(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// So that a line can be split at blanks again.
bool NeedsQuotes(absl::string_view value) {
  return value.empty() || value.find_first_of(" \"=") != absl::string_view::npos;
}

// Controls are gone by now, so quotes and backslashes are all that has to be escaped.
std::string Quoted(absl::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  text.push_back('"');
  return text;
}

}  // namespace

void StartLogging(absl::string_view program, LogLevel level) {
  auto logger = std::make_shared<spdlog::logger>(std::string(program),
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %n %v", spdlog::pattern_time_type::utc);
  // A line that is still in a buffer when a program dies is the one that was needed.
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  SetLogLevel(level);
}

void SetLogLevel(LogLevel level) { spdlog::set_level(Convert(level)); }

void Log(LogLevel level, absl::string_view room, absl::string_view message,
         std::initializer_list<LogField> fields) {
  // Before anything is put together here.
  if (!spdlog::default_logger_raw()->should_log(Convert(level))) return;
  std::string line = absl::StrCat(room, ": ", CleanText(message));
  for (const auto& [name, value] : fields) {
    // Values may come from routers. The message is ours, and cleaned all the same.
    const std::string clean = CleanText(value);
    absl::StrAppend(&line, " ", name, "=", NeedsQuotes(clean) ? Quoted(clean) : clean);
  }
  spdlog::default_logger_raw()->log(Convert(level), line);
}

void DieLoudly(absl::string_view room, absl::string_view message) {
  Log(LogLevel::kError, room, message);
  // No destructors: they might write what must not be written.
  std::_Exit(1);
}

}  // namespace muster
