// Any bytes: ParseEnrolment refuses them or gives clean text.
#include <cstddef>
#include <cstdint>

#include "common/text/clean.h"
#include "routeros/heartbeat/heartbeat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = muster::routeros::ParseEnrolment({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  if (!muster::IsUtf8(parsed->facts.identity) || parsed->nonce.size() < 8) __builtin_trap();
  return 0;
}
