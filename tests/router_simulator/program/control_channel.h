// Commands on standard input, so that a test can look at its routers and do things to them.
//
//   look at it    dump K /path | export K [show-sensitive] | log K | show K | status
//   use it        run K TEXT | paste K [TEXT]        (paste: the line again, without waiting)
//   power         reboot K | power-loss K [STATEMENTS]    (before the next statement but so many)
//   flash         late-flash K SECONDS | full-flash K on|off
//   old state     save K | restore K [FROM] | rollback K
//                 (restore: a backup loaded, of itself or of router FROM, with a reboot; rollback:
//                 safe mode or undo, without one)
//   other life    upgrade K VERSION (or downgrade) | netinstall K [VERSION] | remove-owner K
//   clock         clock K UNIX-SECONDS
//   network       down K | up K | slow K SECONDS | lose K COUNT [TARGET]
//                 cut K BYTES [TARGET] | break K BYTES [TARGET]
//                 (of the next reply to TARGET, such as /v1/heartbeat, only so many bytes arrive:
//                 cut: unnoticed; break: the connection ends)
//   heal K        ends late-flash, full-flash, slow, down, lose, cut, break and a planned power
//   loss
//
// K counts from 0; "*" means every router. The answer goes to standard output and ends with a
// line that holds only a dot.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/program/fleet.h"

namespace muster::simulator {

// The answer to one line, without the dot.
std::string Answer(Fleet& fleet, absl::string_view line);

// "routers=25 enrolled=25 …".
std::string StatusLine(const Fleet& fleet);

// Reads standard input until it ends; on a thread of its own, which the end of the process ends.
void ServeStandardInput(Fleet* fleet);

}  // namespace muster::simulator
