// Any bytes as a literal and back, in both forms; and any text as a literal.
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "routeros/script/quoting.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& quoted :
       {muster::routeros::QuoteString(text), muster::routeros::QuoteSource(text)}) {
    const auto back = muster::routeros::ParseQuoted(quoted);
    if (!back.ok() || *back != text) std::abort();
  }
  const auto parsed = muster::routeros::ParseQuoted(text);
  if (parsed.ok() &&
      muster::routeros::ParseQuoted(muster::routeros::QuoteString(*parsed)).value_or("") !=
          *parsed) {
    std::abort();
  }
  return 0;
}
