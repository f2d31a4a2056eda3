// The file of contexts, ~/.config/muster/config.toml: which server, with which key.
//
//   current-context = "default"
//   [contexts.default]
//   server = "127.0.0.1:7450"
//   ca-file = "/var/lib/muster/pki/cluster-ca.pem"
//   api-key-file = "/home/ann/.config/muster/keys/default"
//   organization = "default"
//
// Threads:  not safe; two programs that write at once: the last one wins, no half file.
// Errors:   FailedPrecondition for a file that can't be read, parsed or written, with its line.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::cli {

// The value of an environment variable; nullopt where it is unset or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

struct Context {
  std::string server;
  std::string ca_file;
  std::string api_key_file;
  std::string organization;
};

struct ContextFile {
  std::string path;
  // Empty: none chosen.
  std::string current;
  std::map<std::string, Context> contexts;
};

// $XDG_CONFIG_HOME/muster/config.toml, else ~/.config/muster/config.toml.
std::string DefaultContextPath(const Environment& environment);

// A file that isn't there has no contexts.
absl::StatusOr<ContextFile> ReadContexts(const std::string& path);

// Makes the folder (0700) and replaces the file (0600) in one step.
absl::Status WriteContexts(const ContextFile& file);

// True for 1 to 64 of a-z A-Z 0-9 . _ -, not beginning with a dot: safe as key and file name.
bool IsContextName(absl::string_view name);

}  // namespace muster::cli
