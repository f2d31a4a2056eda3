#include "server/command_log/etcd/sealed_entry.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/etcd/little_endian.h"

namespace muster::server {
namespace {

constexpr absl::string_view kEntryMark("MS\x01\x00", 4);
constexpr absl::string_view kOwnerMark("MO\x01\x00", 4);
constexpr size_t kHeaderBytes = 20;
constexpr size_t kLogIdBytes = 16;
constexpr size_t kCheckBytes = 16;

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

LogOwner MakeLogOwner(const Secret& key, absl::string_view log_id) {
  return {std::string(log_id), KeyedHash128(key, absl::StrCat("muster/log-owner/", log_id))};
}

std::string EncodeLogOwner(const LogOwner& owner) {
  return absl::StrCat(kOwnerMark, owner.log_id, owner.key_check);
}

absl::StatusOr<LogOwner> DecodeLogOwner(absl::string_view bytes) {
  if (bytes.size() != kOwnerMark.size() + kLogIdBytes + kCheckBytes ||
      bytes.substr(0, kOwnerMark.size()) != kOwnerMark) {
    return absl::DataLossError("it is no owner record of Muster");
  }
  return LogOwner{std::string(bytes.substr(kOwnerMark.size(), kLogIdBytes)),
                  std::string(bytes.substr(kOwnerMark.size() + kLogIdBytes))};
}

}  // namespace muster::server
