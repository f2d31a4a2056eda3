// Any bytes: ParseHeartbeat refuses them or gives clean text.
#include <cstddef>
#include <cstdint>

#include "common/text/clean.h"
#include "routeros/heartbeat/heartbeat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = muster::routeros::ParseHeartbeat({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  if (!muster::IsUtf8(parsed->facts.identity) || parsed->facts.identity.size() > 128)
    __builtin_trap();
  if (parsed->links.size() > muster::routeros::kMostLinkRows) __builtin_trap();
  return 0;
}
