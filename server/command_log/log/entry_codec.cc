// Entries as bytes, little-endian; DESIGN.md has the table. Written by hand rather than as one
// protobuf message, because the checksum must cover everything and each command's bytes must be
// exactly those that were checked.
#include "server/command_log/log/entry_codec.h"

#include <zstd.h>

#include <boost/crc.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/command_log/log/feature_level.h"

namespace muster::server {
namespace {

constexpr char kMagic[2] = {'M', 'E'};
constexpr uint8_t kFormat = 1;
constexpr uint8_t kFlagZstd = 1;
// Behind the checksum itself.
constexpr size_t kCrcFrom = 8;
// Far above the largest entry; bounds what damaged bytes can make us reserve.
constexpr size_t kMaxRawBytes = size_t{16} << 20;
// Fast enough for the writer thread: about 400 MB/s.
constexpr int kZstdLevel = 1;
// Entry.commands: field 1, length-delimited.
constexpr char kCommandTag = 0x0a;

// Boost's table version: Debian has no C++ package for CRC-32C, and 512 KiB entries do not need the
// instruction.
using Crc = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

// By shifts, so that the bytes are the same on any machine.
template <typename T>
void PutLittleEndian(T value, std::string& out) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
  }
}

template <typename T>
T GetLittleEndian(absl::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  return static_cast<T>(value);
}

void PutVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

std::string Concatenate(const std::vector<absl::string_view>& commands) {
  size_t size = 0;
  // The tag and a varint of at most five bytes.
  for (absl::string_view command : commands) size += command.size() + 6;
  std::string raw;
  raw.reserve(size);
  for (absl::string_view command : commands) {
    // As protobuf would serialize Entry, but out of bytes that are there already.
    raw.push_back(kCommandTag);
    PutVarint(command.size(), raw);
    raw.append(command.data(), command.size());
  }
  return raw;
}

// Compressed, or the bytes themselves where that is not smaller.
std::pair<uint8_t, std::string> Compress(std::string raw) {
  std::string packed(ZSTD_compressBound(raw.size()), '\0');
  const size_t size =
      ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), kZstdLevel);
  if (ZSTD_isError(size) || size >= raw.size()) return {0, std::move(raw)};
  packed.resize(size);
  return {kFlagZstd, std::move(packed)};
}

absl::StatusOr<std::string> Expand(absl::string_view payload, uint8_t flags, size_t raw_size) {
  if (flags == 0) {
    if (payload.size() != raw_size) return absl::DataLossError("log entry: wrong length");
    return std::string(payload);
  }
  std::string raw(raw_size, '\0');
  const size_t size = ZSTD_decompress(raw.data(), raw.size(), payload.data(), payload.size());
  if (ZSTD_isError(size) || size != raw_size) {
    return absl::DataLossError("log entry: the compressed part does not expand");
  }
  return raw;
}

uint32_t Crc32cOf(absl::string_view first, absl::string_view second) {
  Crc crc;
  crc.process_bytes(first.data(), first.size());
  crc.process_bytes(second.data(), second.size());
  return crc.checksum();
}

absl::Status CheckVersions(const internal::v1::Entry& entry) {
  for (const internal::v1::Command& command : entry.commands()) {
    if (command.version() > FeatureLevel()) {
      return absl::UnimplementedError(
          absl::StrCat("log entry: a command of feature level ", command.version(),
                       " is newer than this program, which knows levels up to ", FeatureLevel(),
                       "; install the newer musterd"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

uint32_t Crc32c(absl::string_view bytes) { return Crc32cOf(bytes, ""); }

absl::StatusOr<CheckedCommand> CheckCommand(internal::v1::Command command) {
  // Here and nowhere else: no proposer can forget it.
  command.set_version(LevelOf(command));
  CheckedCommand checked;
  if (!command.SerializeToString(&checked.bytes)) {
    return absl::InvalidArgumentError("the command can't be written");
  }
  if (checked.bytes.size() > kMaxCommandBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the command has ", checked.bytes.size(),
                                                   " bytes; at most ", kMaxCommandBytes));
  }
  // Protobuf writes text that is not UTF-8 and refuses to read it: such a command would stop every
  // later start.
  if (!checked.command.ParseFromString(checked.bytes)) {
    return absl::InvalidArgumentError("the command holds text that is not UTF-8");
  }
  return checked;
}

std::string EncodeEntry(const EntryHeader& header, const std::vector<absl::string_view>& commands) {
  std::string raw = Concatenate(commands);
  const uint32_t raw_size = static_cast<uint32_t>(raw.size());
  const auto [flags, payload] = Compress(std::move(raw));
  std::string tail;
  tail.reserve(kEntryHeaderBytes + payload.size());
  std::string log_id = header.log_id;
  log_id.resize(16, '\0');
  tail += log_id;
  PutLittleEndian(header.index, tail);
  PutLittleEndian(header.proposer, tail);
  PutLittleEndian(header.state_time_us, tail);
  PutLittleEndian(raw_size, tail);
  PutLittleEndian(static_cast<uint32_t>(payload.size()), tail);
  tail += payload;
  std::string out;
  out.reserve(kCrcFrom + tail.size());
  out.append(kMagic, sizeof(kMagic));
  out.push_back(static_cast<char>(kFormat));
  out.push_back(static_cast<char>(flags));
  PutLittleEndian(Crc32cOf(out, tail), out);
  return out + tail;
}

std::string RenumberEntry(absl::string_view bytes, uint64_t index) {
  constexpr size_t kIndexAt = 24;
  std::string number;
  PutLittleEndian(index, number);
  std::string tail(bytes.substr(kCrcFrom));
  tail.replace(kIndexAt - kCrcFrom, number.size(), number);
  std::string out(bytes.substr(0, 4));
  PutLittleEndian(Crc32cOf(out, tail), out);
  return out + tail;
}

absl::StatusOr<DecodedEntry> DecodeEntry(absl::string_view bytes) {
  if (bytes.size() < kEntryHeaderBytes) return absl::DataLossError("log entry: cut short");
  if (bytes.substr(0, 2) != absl::string_view(kMagic, 2)) {
    return absl::DataLossError("log entry: not an entry");
  }
  const uint8_t format = static_cast<uint8_t>(bytes[2]);
  const uint8_t flags = static_cast<uint8_t>(bytes[3]);
  // Before any field is believed.
  if (Crc32cOf(bytes.substr(0, 4), bytes.substr(kCrcFrom)) != GetLittleEndian<uint32_t>(bytes, 4)) {
    return absl::DataLossError("log entry: wrong checksum");
  }
  // After the checksum: only an intact entry can be "newer"; a flipped bit is damage.
  if (format != kFormat || flags > kFlagZstd) {
    return absl::UnimplementedError(absl::StrCat("log entry: format ", int{format}, ", flags ",
                                                 int{flags}, " are newer than this program"));
  }
  const size_t raw_size = GetLittleEndian<uint32_t>(bytes, 48);
  const size_t payload_size = GetLittleEndian<uint32_t>(bytes, 52);
  if (payload_size != bytes.size() - kEntryHeaderBytes || raw_size > kMaxRawBytes) {
    return absl::DataLossError("log entry: wrong length");
  }
  absl::StatusOr<std::string> raw = Expand(bytes.substr(kEntryHeaderBytes), flags, raw_size);
  if (!raw.ok()) return raw.status();
  DecodedEntry decoded;
  decoded.header = {std::string(bytes.substr(8, 16)), GetLittleEndian<uint64_t>(bytes, 24),
                    GetLittleEndian<uint64_t>(bytes, 32), GetLittleEndian<int64_t>(bytes, 40)};
  if (!decoded.entry.ParseFromString(*raw)) {
    return absl::DataLossError("log entry: the commands do not parse");
  }
  // Last, so that damage is never reported as a newer version.
  if (absl::Status status = CheckVersions(decoded.entry); !status.ok()) return status;
  return decoded;
}

}  // namespace muster::server
