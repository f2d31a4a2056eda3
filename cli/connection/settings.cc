// Each setting is chosen by itself, in the order flag, environment, context, default, and remembers
// where it came from. So `--server` alone still uses the context's key, and messages name the right
// place.
#include "cli/connection/settings.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kDefaultPort = "7450";

Setting Choose(const std::optional<std::string>& flag, absl::string_view flag_name,
               const Environment& environment, const std::string& variable,
               const std::string& from_context, const std::string& context,
               absl::string_view fallback) {
  if (flag.has_value()) return {*flag, std::string(flag_name)};
  if (auto value = environment(variable)) return {*std::move(value), variable};
  if (!from_context.empty()) return {from_context, absl::StrCat("context ", context)};
  if (!fallback.empty()) return {std::string(fallback), "default"};
  return {};
}

absl::Status WrongServer(const Setting& server) {
  return absl::InvalidArgumentError(
      absl::StrCat(server.source, ": \"", server.value,
                   "\" is no address; wants HOST or HOST:PORT, like 127.0.0.1:7450, or several of "
                   "them with commas between"));
}

// Adds the port where it is missing, to each of a list.
// An IPv6 address must stand in brackets, as in a URL: without them its last group and a port look
// alike.
absl::StatusOr<std::string> CompleteAddress(const Setting& server, absl::string_view address) {
  absl::string_view rest = address;
  for (const char c : rest) {
    if (!absl::ascii_isgraph(c) || c == '/') return WrongServer(server);
  }
  if (absl::StartsWith(rest, "[")) {
    const size_t end = rest.find(']');
    if (end == absl::string_view::npos) return WrongServer(server);
    rest.remove_prefix(end + 1);
  }
  const size_t colon = rest.find(':');
  // ":7450" has no host; "[::1]:7450" has one, in front of what is left of it here.
  if (address.empty() || colon == 0) {
    if (rest.size() == address.size()) return WrongServer(server);
  }
  if (colon == absl::string_view::npos) {
    return absl::StrCat(address, ":", kDefaultPort);
  }
  int port = 0;
  if (!absl::SimpleAtoi(rest.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return WrongServer(server);
  }
  return std::string(address);
}

absl::Status CompleteServer(Setting* server) {
  std::vector<std::string> addresses;
  for (const absl::string_view address : absl::StrSplit(server->value, ',')) {
    ASSIGN_OR_RETURN(std::string complete, CompleteAddress(*server, address));
    addresses.push_back(std::move(complete));
  }
  server->value = absl::StrJoin(addresses, ",");
  return absl::OkStatus();
}

absl::Status CompleteOrganization(Setting* organization) {
  absl::string_view slug = organization->value;
  // What `organization list -o name` prints can be pasted.
  absl::ConsumePrefix(&slug, "organizations/");
  if (!IsSlug(slug)) {
    return absl::InvalidArgumentError(
        absl::StrCat(organization->source, ": \"", organization->value,
                     "\" is no organization; its name has 2 to 32 of a-z, 0-9 and -; see: muster "
                     "organization list"));
  }
  organization->value = std::string(slug);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  const auto wrong = [text] {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text,
        "\" is no duration; use a number and a unit of s, m, h, d or w, like 90s, 24h or 7d"));
  };
  // Not absl::ParseDuration: that has no days and weeks, and takes signs and fractions.
  absl::Duration sum;
  absl::string_view rest = text;
  if (rest.empty()) return wrong();
  while (!rest.empty()) {
    size_t digits = 0;
    while (digits < rest.size() && absl::ascii_isdigit(rest[digits])) ++digits;
    int64_t amount = 0;
    // Nine digits of weeks still fit into a duration.
    if (digits == 0 || digits > 9 || digits == rest.size() ||
        !absl::SimpleAtoi(rest.substr(0, digits), &amount)) {
      return wrong();
    }
    const char unit = rest[digits];
    const int64_t seconds = unit == 's'   ? 1
                            : unit == 'm' ? 60
                            : unit == 'h' ? 3600
                            : unit == 'd' ? 86400
                            : unit == 'w' ? 604800
                                          : 0;
    if (seconds == 0) return wrong();
    sum += absl::Seconds(seconds) * amount;
    rest.remove_prefix(digits + 1);
  }
  return sum;
}

absl::StatusOr<Settings> ResolveSettings(const GlobalFlags& flags, const Environment& environment) {
  Settings settings;
  settings.context_path =
      flags.config.has_value()
          ? *flags.config
          : environment("MUSTER_CONFIG").value_or(DefaultContextPath(environment));
  // Read even where flags say everything: a broken file is better told now than by the command that
  // needs it.
  ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(settings.context_path));
  settings.context = flags.context.value_or(environment("MUSTER_CONTEXT").value_or(file.current));
  Context context;
  if (const auto found = file.contexts.find(settings.context); found != file.contexts.end()) {
    context = found->second;
    // A context that is named and isn't there must not fall back to the defaults: that would be
    // another server.
  } else if (!settings.context.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no context \"", settings.context, "\" in ",
                                            file.path, "; see: muster context list"));
  }
  const auto choose = [&](const std::optional<std::string>& flag, absl::string_view flag_name,
                          const std::string& variable, const std::string& in_context,
                          absl::string_view fallback) {
    return Choose(flag, flag_name, environment, variable, in_context, settings.context, fallback);
  };
  settings.server =
      choose(flags.server, "--server", "MUSTER_SERVER", context.server, "127.0.0.1:7450");
  settings.ca_file = choose(flags.ca_file, "--ca-file", "MUSTER_CA_FILE", context.ca_file, "");
  settings.api_key_file =
      choose(flags.api_key_file, "--api-key-file", "MUSTER_API_KEY_FILE", context.api_key_file, "");
  settings.organization = choose(flags.organization, "--organization", "MUSTER_ORGANIZATION",
                                 context.organization, "default");
  RETURN_IF_ERROR(CompleteServer(&settings.server));
  RETURN_IF_ERROR(CompleteOrganization(&settings.organization));
  // No flag: it is for scripts and tests, which say it once.
  if (const auto retry_for = environment("MUSTER_RETRY_FOR")) {
    auto duration = ParseDuration(*retry_for);
    if (!duration.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("MUSTER_RETRY_FOR: ", std::string(duration.status().message())));
    }
    settings.retry_for = *duration;
  }
  return settings;
}

}  // namespace muster::cli
