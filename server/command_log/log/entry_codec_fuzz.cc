// An entry either decodes, and then encodes and decodes to the same, or is refused.
#include <cstdlib>

#include "server/command_log/log/entry_codec.h"
#include "server/command_log/log/feature_level.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace muster::server;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)DecodeEntry(bytes);
  // The checksum keeps the fuzzer out of what lies behind it: go around it too.
  muster::internal::v1::Command command;
  if (!command.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto checked = CheckCommand(command);
  if (!checked.ok()) return 0;
  const EntryHeader header{std::string(16, 'f'), size, 1, 2};
  const auto decoded = DecodeEntry(EncodeEntry(header, {checked->bytes}));
  // What only a newer program makes stops this one.
  if (checked->command.version() > FeatureLevel()) {
    if (!absl::IsUnimplemented(decoded.status())) abort();
    return 0;
  }
  if (!decoded.ok() || decoded->header.index != size || decoded->entry.commands_size() != 1) {
    abort();
  }
  return 0;
}
