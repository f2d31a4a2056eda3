// What a command has at hand: its arguments in the types that it wants, settings, a connection, a
// way to show and to ask. Every error names the flag, the value and what would do, since it is
// printed as it is.
#include "cli/commands/command.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::cli {

bool Session::Has(const std::string& name) const {
  const auto found = arguments_.texts.find(name);
  return found != arguments_.texts.end() && !found->second.empty();
}

bool Session::Switch(const std::string& name) const {
  const auto found = arguments_.switches.find(name);
  return found != arguments_.switches.end() && found->second;
}

std::string Session::Text(const std::string& name) const {
  // The last one, should it have come twice; the parser refuses that unless the flag may repeat.
  return Has(name) ? arguments_.texts.at(name).back() : "";
}

std::vector<std::string> Session::List(const std::string& name) const {
  return Has(name) ? arguments_.texts.at(name) : std::vector<std::string>();
}

absl::StatusOr<std::optional<absl::Duration>> Session::Duration(const std::string& name) const {
  if (!Has(name)) return std::optional<absl::Duration>();
  const absl::StatusOr<absl::Duration> duration = ParseDuration(Text(name));
  if (!duration.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", name, ": ", std::string(duration.status().message())));
  }
  // --expires 0s would be a job that can never start: rather said than done.
  if (*duration <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("--", name, ": wants more than 0s"));
  }
  return std::optional<absl::Duration>(*duration);
}

absl::StatusOr<std::optional<absl::Time>> Session::Moment(const std::string& name) const {
  if (!Has(name)) return std::optional<absl::Time>();
  absl::Time moment;
  // A moment with a zone in it; a time without one would be this machine's or the server's, and
  // nobody could tell which.
  if (!absl::ParseTime(absl::RFC3339_full, Text(name), &moment, nullptr)) {
    const absl::StatusOr<absl::Duration> duration = ParseDuration(Text(name));
    if (!duration.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", name, ": \"", Text(name), "\" is no time; wants 2h, or 2026-12-01T02:00:00+02:00"));
    }
    moment = asked_at() + *duration;
  }
  // Against now, not asked_at: a repetition after the moment has passed is late too.
  if (moment <= now()) {
    return absl::InvalidArgumentError(absl::StrCat("--", name, ": lies in the past"));
  }
  return std::optional<absl::Time>(moment);
}

absl::StatusOr<std::optional<absl::Time>> Session::Past(const std::string& name) const {
  if (!Has(name)) return std::optional<absl::Time>();
  // A moment first, since no duration looks like one. Backwards, unlike Moment: what is looked for
  // has happened.
  absl::Time moment;
  if (absl::ParseTime(absl::RFC3339_full, Text(name), &moment, nullptr)) {
    return std::optional<absl::Time>(moment);
  }
  const absl::StatusOr<absl::Duration> ago = ParseDuration(Text(name));
  if (ago.ok()) return std::optional<absl::Time>(now() - *ago);
  return absl::InvalidArgumentError(
      absl::StrCat("--", name, ": \"", Text(name),
                   "\" is no time; wants how long ago, like 2h, or 2026-11-22T10:00:00Z"));
}

absl::StatusOr<std::optional<int64_t>> Session::Number(const std::string& name, int64_t low,
                                                       int64_t high) const {
  if (!Has(name)) return std::optional<int64_t>();
  int64_t number = 0;
  if (!absl::SimpleAtoi(Text(name), &number) || number < low || number > high) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", name, ": \"", Text(name), "\" is not a whole number from ", low, " to ", high));
  }
  return std::optional<int64_t>(number);
}

absl::StatusOr<std::map<std::string, std::string>> Session::Labels(const std::string& name) const {
  std::map<std::string, std::string> labels;
  for (const std::string& text : List(name)) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", name, ": \"", text, "\" is no label; wants KEY=VALUE, like role=core"));
    }
    // Twice the same key is a slip, and which one was meant nobody knows.
    if (!labels.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, ": the key \"", text.substr(0, equals), "\" is given twice"));
    }
  }
  return labels;
}

absl::StatusOr<const Settings*> Session::settings() {
  if (!settings_.has_value()) {
    ASSIGN_OR_RETURN(Settings settings, ResolveSettings(arguments_.global, console_.environment));
    // Kept, so that one command can't see two states of the context file.
    settings_ = std::move(settings);
  }
  return &*settings_;
}

// The time is written into the request ids that this program makes ("1790000000-..."). A repetition
// takes it from there: "--expires 24h" then means the same moment as in the first attempt, and the
// request the same content. With ids of another form it counts from now.
absl::Time Session::asked_at() const {
  const std::string id = Has("request-id") ? Text("request-id") : "";
  // Once at most: the random part has no "-", but ids that people choose may.
  const std::vector<absl::string_view> parts = absl::StrSplit(id, absl::MaxSplits('-', 1));
  int64_t seconds = 0;
  const bool told = parts.size() == 2 && absl::SimpleAtoi(parts[0], &seconds);
  // The control plane forgets request ids after 10 minutes; what lies further back is no time.
  const absl::Time then = absl::FromUnixSeconds(seconds);
  if (told && then <= now() && now() - then < absl::Minutes(30)) return then;
  // Cut to seconds, as an id holds them.
  return absl::FromUnixSeconds(absl::ToUnixSeconds(now()));
}

absl::StatusOr<Connection*> Session::connection() {
  if (connection_ == nullptr) {
    ASSIGN_OR_RETURN(const Settings* resolved, settings());
    ASSIGN_OR_RETURN(connection_, Connection::Open(*resolved));
    // In a script the line would be noise among its own; on a terminal silence would look like a
    // hang.
    if (console_.err_is_terminal) {
      connection_->set_on_stale([this](const std::string& why) {
        Note(absl::StrCat(
            "this may be old: the node that answered can't tell what others have done (", why,
            ")"));
      });
      connection_->set_on_retry([this, wait = resolved->retry_for](const std::string& server) {
        Note(absl::StrCat(server, " is unavailable; trying for ", absl::FormatDuration(wait)));
      });
    }
    // Whatever was given is taken as it is; the server judges its form.
    connection_->set_request_id(Has("request-id") ? Text("request-id")
                                                  : absl::StrCat(absl::ToUnixSeconds(asked_at()),
                                                                 "-", connection_->request_id()));
  }
  return connection_.get();
}

absl::StatusOr<std::string> Session::OrganizationName() {
  ASSIGN_OR_RETURN(const Settings* resolved, settings());
  return absl::StrCat("organizations/", resolved->organization.value);
}

Outcome Session::Show(const Report& report) {
  RETURN_IF_ERROR(Print(report, format(), console_));
  return ExitCode::kDone;
}

Outcome Session::ShowSecret(absl::string_view text) {
  // Before the first byte: a file must not be readable for a moment with a secret in it.
  console_.protect_out();
  *console_.out << text << (absl::EndsWith(text, "\n") ? "" : "\n");
  console_.out->flush();
  return ExitCode::kDone;
}

void Session::Note(absl::string_view text) {
  // With the program's name, since pipelines have several that write to one terminal.
  *console_.err << "muster: " << CleanText(text) << std::endl;
}

absl::Status Session::Confirm(int64_t device_count, absl::string_view consequence) {
  // One device was named by the person; more were found by a filter or a file, and that is where
  // surprises are.
  if (device_count <= 1 || Switch("yes")) return absl::OkStatus();
  // A script must say --yes: reading an answer from its stdin would take a line of its data for a
  // "no".
  if (!console_.in_is_terminal) {
    return absl::InvalidArgumentError(
        absl::StrCat(consequence, " There is no terminal to ask on; with --yes it is done."));
  }
  return Ask(consequence);
}

absl::Status Session::Ask(absl::string_view consequence) {
  if (Switch("yes")) return absl::OkStatus();
  *console_.err << CleanText(consequence) << " Go on? [y/N] " << std::flush;
  std::string answer;
  // The end of input leaves it empty, which is a no like everything but y and yes.
  std::getline(*console_.in, answer);
  answer = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::CancelledError("nothing was done");
}

}  // namespace muster::cli
