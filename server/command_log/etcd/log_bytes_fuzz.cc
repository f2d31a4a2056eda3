// What lies in etcd, and the cursor: nothing but what was sealed opens, and nothing breaks.
#include <cstdlib>

#include "server/command_log/etcd/cursor.h"
#include "server/command_log/etcd/sealed_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace muster::server;
  static const bool ready = muster::InitializeCryptography().ok();
  if (!ready) std::abort();
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const muster::Secret key = LogKeyOf(muster::Secret(std::string(32, 'k')));
  if (OpenEntry(key, std::string(16, 'L'), bytes).ok()) std::abort();
  if (const auto owner = DecodeLogOwner(bytes); owner.ok()) {
    if (EncodeLogOwner(*owner) != bytes) std::abort();
  }
  if (const auto cursor = EtcdCursor::Decode(bytes); cursor.ok()) {
    const auto again = EtcdCursor::Decode(cursor->Encode());
    if (!again.ok() || !(*again == *cursor)) std::abort();
  }
  return 0;
}
