// Reading is written for a hostile file: every length is bounded before it is used, nothing is
// expanded that was not proven, and the order of the checks decides what an operator is told.
#include "server/backup/file/backup_file.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/entry_codec.h"

namespace muster::server {
namespace {

// The end of line and ^Z find out who copied it as text.
constexpr absl::string_view kMagic("muster backup\r\n\x1a", 16);
constexpr uint32_t kFormat = 1;
constexpr size_t kPrefixBytes = kMagic.size() + 8;
constexpr size_t kMostManifestBytes = size_t{64} << 10;
constexpr size_t kMacBytes = 32;
constexpr size_t kIdBytes = 16;
// Pieces, raw bytes, MAC.
constexpr size_t kEndBytes = 8 + 8 + kMacBytes;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the backup is damaged (", what, "); take another copy of it, or an older one"));
}

absl::Status CutShort() {
  return absl::DataLossError(
      "the backup is cut short: its end is missing; copy it again, or take another one");
}

absl::Status Altered(absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the backup was altered after it was made (", what,
                   "): its checksums are right and its MAC is not; don't use it"));
}

absl::Status NoBackup() { return absl::InvalidArgumentError("no backup of Muster"); }

// All pieces of a file open only behind this very manifest.
std::string ContextOf(absl::string_view head) {
  return absl::StrCat("muster-backup/", absl::BytesToHexString(Hash256(head)));
}

}  // namespace

BackupKeys::BackupKeys(const Secret& master_key)
    : content(DeriveKey(master_key, "muster backup content 1")),
      mac(DeriveKey(master_key, "muster backup mac 1")),
      key_id(KeyedHash128(DeriveKey(master_key, "muster backup key id 1"), "key id")) {}

BackupWriter::BackupWriter(const BackupKeys& keys, BackupManifest manifest, ByteSink& sink)
    : manifest_(std::move(manifest)), sink_(sink), seal_{keys.content, ""}, mac_(keys.mac) {}

absl::StatusOr<std::unique_ptr<BackupWriter>> BackupWriter::Begin(const BackupKeys& keys,
                                                                  BackupManifest manifest,
                                                                  ByteSink& sink) {
  manifest.set_backup_id(RandomBytes(kIdBytes));
  manifest.set_key_id(keys.key_id);
  std::string head(kMagic);
  const std::string bytes = manifest.SerializeAsString();
  PutNumber(kFormat, 4, head);
  PutNumber(bytes.size(), 4, head);
  absl::StrAppend(&head, bytes);
  PutNumber(Crc32c(head), 4, head);
  std::unique_ptr<BackupWriter> writer(new BackupWriter(keys, std::move(manifest), sink));
  writer->seal_.context = ContextOf(head);
  RETURN_IF_ERROR(writer->Put(head));
  RETURN_IF_ERROR(writer->Put(writer->mac_.Sum()));
  return writer;
}

absl::Status BackupWriter::Put(absl::string_view bytes) {
  mac_.Add(bytes);
  return sink_.Write(bytes);
}

absl::Status BackupWriter::Add(absl::string_view raw) {
  raw_bytes_ += raw.size();
  return Put(EncodePiece(seal_, pieces_++, raw));
}

absl::Status BackupWriter::Finish() {
  std::string body;
  PutNumber(pieces_, 8, body);
  PutNumber(raw_bytes_, 8, body);
  // Over all that was written, and these two numbers.
  mac_.Add(body);
  absl::StrAppend(&body, mac_.Sum());
  return sink_.Write(EncodeEnd(body));
}

BackupReader::BackupReader(const BackupKeys* keys, ByteSource& source)
    : keys_(keys), source_(source) {
  if (keys == nullptr) return;
  seal_.key = keys->content;
  mac_.emplace(keys->mac);
}

absl::StatusOr<std::unique_ptr<BackupReader>> BackupReader::Open(const BackupKeys* keys,
                                                                 ByteSource& source) {
  std::unique_ptr<BackupReader> reader(new BackupReader(keys, source));
  RETURN_IF_ERROR(reader->ReadManifest());
  return reader;
}

absl::StatusOr<std::string> BackupReader::Take(size_t bytes) {
  ASSIGN_OR_RETURN(std::string taken, source_.Read(bytes));
  if (taken.size() != bytes) return CutShort();
  if (mac_.has_value()) mac_->Add(taken);
  return taken;
}

absl::Status BackupReader::ReadManifest() {
  ASSIGN_OR_RETURN(std::string head, source_.Read(kPrefixBytes));
  if (absl::string_view(head).substr(0, kMagic.size()) != kMagic) {
    // A beginning of the mark and nothing behind it is a backup that lost nearly all.
    const bool begins = !head.empty() && kMagic.substr(0, head.size()) == head;
    return begins ? CutShort() : NoBackup();
  }
  if (head.size() != kPrefixBytes) return CutShort();
  if (mac_.has_value()) mac_->Add(head);
  const uint64_t format = GetNumber(head, kMagic.size(), 4);
  if (format != kFormat) {
    return absl::FailedPreconditionError(absl::StrCat("the backup has format ", format,
                                                      ", this musterd knows ", kFormat,
                                                      "; use the newer musterd that made it"));
  }
  const uint64_t size = GetNumber(head, kMagic.size() + 4, 4);
  if (size > kMostManifestBytes) return Damaged("its manifest has an impossible length");
  ASSIGN_OR_RETURN(const std::string manifest, Take(size));
  absl::StrAppend(&head, manifest);
  ASSIGN_OR_RETURN(const std::string checksum, Take(4));
  if (GetNumber(checksum, 0, 4) != Crc32c(head)) {
    return Damaged("its manifest has a wrong checksum");
  }
  absl::StrAppend(&head, checksum);
  if (!manifest_.ParseFromString(manifest) || manifest_.backup_id().size() != kIdBytes ||
      manifest_.cluster_id().size() != kIdBytes || manifest_.key_id().size() != kIdBytes) {
    return Damaged("its manifest can't be read");
  }
  seal_.context = ContextOf(head);
  // Before it is counted: it is the sum of what came before it.
  const std::string expected = mac_.has_value() ? mac_->Sum() : "";
  ASSIGN_OR_RETURN(const std::string mac, Take(kMacBytes));
  if (!mac_.has_value()) return absl::OkStatus();
  // First, since under another key the MAC is wrong as well, and that is the likelier reason.
  if (!EqualInConstantTime(manifest_.key_id(), keys_->key_id)) {
    return absl::PermissionDeniedError(
        absl::StrCat("the backup was made under another master key, of installation ",
                     absl::BytesToHexString(manifest_.cluster_id()),
                     "; name the key of that installation with --master-key-file"));
  }
  if (!EqualInConstantTime(mac, expected)) return Altered("manifest");
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> BackupReader::Next() {
  ASSIGN_OR_RETURN(const std::string head_bytes, source_.Read(kPieceHeadBytes));
  if (head_bytes.size() != kPieceHeadBytes) return CutShort();
  const absl::StatusOr<PieceHead> head = DecodeHead(head_bytes);
  if (!head.ok()) return Damaged(head.status().message());
  ASSIGN_OR_RETURN(const std::string body, source_.Read(head->body_bytes));
  if (body.size() != head->body_bytes) return CutShort();
  if (const absl::Status checked = CheckPiece(*head, body); !checked.ok()) {
    return Damaged(checked.message());
  }
  if (head->is_end()) {
    RETURN_IF_ERROR(CheckEnd(body));
    return std::optional<std::string>();
  }
  const uint64_t number = pieces_++;
  raw_bytes_ += head->raw_bytes;
  if (!mac_.has_value()) return std::optional<std::string>("");
  mac_->Add(head_bytes);
  mac_->Add(body);
  absl::StatusOr<std::string> raw = OpenPiece(seal_, number, *head, body);
  if (!raw.ok()) return Altered(raw.status().message());
  return std::optional<std::string>(*std::move(raw));
}

absl::Status BackupReader::CheckEnd(absl::string_view body) {
  if (body.size() != kEndBytes) return Damaged("its end can't be read");
  ASSIGN_OR_RETURN(const std::string more, source_.Read(1));
  if (!more.empty()) return Damaged("there is something behind its end");
  if (mac_.has_value()) {
    mac_->Add(body.substr(0, kEndBytes - kMacBytes));
    if (!EqualInConstantTime(mac_->Sum(), body.substr(kEndBytes - kMacBytes))) {
      return Altered("as a whole");
    }
  }
  if (GetNumber(body, 0, 8) != pieces_ || GetNumber(body, 8, 8) != raw_bytes_ ||
      raw_bytes_ != manifest_.state_bytes()) {
    return Damaged("pieces are missing");
  }
  return absl::OkStatus();
}

}  // namespace muster::server
