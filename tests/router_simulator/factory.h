// What a simulated router holds when it comes out of its box, and what it measures of itself.
#pragma once

#include "tests/router_simulator/config_store.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/menu_tree.h"

namespace muster::simulator {

class Router;
struct RouterOptions;

// Five ports, the usual services, user admin, groups, profiles.
void FillFactoryConfig(const RouterOptions& options, const CommandTree& tree, ConfigStore* config);

// Properties that the router works out when they are read; false where the row holds it.
bool ReadComputed(Router& router, const MenuSpec& menu, const Row& row,
                  const PropertySpec& property, Value* value);

}  // namespace muster::simulator
