// The devices that a command is about: those that a filter means, or those named on stdin.
//
// Threads:  functions that ask the server; not safe.
// Errors:   NotFound where nothing matches; what the server says.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/commands/command.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

// What stands for a device where its names come from stdin, one a line.
inline constexpr char kFromStdin[] = "-";

// The devices that match, the first of them in detail.
struct Matches {
  std::vector<muster::v1::Device> first;
  int64_t count = 0;
};

// At most 20 of them in detail.
Matches MatchesOf(const std::vector<muster::v1::Device>& devices);

// At most 20 in detail.
absl::StatusOr<Matches> FindMatches(Session& session, const std::string& filter);

// Every device that matches, in the order of the list.
absl::StatusOr<std::vector<muster::v1::Device>> AllMatches(Session& session,
                                                           const std::string& filter);

// What is about to be touched, on stderr.
void ShowMatches(Session& session, const Matches& matches);

// The lines of stdin without white space around them, empty ones left out. InvalidArgument where
// there are none.
absl::StatusOr<std::vector<std::string>> NamesFromStdin(Session& session);

}  // namespace muster::cli
