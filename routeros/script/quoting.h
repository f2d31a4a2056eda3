// Text as a RouterOS string literal, and back.
//
// Every string that Muster puts into a script goes through QuoteString or QuoteSource. Both
// escape with what MikroTik's scripting manual lists: \" \\ \$ \n \r \t \_ and \XX with two
// upper-case hex digits. Everything that is not printable ASCII, and "?" (which asks for help up to
// 7.1rc1), is written \XX, so that no byte can end the literal or start a substitution.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument where ParseQuoted meets what a router would not read as one literal.
// Example:  quoting_test.cc, RoundTripsEveryByte.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::routeros {

// `text` as a literal on one line, quotes included. ParseQuoted gives the same bytes back.
std::string QuoteString(absl::string_view text);

// The same bytes as a literal broken after each line of `text` the way `/export` breaks long
// values: a backslash at the end of the line, four spaces at the start of the next.
std::string QuoteSource(absl::string_view text);

// The bytes of a literal that has quotes at both ends and no substitution in it.
absl::StatusOr<std::string> ParseQuoted(absl::string_view literal);

}  // namespace muster::routeros
