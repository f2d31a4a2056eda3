// A position in the command log as clients carry it: "<log id, 32 hex digits>:<index>" in the
// metadata key muster-position, in trailers and, sent back, in a later call.
//
// The log id comes along because an index alone means nothing after a restore: a position of
// another log is refused instead of waited for.
//
// Threads:  pure functions.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

inline constexpr char kPositionKey[] = "muster-position";
// The trailer of an answer that may be old: why, as in LogState's names.
inline constexpr char kStaleKey[] = "muster-stale";

std::string FormatPosition(const Position& position);
// Nullopt for text of another form; digits of the log id in either case.
std::optional<Position> ParsePosition(absl::string_view text);

}  // namespace muster::server
