// Log lines on stderr: time, level, room, message and named values; one line each, cleaned of
// control characters.
//
// One line for one event, whatever a router put into its name: a line break in a value would let a
// stranger write log lines of his own.
// Threads:  safe to call from any thread.
// Units:    times are UTC.
// Example:  LogInfo("uplink", "connected", {{"control", address}});
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace muster {

// kWarning: an operator may have to look; kError: something that was promised is not kept.
enum class LogLevel { kDebug, kInfo, kWarning, kError };

// A name and a value that is shown quoted where it needs to be. Never pass a secret.
using LogField = std::pair<absl::string_view, std::string>;

// `program` stands in every line. Must be called before the first line; default level info.
void StartLogging(absl::string_view program, LogLevel level);
// Lines below this level are left out.
void SetLogLevel(LogLevel level);

// Writes at once; of a line below the level only `fields` are made. `message` is a constant text;
// what varies goes into `fields`.
void Log(LogLevel level, absl::string_view room, absl::string_view message,
         std::initializer_list<LogField> fields = {});

inline void LogDebug(absl::string_view room, absl::string_view message,
                     std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, room, message, fields);
}
inline void LogInfo(absl::string_view room, absl::string_view message,
                    std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, room, message, fields);
}
inline void LogWarning(absl::string_view room, absl::string_view message,
                       std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, room, message, fields);
}
inline void LogError(absl::string_view room, absl::string_view message,
                     std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, room, message, fields);
}

// For broken invariants (an unreadable committed entry, a failed fsync): says so and ends the
// process with status 1, before anything wrong is acknowledged.
[[noreturn]] void DieLoudly(absl::string_view room, absl::string_view message);

}  // namespace muster
