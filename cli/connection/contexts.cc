#include "cli/connection/contexts.h"

#include <fcntl.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace muster::cli {
namespace {

struct Field {
  const char* name;
  std::string Context::*value;
};
constexpr Field kFields[] = {{"server", &Context::server},
                             {"ca-file", &Context::ca_file},
                             {"api-key-file", &Context::api_key_file},
                             {"organization", &Context::organization}};

absl::Status Broken(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": ", what, "; mend or remove the file, then run: muster login"));
}

// A TOML basic string.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", std::string(1, c));
    } else if (absl::ascii_iscntrl(c)) {
      absl::StrAppendFormat(&out, "\\u%04X", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

absl::StatusOr<Context> ReadContext(const std::string& path, absl::string_view name,
                                    const toml::node& node) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return Broken(path, absl::StrCat("contexts.", name, " is no table"));
  Context context;
  for (const auto& [key, value] : *table) {
    const absl::string_view key_text(key.str().data(), key.str().size());
    const auto text = value.value<std::string>();
    bool known = false;
    for (const Field& field : kFields) {
      if (key_text != field.name || !value.is_string()) continue;
      context.*field.value = *text;
      known = true;
    }
    if (!known) {
      return Broken(path, absl::StrCat("contexts.", name, ".", key_text,
                                       " is unknown or not text in quotes"));
    }
  }
  return context;
}

std::string FileText(const ContextFile& file) {
  std::string text;
  if (!file.current.empty())
    absl::StrAppend(&text, "current-context = ", Quoted(file.current), "\n");
  for (const auto& [name, context] : file.contexts) {
    absl::StrAppend(&text, "\n[contexts.", Quoted(name), "]\n");
    for (const Field& field : kFields) {
      const std::string& value = context.*field.value;
      if (!value.empty()) absl::StrAppend(&text, field.name, " = ", Quoted(value), "\n");
    }
  }
  return text;
}

}  // namespace

std::string DefaultContextPath(const Environment& environment) {
  if (const auto folder = environment("XDG_CONFIG_HOME")) {
    return absl::StrCat(*folder, "/muster/config.toml");
  }
  return absl::StrCat(environment("HOME").value_or("."), "/.config/muster/config.toml");
}

bool IsContextName(absl::string_view name) {
  if (name.empty() || name.size() > 64 || name[0] == '.') return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

absl::StatusOr<ContextFile> ReadContexts(const std::string& path) {
  ContextFile file;
  file.path = path;
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return file;
  toml::table root;
  try {
    root = toml::parse_file(path);
  } catch (const toml::parse_error& problem) {
    const absl::string_view why(problem.description().data(), problem.description().size());
    return Broken(path, absl::StrCat("line ", problem.source().begin.line, ": ", why));
  }
  for (const auto& [key, value] : root) {
    if (key.str() == "current-context" && value.is_string()) {
      file.current = *value.value<std::string>();
    } else if (key.str() == "contexts" && value.is_table()) {
      for (const auto& [name, node] : *value.as_table()) {
        const std::string name_text(name.str());
        auto context = ReadContext(path, name_text, node);
        if (!context.ok()) return context.status();
        file.contexts[name_text] = *std::move(context);
      }
    } else {
      return Broken(path, absl::StrCat("unknown setting \"", std::string(key.str()), "\""));
    }
  }
  return file;
}

absl::Status WriteContexts(const ContextFile& file) {
  const std::filesystem::path path(file.path);
  std::error_code error;
  if (!path.parent_path().empty() &&
      std::filesystem::create_directories(path.parent_path(), error)) {
    std::filesystem::permissions(path.parent_path(), std::filesystem::perms::owner_all, error);
  }
  const std::string fresh = absl::StrCat(file.path, ".", getpid(), ".new");
  const auto problem = [&] {
    const std::string why = std::error_code(errno, std::generic_category()).message();
    unlink(fresh.c_str());
    return absl::FailedPreconditionError(absl::StrCat("can't write ", file.path, ": ", why));
  };
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return problem();
  const std::string text = FileText(file);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (close(fd) != 0 || !written) return problem();
  if (rename(fresh.c_str(), file.path.c_str()) != 0) return problem();
  return absl::OkStatus();
}

}  // namespace muster::cli
