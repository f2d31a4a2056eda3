// Menus of a console dump for a simulated router, beside those that the simulator knows itself.
//
// A menu that only the dump has gets generic rows: any argument of its `add` or `set` is a text
// property, `name` names a row. Its other commands load, and raise when they run. A menu that the
// simulator knows gets the arguments that it lacked.
//
// Threads:  pure; the trees must not be in use.
// Example:  dump_menus_test.cc.
#pragma once

#include "tests/router_simulator/language.h"

namespace muster::simulator {

// Adds to `to` what `from` has more; `from` is the dump's menu of the same path. Menus whose path
// begins with `without` ("/ppp"; "" for none) are left out.
void MergeDump(const MenuSpec& from, absl::string_view without, MenuSpec* to);

}  // namespace muster::simulator
