// Reads and writes ~/.config/muster/config.toml. Strictly: an unknown setting is an error and not
// passed over, since a mistyped "api-key-flie" would else be noticed late and as something else.
//
// Written by this program as a whole, so comments that somebody put there are lost at the next
// login.
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
// The one list of settings; reading and writing both go by it.
constexpr Field kFields[] = {{"server", &Context::server},
                             {"ca-file", &Context::ca_file},
                             {"api-key-file", &Context::api_key_file},
                             {"organization", &Context::organization}};

absl::Status Broken(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": ", what, "; mend or remove the file, then run: muster login"));
}

// A TOML basic string.
// A path may hold quotes, backslashes or control characters; TOML wants these escaped (toml.io,
// "String").
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
    // Wrong type and wrong name get the same words: the file is mended by hand either way.
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
    // Quoted, since a name may have dots, which would be a table inside a table.
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
  // XDG Base Directory Specification; unset or empty means ~/.config.
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
  // A folder that can't be searched is an error and must not look like "no contexts yet"; the
  // parser says what it is.
  if (!std::filesystem::exists(path, error) && !error) return file;
  toml::table root;
  try {
    root = toml::parse_file(path);
    // toml++ throws; nothing of ours lets that pass.
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
  // In the same folder, as rename replaces in one step only within a file system; with the process
  // id, so that two programs don't write into one file.
  const std::string fresh = absl::StrCat(file.path, ".", getpid(), ".new");
  const auto problem = [&] {
    const std::string why = std::error_code(errno, std::generic_category()).message();
    unlink(fresh.c_str());
    return absl::FailedPreconditionError(absl::StrCat("can't write ", file.path, ": ", why));
  };
  // 0600 from the first byte on: it names key files. O_CREAT's mode is cut by the umask and never
  // widened.
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return problem();
  const std::string text = FileText(file);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  // A full disk may be told only here.
  if (close(fd) != 0 || !written) return problem();
  if (rename(fresh.c_str(), file.path.c_str()) != 0) return problem();
  return absl::OkStatus();
}

}  // namespace muster::cli
