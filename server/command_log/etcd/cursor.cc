#include "server/command_log/etcd/cursor.h"

#include "server/command_log/etcd/little_endian.h"

namespace muster::server {
namespace {

constexpr absl::string_view kMark("MC\x01\x00", 4);
constexpr size_t kDigestBytes = 32;
constexpr size_t kDigestAt = 12;
constexpr size_t kCountersAt = kDigestAt + kDigestBytes;
constexpr size_t kCounterBytes = 16;

}  // namespace

std::string EtcdCursor::Encode() const {
  std::string out(kMark);
  PutLittleEndian(static_cast<uint64_t>(revision), out);
  out += digest;
  for (const auto& [proposer, counter] : counters) {
    PutLittleEndian(proposer, out);
    PutLittleEndian(counter, out);
  }
  return out;
}

absl::StatusOr<EtcdCursor> EtcdCursor::Decode(absl::string_view bytes) {
  if (bytes.size() < kCountersAt || bytes.substr(0, kMark.size()) != kMark ||
      (bytes.size() - kCountersAt) % kCounterBytes != 0) {
    return absl::DataLossError("the state's place in the log is damaged");
  }
  EtcdCursor cursor;
  cursor.revision = static_cast<int64_t>(GetLittleEndian(bytes, kMark.size()));
  cursor.digest = std::string(bytes.substr(kDigestAt, kDigestBytes));
  for (size_t at = kCountersAt; at < bytes.size(); at += kCounterBytes) {
    cursor.counters[GetLittleEndian(bytes, at)] = GetLittleEndian(bytes, at + 8);
  }
  return cursor;
}

}  // namespace muster::server
