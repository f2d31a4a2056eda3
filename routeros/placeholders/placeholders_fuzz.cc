// Any script and any value: what is filled in holds no byte that could end its place.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "routeros/placeholders/placeholders.h"

namespace routeros = muster::routeros;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t cut = input.find('\0');
  const absl::string_view script = input.substr(0, cut);
  const std::string value(cut == absl::string_view::npos ? "x\"y" : input.substr(cut + 1));
  const auto found = routeros::FindPlaceholders(script);
  if (!found.ok()) return 0;
  for (const routeros::Placeholder& one : *found) {
    const auto text = routeros::ValueText(one.place, one.name, value);
    if (!text.ok()) continue;
    absl::string_view inner = *text;
    if (one.place == routeros::Place::kAlone && inner.size() >= 2 && inner[0] == '"') {
      inner = inner.substr(1, inner.size() - 2);
    }
    if (inner.find_first_of("\"$[](){};\n\r #=") != absl::string_view::npos) __builtin_trap();
  }
  return 0;
}
