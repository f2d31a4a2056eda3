// The names of routeros/language, which the simulator uses as its own throughout.
#pragma once

#include "routeros/language/ast.h"
#include "routeros/language/command_tree.h"
#include "routeros/language/parser.h"
#include "routeros/language/value.h"

namespace muster::simulator {

namespace language = routeros::language;
using namespace routeros::language;  // NOLINT(google-build-using-namespace)

}  // namespace muster::simulator
