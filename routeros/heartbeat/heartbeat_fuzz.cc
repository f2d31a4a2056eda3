// Any bytes, read by any code page: ParseHeartbeat refuses them or gives clean text.
#include <cstddef>
#include <cstdint>

#include "common/text/clean.h"
#include "routeros/heartbeat/heartbeat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using muster::routeros::CodePage;
  const absl::string_view body(reinterpret_cast<const char*>(data), size);
  for (const CodePage page : {CodePage::kNone, CodePage::kWindows1251, CodePage::kGbk,
                              CodePage::kShiftJis, CodePage::kWindows1258}) {
    const auto parsed = muster::routeros::ParseHeartbeat(body, page);
    if (!parsed.ok()) continue;
    if (!muster::IsUtf8(parsed->facts.identity) || parsed->facts.identity.size() > 128)
      __builtin_trap();
    if (parsed->links.size() > muster::routeros::kMostLinkRows) __builtin_trap();
  }
  return 0;
}
