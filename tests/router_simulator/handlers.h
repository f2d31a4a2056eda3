// What the commands do. One file each for control flow, values, menus, files and certificates,
// the network and the system; FindHandler knows them all.
#pragma once

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/menu_tree.h"

namespace muster::simulator {

// Null for a command that parses but can't be run.
Handler FindHandler(absl::string_view menu_path, absl::string_view command);

using HandlerMap = std::map<std::string, Handler>;

// By name: commands of the root, and "path command" for those of one menu.
void AddControlHandlers(HandlerMap* handlers);
void AddValueHandlers(HandlerMap* handlers);
void AddConversionHandlers(HandlerMap* handlers);
void AddSystemHandlers(HandlerMap* handlers);
void AddResetHandlers(HandlerMap* handlers);
void AddImportHandlers(HandlerMap* handlers);
void AddNetworkHandlers(HandlerMap* handlers);
void AddCertificateHandlers(HandlerMap* handlers);
// By command name alone: what every table and settings menu has.
void AddMenuHandlers(HandlerMap* handlers);
void AddPrintHandlers(HandlerMap* handlers);
// `/export` of everything.
void AddRootExportHandler(HandlerMap* handlers);

}  // namespace muster::simulator
