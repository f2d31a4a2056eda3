#include "server/command_log/etcd/sealed_entry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/etcd/little_endian.h"

namespace muster::server {
namespace {

constexpr absl::string_view kEntryMark("MS\x01\x00", 4);
constexpr absl::string_view kOwnerMark("MO\x01\x00", 4);
constexpr absl::string_view kBasedOwnerMark("MO\x02\x00", 4);
// So that base and version can be added.
constexpr uint64_t kHighestBase = uint64_t{1} << 62;
constexpr size_t kHeaderBytes = 20;
constexpr size_t kLogIdBytes = 16;
constexpr size_t kCheckBytes = 16;
constexpr size_t kBaseBytes = 8;

// The header is in the clear and bound by the seal, as is the log.
std::string ContextOf(absl::string_view log_id, absl::string_view header) {
  return absl::StrCat("muster/log-entry/", log_id, "/", header);
}

}  // namespace

Secret LogKeyOf(const Secret& master_key) {
  return Secret(absl::StrCat(KeyedHash128(master_key, "muster/log-key/1"),
                             KeyedHash128(master_key, "muster/log-key/2")));
}

std::string SealEntry(const Secret& key, absl::string_view log_id, const EntryId& id,
                      absl::string_view bytes) {
  std::string out(kEntryMark);
  PutLittleEndian(id.proposer, out);
  PutLittleEndian(id.counter, out);
  out += Seal(key, ContextOf(log_id, out), bytes);
  return out;
}

absl::StatusOr<OpenedEntry> OpenEntry(const Secret& key, absl::string_view log_id,
                                      absl::string_view sealed) {
  if (sealed.size() < kHeaderBytes || sealed.substr(0, kEntryMark.size()) != kEntryMark) {
    return absl::DataLossError("it is no entry of Muster");
  }
  const absl::string_view header = sealed.substr(0, kHeaderBytes);
  ASSIGN_OR_RETURN(const Secret plain,
                   Open(key, ContextOf(log_id, header), sealed.substr(kHeaderBytes)));
  OpenedEntry opened;
  opened.id = {GetLittleEndian(header, 4), GetLittleEndian(header, 12)};
  opened.bytes = std::string(plain.Reveal());
  return opened;
}

LogOwner MakeLogOwner(const Secret& key, absl::string_view log_id, uint64_t base) {
  std::string bound = absl::StrCat("muster/log-owner/", log_id);
  if (base != 0) PutLittleEndian(base, bound);
  return {std::string(log_id), base, KeyedHash128(key, bound)};
}

std::string EncodeLogOwner(const LogOwner& owner) {
  if (owner.base == 0) return absl::StrCat(kOwnerMark, owner.log_id, owner.key_check);
  std::string out = absl::StrCat(kBasedOwnerMark, owner.log_id);
  PutLittleEndian(owner.base, out);
  return absl::StrCat(out, owner.key_check);
}

absl::StatusOr<LogOwner> DecodeLogOwner(absl::string_view bytes) {
  const absl::string_view mark = bytes.substr(0, std::min(bytes.size(), kOwnerMark.size()));
  const size_t base_bytes = mark == kBasedOwnerMark ? kBaseBytes : 0;
  if ((mark != kOwnerMark && mark != kBasedOwnerMark) ||
      bytes.size() != kOwnerMark.size() + kLogIdBytes + base_bytes + kCheckBytes) {
    return absl::DataLossError("it is no owner record of Muster, or one of a newer musterd");
  }
  const size_t base_at = kOwnerMark.size() + kLogIdBytes;
  LogOwner owner;
  owner.log_id = std::string(bytes.substr(kOwnerMark.size(), kLogIdBytes));
  owner.key_check = std::string(bytes.substr(base_at + base_bytes));
  if (base_bytes == 0) return owner;
  owner.base = GetLittleEndian(bytes, base_at);
  if (owner.base != 0 && owner.base <= kHighestBase) return owner;
  return absl::DataLossError("it is an owner record of Muster with a base that can't be");
}

}  // namespace muster::server
