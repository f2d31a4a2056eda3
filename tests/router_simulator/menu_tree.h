// The menus of a simulated router, built from the tables of menu_tables.h: what does not stand
// there does not exist for it, and a script that names it does not load.
//
// Threads:  MenuTree is safe from any thread.
// Example:  agent_on_router_test.cc.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "routeros/check/console_dumps.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/version.h"

namespace muster::simulator {

// Rights that a script's caller has; bits of a mask.
enum Policy : uint32_t {
  kPolicyRead = 1 << 0,
  kPolicyWrite = 1 << 1,
  kPolicyPolicy = 1 << 2,
  kPolicyTest = 1 << 3,
  kPolicyFtp = 1 << 4,
  kPolicyReboot = 1 << 5,
  kPolicySensitive = 1 << 6,
  kPolicyPassword = 1 << 7,
  kPolicySniff = 1 << 8,
  kPolicyRomon = 1 << 9,
  kPolicyAll = (1 << 10) - 1,
};
// Nullopt for an unknown name.
std::optional<uint32_t> ParsePolicies(absl::string_view comma_list);
std::string PolicyText(uint32_t mask);

class Evaluator;
// Runs one command. False where it raised an error or left the script (:return and the like);
// the evaluator then holds why.
using Handler = bool (*)(Evaluator& evaluator, const Node& node, Value* result);

// What every command of a simulated router's tree is.
struct SimulatedCommand : CommandSpec {
  uint32_t policy = 0;
  Handler handler = nullptr;  // null: RouterOS has it and the simulator can't run it
};

// The tree of `version` on a board with or without hardware (`routerboard`), with the menus of the
// version's dump where `dumps` (which must never end) has one. Made once and kept for the life of
// the process.
const CommandTree& MenuTree(const RouterVersion& version, bool routerboard, bool ppp_package = true,
                            const routeros::ConsoleDumps* dumps = nullptr);

}  // namespace muster::simulator
