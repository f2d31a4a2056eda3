// Any text: OpenToken refuses it or, for a text that it opens, sealing gives the same contents.
#include <cstddef>
#include <cstdint>
#include <string>

#include "routeros/token/token.h"

namespace {

using muster::Secret;
using muster::routeros::TokenKey;

const TokenKey& Key() {
  static const TokenKey kKey{.key_id = 7, .key = Secret(std::string(32, 'k'))};
  return kKey;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  return muster::InitializeCryptography().ok() ? 0 : 1;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string cluster(16, 'c');
  const std::string text(reinterpret_cast<const char*>(data), size);
  const TokenKey keys[] = {Key()};
  const auto opened = muster::routeros::OpenToken(keys, cluster, text);
  if (!opened.ok()) return 0;
  const auto sealed = muster::routeros::SealToken(Key(), cluster, *opened);
  if (!sealed.ok() || sealed->size() != text.size()) __builtin_trap();
  return 0;
}
