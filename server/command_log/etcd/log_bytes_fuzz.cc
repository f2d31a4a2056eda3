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
  const std::string log_id(16, 'L');
  if (OpenEntry(key, log_id, bytes).ok()) std::abort();
  // Whatever was sealed comes back; with one bit changed it does not.
  std::string sealed = SealEntry(key, log_id, {size, 1}, bytes);
  const auto opened = OpenEntry(key, log_id, sealed);
  if (!opened.ok() || opened->bytes != bytes) std::abort();
  sealed[size % sealed.size()] = static_cast<char>(sealed[size % sealed.size()] ^ 1);
  if (OpenEntry(key, log_id, sealed).ok()) std::abort();
  // Whether its key check is believed is not asked here: libFuzzer sees what it would be compared
  // with.
  const auto owner = DecodeLogOwner(bytes);
  if (owner.ok() && EncodeLogOwner(*owner) != bytes) std::abort();
  if (const auto cursor = EtcdCursor::Decode(bytes); cursor.ok()) {
    const auto again = EtcdCursor::Decode(cursor->Encode());
    if (!again.ok() || !(*again == *cursor)) std::abort();
  }
  return 0;
}
