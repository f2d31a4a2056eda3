// A file either reads to its end, or is refused; a file that we wrote reads back whatever it holds.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "server/backup/file/backup_file.h"

namespace {

using namespace muster;
using namespace muster::server;

class TextSource : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  absl::StatusOr<std::string> Read(size_t most) override {
    std::string some = text_.substr(at_, most);
    at_ += some.size();
    return some;
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

class TextSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  std::string text;
};

absl::StatusOr<std::string> ReadAll(const BackupKeys* keys, const std::string& file) {
  TextSource source(file);
  auto reader = BackupReader::Open(keys, source);
  if (!reader.ok()) return reader.status();
  std::string all;
  for (;;) {
    auto piece = (*reader)->Next();
    if (!piece.ok()) return piece.status();
    if (!piece->has_value()) return all;
    all += **piece;
  }
}

std::string Write(const BackupKeys& keys, const std::string& state) {
  BackupManifest manifest;
  manifest.set_cluster_id(std::string(16, 'c'));
  manifest.set_state_bytes(state.size());
  TextSink sink;
  auto writer = BackupWriter::Begin(keys, manifest, sink);
  if (!writer.ok()) abort();
  if (!state.empty() && !(*writer)->Add(state).ok()) abort();
  if (!(*writer)->Finish().ok()) abort();
  return sink.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (!InitializeCryptography().ok()) abort();
  static const BackupKeys keys{Secret(std::string(32, 'k'))};
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  // Nobody but who has the key writes what reads with it.
  if (ReadAll(&keys, bytes).ok()) abort();
  (void)ReadAll(nullptr, bytes);
  // A good file with the input laid over it somewhere.
  const std::string state = bytes.substr(0, std::min<size_t>(size, 200'000));
  const std::string good = Write(keys, state);
  const auto read = ReadAll(&keys, good);
  if (!read.ok() || *read != state) abort();
  if (size < 3) return 0;
  std::string bad = good;
  const size_t at = (size_t{data[0]} << 8 | data[1]) % bad.size();
  bad.replace(at, size - 2, bytes.substr(2));
  if (bad != good && ReadAll(&keys, bad).ok()) abort();
  (void)ReadAll(nullptr, bad);
  return 0;
}
