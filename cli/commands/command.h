// What a command is, and what it has at hand while it runs. Commands know nothing of the library
// that reads the command line.
//
// Example:  organization.cc.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/connection/connection.h"
#include "cli/connection/settings.h"
#include "cli/output/console.h"
#include "cli/output/exit_code.h"
#include "cli/output/printer.h"
#include "cli/output/table.h"

namespace muster::cli {

struct Positional {
  // In capitals, as help shows it.
  std::string name;
  std::string help;
  bool required = true;
  // Where only a few words fit: "rotate|revoke", for completion.
  std::string words;
};

struct Flag {
  // Without the dashes.
  std::string name;
  // What help shows for the value; empty: a switch without one.
  std::string value;
  std::string help;
  bool required = false;
  bool may_repeat = false;
};

class Session;
using Outcome = absl::StatusOr<ExitCode>;

// One leaf of `muster NOUN VERB`. Parsing, help and completion all work on these fields.
struct Command {
  std::string noun;
  // Empty for a command of one word.
  std::string verb;
  std::string summary;
  std::vector<Positional> positionals;
  std::vector<Flag> flags;
  // Whole lines that can be pasted.
  std::string examples;
  // True where a call changes something.
  // Gets the flag --request-id.
  bool writes = false;
  // Does the work. A status that is not ok is printed and chooses the exit code; an ExitCode is for
  // ends of which everything has been said already.
  std::function<Outcome(Session&)> run;
};

// What was given to a command, by name of flag or positional.
struct Arguments {
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, bool> switches;
  GlobalFlags global;
  // Nullopt: --output was not given.
  std::optional<Format> format;
};

// One run of one command.
//
// Threads:  not safe.
// Errors:   each method says what a user can do about it.
class Session {
 public:
  Session(const Console& console, Arguments arguments)
      : console_(console), arguments_(std::move(arguments)) {}

  const Console& console() const { return console_; }
  const Arguments& arguments() const { return arguments_; }
  absl::Time now() const { return console_.clock->Now(); }
  // Now, or what was now when the request was made that --request-id repeats: what a time like
  // "in 24h" counts from, so that the repetition says the same. Whole seconds.
  absl::Time asked_at() const;

  bool Has(const std::string& name) const;
  // True where a switch without value was given.
  bool Switch(const std::string& name) const;
  // The value, or "" where it was not given.
  std::string Text(const std::string& name) const;
  // Each time that it was given, in order.
  std::vector<std::string> List(const std::string& name) const;
  // Nullopt where it was not given; InvalidArgument for what is no duration above 0.
  absl::StatusOr<std::optional<absl::Duration>> Duration(const std::string& name) const;
  // A moment: a duration from now, or RFC 3339. InvalidArgument for what is neither, or has passed.
  absl::StatusOr<std::optional<absl::Time>> Moment(const std::string& name) const;
  // Nullopt where it was not given; InvalidArgument for what is no whole number from `low` to
  // `high`.
  // A moment that has passed: a duration ago, or RFC 3339. InvalidArgument for what is neither.
  absl::StatusOr<std::optional<absl::Time>> Past(const std::string& name) const;
  absl::StatusOr<std::optional<int64_t>> Number(const std::string& name, int64_t low,
                                                int64_t high) const;
  // InvalidArgument for text without "=" and for a key that comes twice.
  // --label KEY=VALUE given any number of times.
  absl::StatusOr<std::map<std::string, std::string>> Labels(const std::string& name) const;

  // Resolved and opened at the first call.
  absl::StatusOr<const Settings*> settings();
  // Commands that only look at files never open one. Opening does not call the server yet.
  absl::StatusOr<Connection*> connection();
  // "organizations/{organization}" of the settings.
  absl::StatusOr<std::string> OrganizationName();

  bool format_given() const { return arguments_.format.has_value(); }
  Format format() const { return arguments_.format.value_or(Format::kTable); }
  // Prints in the chosen format.
  Outcome Show(const Report& report);
  // Prints a secret that stands alone: just that line, and makes a regular file behind stdout 0600.
  Outcome ShowSecret(absl::string_view text);
  // A line for people on stderr; cleaned.
  void Note(absl::string_view text);

  // Asks where more than one device is touched, unless --yes. InvalidArgument where there is nobody
  // to ask, Cancelled for a no. `consequence` is a sentence that holds the count.
  absl::Status Confirm(int64_t device_count, absl::string_view consequence);
  // Tells the consequence and asks on the terminal, unless --yes. Cancelled for a no.
  absl::Status Ask(absl::string_view consequence);

 private:
  const Console& console_;
  const Arguments arguments_;
  std::optional<Settings> settings_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace muster::cli
