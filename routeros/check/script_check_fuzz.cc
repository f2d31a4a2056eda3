// Any bytes through the parser and the check: no crash, no finding outside of the text.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "routeros/check/script_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using muster::routeros::Finding;
  if (size < 1 || size > 65536) return 0;
  static const muster::routeros::Version kVersions[] = {
      {6, 49, 10, ""}, {7, 8, 0, ""}, {7, 12, 2, ""}, {7, 20, 8, ""}, {7, 24, 0, ""}};
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto report = muster::routeros::CheckScript(text, kVersions[data[0] % 5]);
  for (const Finding& finding : report.findings) {
    if (finding.line == 0 || finding.column == 0 || finding.line > size + 1) __builtin_trap();
  }
  return 0;
}
