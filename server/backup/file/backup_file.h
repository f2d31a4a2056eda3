// The file of a backup: a manifest in clear, the state in sealed pieces, a MAC over all of it.
//
// Keys come from the master key. Without it a file can be checked for damage only: checksums are
// for accidents, and whoever alters a file can make them right again; the seals and the MAC can't
// be made without the key.
//
// Layout:   DESIGN.md.
// Threads:  one thread.
// Errors:   InvalidArgument for what is no backup; FailedPrecondition for a format that is newer;
//           PermissionDenied where it was made under another master key; DataLoss for damage,
//           missing or additional bytes, and alterations. Whatever the source and sink say.
// Example:  backup_file_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/secrets/keyed_hasher.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/backup.pb.h"
#include "server/backup/file/byte_stream.h"
#include "server/backup/file/piece_stream.h"

namespace muster::server {

using internal::v1::BackupManifest;

// What a master key gives for its backups.
struct BackupKeys {
  explicit BackupKeys(const Secret& master_key);

  Secret content;
  Secret mac;
  // 16 bytes; goes into the manifest.
  std::string key_id;
};

// Writes one file from its beginning to its end.
class BackupWriter {
 public:
  // Writes the manifest; its backup_id and key_id are filled in here.
  static absl::StatusOr<std::unique_ptr<BackupWriter>> Begin(const BackupKeys& keys,
                                                             BackupManifest manifest,
                                                             ByteSink& sink);

  // The next piece of the state: 1 to kMostPieceBytes.
  absl::Status Add(absl::string_view raw);
  // Without it the file is refused as cut short.
  absl::Status Finish();

  const BackupManifest& manifest() const { return manifest_; }

 private:
  BackupWriter(const BackupKeys& keys, BackupManifest manifest, ByteSink& sink);
  absl::Status Put(absl::string_view bytes);

  BackupManifest manifest_;
  ByteSink& sink_;
  PieceSeal seal_;
  KeyedHasher mac_;
  uint64_t pieces_ = 0;
  uint64_t raw_bytes_ = 0;
};

// Reads one file from its beginning to its end, and believes nothing of it before it is proven.
class BackupReader {
 public:
  // Reads and checks the manifest. `keys` null: checksums only. Both must outlive the reader.
  static absl::StatusOr<std::unique_ptr<BackupReader>> Open(const BackupKeys* keys,
                                                            ByteSource& source);

  const BackupManifest& manifest() const { return manifest_; }

  // The next piece of the state, checked; nullopt once the whole file was read and is as it was
  // written. Without keys pieces are empty. Not after an error.
  absl::StatusOr<std::optional<std::string>> Next();

 private:
  BackupReader(const BackupKeys* keys, ByteSource& source);
  absl::Status ReadManifest();
  absl::Status CheckKey(absl::string_view mac);
  absl::Status CheckEnd(absl::string_view body);
  // Exactly that many bytes, counted into the MAC; DataLoss where the file ends before.
  absl::StatusOr<std::string> Take(size_t bytes);

  const BackupKeys* keys_;
  ByteSource& source_;
  BackupManifest manifest_;
  PieceSeal seal_;
  std::optional<KeyedHasher> mac_;
  uint64_t pieces_ = 0;
  uint64_t raw_bytes_ = 0;
};

}  // namespace muster::server
