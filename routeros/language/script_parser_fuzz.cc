// Any bytes through the parser alone, as routers load a script and as the check looks at one: no
// crash, and an error that lies in the text.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "routeros/language/builtins.h"
#include "routeros/language/parser.h"

namespace {

using muster::routeros::Version;
using muster::routeros::language::CommandTree;
using muster::routeros::language::ParseOptions;
using muster::routeros::language::ParseResult;
using muster::routeros::language::ParseScript;
using muster::routeros::language::UnknownNames;

constexpr size_t kVersions = 5;

const CommandTree& TreeOf(size_t which) {
  static const auto* const trees = [] {
    auto* made = new std::unique_ptr<CommandTree>[kVersions];
    const Version versions[kVersions] = {
        {6, 49, 10, ""}, {7, 8, 0, ""}, {7, 12, 2, ""}, {7, 20, 8, ""}, {7, 24, 0, ""}};
    for (size_t i = 0; i < kVersions; ++i) {
      made[i] = std::make_unique<CommandTree>(versions[i]);
      muster::routeros::language::AddBuiltins(made[i].get());
    }
    return made;
  }();
  return *trees[which];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 65536) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ParseOptions options;
  options.dot_before_plus = (data[0] & 1) != 0;
  options.unknown_names = (data[0] & 2) != 0 ? UnknownNames::kNote : UnknownNames::kRefuse;
  const ParseResult parsed = ParseScript(text, TreeOf((data[0] >> 2) % kVersions), options);
  if (parsed.program) return parsed.program->text == text ? 0 : (__builtin_trap(), 0);
  if (parsed.error.line == 0 || parsed.error.column == 0 || parsed.error.line > size + 1 ||
      parsed.error.column > size + 1) {
    __builtin_trap();
  }
  return 0;
}
