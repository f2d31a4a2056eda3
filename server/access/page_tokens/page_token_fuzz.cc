// Any bytes as page token are refused; what was sealed opens again.
#include <cstdint>
#include <cstdlib>

#include "server/access/page_tokens/page_tokens.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace muster::server;
  static const bool ready = muster::InitializeCryptography().ok();
  if (!ready) std::abort();
  static const PageTokens tokens{muster::Secret(std::string(32, 'k'))};
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const PageBinding binding{"method", 1, "query"};
  // A forgery would need the key, which no input of the fuzzer holds.
  if (tokens.Open(binding, bytes).ok()) std::abort();
  const std::string cursor(bytes.substr(0, 256));
  const absl::StatusOr<std::string> opened = tokens.Open(binding, tokens.Seal(binding, cursor));
  if (!opened.ok() || *opened != cursor) std::abort();
  return 0;
}
