// A position in the command log as clients carry it: "<log id, 32 hex digits>:<index>" in the
// metadata key muster-position, in trailers and, sent back, in a later call.
//
// Threads:  pure functions.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

inline constexpr char kPositionKey[] = "muster-position";

std::string FormatPosition(const Position& position);
std::optional<Position> ParsePosition(absl::string_view text);

}  // namespace muster::server
