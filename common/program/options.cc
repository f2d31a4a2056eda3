// Settings from three places, strongest first: flag, environment, file. Each setting is asked for
// in all of them by one name, so that what can be said in one can be said in every other.
#include "common/program/options.h"

#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/status/status_macros.h"

namespace muster {

// One setting: what flags and file say of it, and where its value goes.
struct Options::Setting {
  std::string name;
  std::string help;
  bool required = false;
  bool is_list = false;
  bool is_switch = false;
  // Kept apart until all places were read: which one counts is decided once (Take).
  std::vector<std::string> flag_values;
  bool flag_switch = false;
  std::vector<std::string> file_values;
  std::function<absl::Status(const std::vector<std::string>&)> take;
};

Options::Options(absl::string_view program, absl::string_view description,
                 absl::string_view environment_prefix, absl::string_view examples)
    : program_(program),
      description_(description),
      prefix_(environment_prefix),
      examples_(examples) {}

Options::~Options() = default;

Options::Setting& Options::Add(const std::string& name, const std::string& help) {
  settings_.push_back(std::make_unique<Setting>());
  settings_.back()->name = name;
  settings_.back()->help = help;
  return *settings_.back();
}

void Options::Text(const std::string& name, const std::string& help, std::string* target) {
  // The default stands in --help, as it is before anything is read.
  Add(name, target->empty() ? help : absl::StrCat(help, " [", *target, "]")).take =
      [target](const std::vector<std::string>& values) {
        *target = values.back();
        return absl::OkStatus();
      };
}

void Options::Required(const std::string& name, const std::string& help, std::string* target) {
  Text(name, help, target);
  settings_.back()->required = true;
}

void Options::List(const std::string& name, const std::string& help,
                   std::vector<std::string>* target) {
  Setting& setting = Add(name, absl::StrCat(help, " (may be repeated)"));
  setting.is_list = true;
  setting.take = [target](const std::vector<std::string>& values) {
    *target = values;
    return absl::OkStatus();
  };
}

void Options::Number(const std::string& name, const std::string& help, int64_t* target, int64_t low,
                     int64_t high) {
  Add(name, absl::StrCat(help, " [", *target, "]")).take =
      [=](const std::vector<std::string>& values) {
        int64_t value = 0;
        // Both ends are included.
        if (!absl::SimpleAtoi(values.back(), &value) || value < low || value > high) {
          return absl::InvalidArgumentError(absl::StrCat(
              "\"", values.back(), "\" is not a whole number from ", low, " to ", high));
        }
        *target = value;
        return absl::OkStatus();
      };
}

void Options::Switch(const std::string& name, const std::string& help, bool* target) {
  Setting& setting = Add(name, help);
  setting.is_switch = true;
  setting.take = [target](const std::vector<std::string>& values) {
    const std::string& value = values.back();
    if (value != "true" && value != "false" && value != "1" && value != "0") {
      return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is neither true nor false"));
    }
    *target = value == "true" || value == "1";
    return absl::OkStatus();
  };
}

namespace {

// Text for every kind, so that a file's 5 and a flag's "5" are one.
// The values of a TOML node, as text.
absl::StatusOr<std::vector<std::string>> TomlValues(const toml::node& node) {
  std::vector<std::string> values;
  const auto add = [&](const toml::node& value) {
    if (const auto text = value.value<std::string>(); value.is_string()) {
      values.push_back(*text);
    } else if (value.is_integer()) {
      values.push_back(absl::StrCat(*value.value<int64_t>()));
    } else if (value.is_boolean()) {
      values.push_back(*value.value<bool>() ? "true" : "false");
    } else {
      return false;
    }
    return true;
  };
  if (const toml::array* array = node.as_array()) {
    for (const toml::node& value : *array) {
      if (!add(value)) return absl::InvalidArgumentError("wants text, whole numbers or booleans");
    }
  } else if (!add(node)) {
    return absl::InvalidArgumentError("wants text, a whole number or a boolean");
  }
  return values;
}

}  // namespace

// Exit code 2 is wrong usage in every program.
int Options::UsageError(absl::string_view message) const {
  std::cerr << program_ << ": " << message << "; see " << program_ << " --help\n";
  return 2;
}

// The parser is made for one reading and thrown away: defaults and what counts are our own.
std::optional<int> Options::ReadFlags(int argc, char** argv, std::string* config_path) {
  CLI::App app(description_, program_);
  app.footer(examples_);
  app.set_version_flag("--version", absl::StrCat(program_, " ", Version()));
  app.add_option("--config", *config_path, "TOML file with the settings below");
  for (const auto& setting : settings_) {
    const std::string flag = absl::StrCat("--", setting->name);
    if (setting->is_switch) {
      app.add_flag(flag, setting->flag_switch, setting->help);
    } else {
      CLI::Option* option = app.add_option(flag, setting->flag_values, setting->help);
      option->expected(1)->type_name(setting->is_list ? "TEXT ..." : "TEXT");
      if (setting->is_list) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }
  // CLI11 and toml++ throw; nothing of it leaves these two functions.
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what());
  }
  return std::nullopt;
}

// A flat table: names are those of the flags, without sections.
absl::Status Options::ReadFile(const std::string& path) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", error.source().begin.line, ": ",
                     absl::string_view(error.description().data(), error.description().size())));
  }
  for (const auto& [key, node] : file) {
    const absl::string_view name(key.str().data(), key.str().size());
    const auto setting = std::find_if(settings_.begin(), settings_.end(),
                                      [name](const auto& known) { return known->name == name; });
    // A misspelled name in a file would otherwise be a setting that silently isn't set.
    if (setting == settings_.end() && shares_file_) continue;
    if (setting == settings_.end()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": unknown setting \"", name, "\""));
    }
    absl::StatusOr<std::vector<std::string>> values = TomlValues(node);
    if (!values.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", name, " ", values.status().message()));
    }
    (*setting)->file_values = *std::move(values);
  }
  return absl::OkStatus();
}

// Flag before environment before file.
absl::Status Options::Take(Setting& setting, const std::string& config_path) const {
  std::string source = absl::StrCat("--", setting.name);
  // `source` goes along, so that a message names the place to mend.
  std::vector<std::string> values = setting.flag_values;
  // A flag can only switch on; off is said in the environment or the file.
  if (setting.is_switch && setting.flag_switch) values = {"true"};
  if (values.empty()) {
    source = absl::StrCat(prefix_, "_",
                          absl::AsciiStrToUpper(absl::StrReplaceAll(setting.name, {{"-", "_"}})));
    const char* text = std::getenv(source.c_str());
    // Empty is unset: service files leave variables empty.
    if (text != nullptr && *text != '\0') {
      values = {text};
      if (setting.is_list) values = absl::StrSplit(text, ',');
    }
  }
  if (values.empty()) {
    source = absl::StrCat(config_path, ": ", setting.name);
    values = setting.file_values;
  }
  if (values.empty()) {
    if (!setting.required) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("--", setting.name, " is missing"));
  }
  const absl::Status taken = setting.take(values);
  if (taken.ok()) return taken;
  return absl::InvalidArgumentError(absl::StrCat(source, ": ", taken.message()));
}

// Every setting is looked at, so that a fault in the environment is found at the start and not when
// it is used; the first fault ends it.
std::optional<int> Options::Parse(int argc, char** argv) {
  std::string config_path;
  if (std::optional<int> code = ReadFlags(argc, argv, &config_path)) return code;
  // The path of the file itself can't stand in the file.
  if (const char* path = std::getenv(absl::StrCat(prefix_, "_CONFIG").c_str());
      config_path.empty() && path != nullptr) {
    config_path = path;
  }
  if (!config_path.empty()) {
    if (absl::Status read = ReadFile(config_path); !read.ok()) return UsageError(read.message());
  }
  for (const auto& setting : settings_) {
    const absl::Status taken = Take(*setting, config_path);
    if (!taken.ok()) return UsageError(taken.message());
  }
  return std::nullopt;
}

}  // namespace muster
