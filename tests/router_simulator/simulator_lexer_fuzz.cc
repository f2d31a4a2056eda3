// Any bytes through the lexer, the parser and, where they load, a router that runs them for a
// second of its time.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/router.h"

using muster::routeros::language::ParseResult;
using muster::routeros::language::ParseScript;
using muster::simulator::ParseRouterVersion;
using muster::simulator::Router;
using muster::simulator::RouterOptions;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 8192) return 0;
  static const char* const kVersions[] = {"6.49.10", "7.8", "7.12.2", "7.20.8", "7.24"};
  RouterOptions options;
  options.version = *ParseRouterVersion(kVersions[data[0] % 5]);
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Router router(options);
  const ParseResult parsed = ParseScript(text, router.tree());
  if (!parsed.program) {
    if (parsed.error.line == 0 || parsed.error.column == 0) __builtin_trap();
    return 0;
  }
  router.Run(text, absl::Seconds(1));
  return 0;
}
