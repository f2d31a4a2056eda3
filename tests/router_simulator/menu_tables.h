// The menus of all simulated versions as one text; see menu_tree.h for what it is built into.
//
//   /ip/address table[,ordered|,fixed|,volatile]… [@since] [<before]
//     name:type[flags][@since][<before][=default]     a property
//     +run('number,verbose)[@since][<before]          a command (routeros/language/builtins.h)
//
// Types: t text, n number, b yes/no, T time, i address, a address with prefix length, w network,
// I interface, p policies, c script. Flags: * required, # unique and naming, % hidden (sensitive),
// ^ read-only.
//
// Names and versions come from the command trees of RouterOS 7.9 to 7.24 (tikoci/restraml) and,
// for version 6, from its manual.
#pragma once

#include "absl/strings/string_view.h"

namespace muster::simulator {

// Settings and commands of the router itself: /system, /certificate, /file, /user, /tool, /log.
absl::string_view SystemMenus();
// What an operator configures: /interface, /ip, /ppp, /queue, /snmp, /routing.
absl::string_view NetworkMenus();

}  // namespace muster::simulator
