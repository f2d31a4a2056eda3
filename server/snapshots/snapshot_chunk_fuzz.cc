// Whatever chunks come, what was taken is one file without a gap, in order and checksummed.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "server/snapshots/snapshot_chunk.h"

namespace {

using namespace muster;
using namespace muster::server;

class TextSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  std::string text;
};

// Bytes of the input as chunks: each 6 bytes of how it is, and its content.
class Script {
 public:
  explicit Script(absl::string_view bytes) : bytes_(bytes) {}

  bool Next(uint64_t expected, SnapshotChunk& chunk) {
    if (bytes_.size() < 6) return false;
    const auto at = [this](size_t i) { return static_cast<uint8_t>(bytes_[i]); };
    chunk.snapshot_id = std::string(at(0) & 1 ? kSnapshotIdBytes - 1 : kSnapshotIdBytes,
                                    static_cast<char>(at(0) >> 4));
    chunk.file_bytes = at(1) & 1 ? uint64_t{at(1)} << 56 : at(1);
    chunk.state_bytes = at(2) >> 6;
    chunk.offset = at(3) < 200 ? expected : uint64_t{at(3)} << (at(4) % 57);
    const size_t size = std::min<size_t>(at(5), bytes_.size() - 6);
    chunk.content = std::string(bytes_.substr(6, size));
    chunk.checksum = ChecksumOf(chunk) ^ (at(4) > 240 ? at(4) : 0);
    bytes_.remove_prefix(6 + size);
    return true;
  }

 private:
  absl::string_view bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Script script({reinterpret_cast<const char*>(data), size});
  TextSink sink;
  SnapshotIntake intake(sink);
  SnapshotChunk first;
  SnapshotChunk chunk;
  while (script.Next(intake.offset(), chunk)) {
    const std::string before = sink.text;
    if (!intake.Take(chunk).ok()) {
      if (sink.text != before || intake.offset() != before.size()) abort();
      continue;
    }
    if (before.empty()) first = chunk;
    if (chunk.checksum != ChecksumOf(chunk) || chunk.offset != before.size()) abort();
    if (chunk.snapshot_id != first.snapshot_id || chunk.file_bytes != first.file_bytes) abort();
    if (sink.text != before + chunk.content || sink.text.size() > chunk.file_bytes) abort();
    if (intake.is_whole() != (sink.text.size() == chunk.file_bytes)) abort();
    // One bit anywhere in it, and it would not have been taken.
    SnapshotChunk flipped = chunk;
    flipped.content[size % flipped.content.size()] ^= 1;
    if (flipped.checksum == ChecksumOf(flipped)) abort();
  }
  return 0;
}
