// /export and files.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/menu_tree.h"

namespace muster::simulator {

class Router;

struct ExportOptions {
  bool show_sensitive = false;
  bool verbose = false;
  bool header = true;
};

// The commands that make the configuration of `menu` and all below it.
std::string ExportText(Router& router, const MenuSpec& menu, const ExportOptions& options);

// Text between quotes as RouterOS writes it.
std::string QuoteForScript(absl::string_view text);

// Makes or replaces a file.
bool WriteFile(Router& router, absl::string_view name, absl::string_view contents,
               absl::string_view type);
std::optional<std::string> ReadFile(Router& router, absl::string_view name);
bool RemoveFile(Router& router, absl::string_view name);

}  // namespace muster::simulator
