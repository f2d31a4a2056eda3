#include "tests/router_simulator/handlers.h"

#include "absl/strings/str_cat.h"

namespace muster::simulator {

Handler FindHandler(absl::string_view menu_path, absl::string_view command) {
  static const HandlerMap* const own = [] {
    auto* map = new HandlerMap();
    AddControlHandlers(map);
    AddValueHandlers(map);
    AddConversionHandlers(map);
    AddSystemHandlers(map);
    AddResetHandlers(map);
    AddImportHandlers(map);
    AddNetworkHandlers(map);
    AddCertificateHandlers(map);
    AddRootExportHandler(map);
    return map;
  }();
  static const HandlerMap* const common = [] {
    auto* map = new HandlerMap();
    AddMenuHandlers(map);
    AddPrintHandlers(map);
    return map;
  }();
  const std::string name =
      menu_path.empty() ? absl::StrCat(":", command) : absl::StrCat(menu_path, " ", command);
  auto found = own->find(name);
  if (found != own->end()) return found->second;
  if (menu_path.empty()) return nullptr;
  found = common->find(std::string(command));
  return found == common->end() ? nullptr : found->second;
}

}  // namespace muster::simulator
