// Two steps: a copy of the state in clear where the state itself lies, then that copy into the
// file. SQLite can't give a consistent state as a stream, and a copy beside the backups would lie
// in clear where people keep what leaves the machine.
#include "server/backup/create_backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/backup/backup_files.h"
#include "server/pki/master_key.h"
#include "server/state/state_copy.h"

namespace muster::server {
namespace {

// Left on the disk of a musterd that goes on working.
constexpr uint64_t kReserveBytes = uint64_t{128} << 20;

absl::Status Stopped() {
  return absl::CancelledError("stopped by a signal; nothing was left behind");
}

// SQLite makes files beside the state, which musterd must be able to open afterwards.
absl::Status CheckOwner(const std::string& data_dir) {
  struct stat facts {};
  if (stat((data_dir + "/state.db").c_str(), &facts) != 0) {
    return absl::NotFoundError(
        absl::StrCat(data_dir, " holds no state of Muster; name its data directory (--data-dir)"));
  }
  if (facts.st_uid == geteuid()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the state in ", data_dir, " belongs to another user; run as its owner"));
}

BackupManifest ManifestOf(const StateFacts& facts, uint64_t state_bytes,
                          const std::string& program_version, absl::Time now) {
  BackupManifest manifest;
  manifest.set_cluster_id(facts.cluster_id);
  manifest.set_log_id(facts.log_id);
  manifest.set_log_index(facts.log_index);
  manifest.set_create_time_us(absl::ToUnixMicros(now));
  manifest.set_state_time_us(facts.state_time_us);
  manifest.set_schema_version(static_cast<uint32_t>(facts.schema_version));
  manifest.set_program_version(program_version);
  manifest.set_state_bytes(state_bytes);
  manifest.set_device_count(facts.device_count);
  return manifest;
}

absl::Status AddAll(ByteSource& state, BackupWriter& writer,
                    const std::function<bool()>& wants_end) {
  for (;;) {
    if (wants_end()) return Stopped();
    ASSIGN_OR_RETURN(const std::string raw, state.Read(kMostPieceBytes));
    if (raw.empty()) return writer.Finish();
    RETURN_IF_ERROR(writer.Add(raw));
  }
}

}  // namespace

absl::StatusOr<CheckedBackup> CreateBackup(const CreateBackupTerms& terms, const Clock& clock) {
  RETURN_IF_ERROR(CheckOwner(terms.data_dir));
  const std::string key_file = MasterKeyFile(terms.data_dir, terms.master_key_file);
  ASSIGN_OR_RETURN(const std::vector<Secret> masters, ReadMasterKeys(key_file));
  // First, so that nobody waits for a copy that has no place to go.
  ASSIGN_OR_RETURN(const std::unique_ptr<NewFile> file, NewFile::Make(terms.file));
  const std::string state = terms.data_dir + "/state.db";
  const std::string& folder = terms.copy_dir.empty() ? terms.data_dir : terms.copy_dir;
  RETURN_IF_ERROR(NeedSpace(folder, StateBytes(state) + kReserveBytes, "a copy of the state"));
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyPlace> copy, CopyPlace::Make(folder));
  const absl::Time now = clock.Now();
  ASSIGN_OR_RETURN(const StateFacts facts,
                   CopyState(state, copy->path(), std::string(kClusterRootKey), terms.wants_end));
  if (!ProveMasterKey(masters.front(), facts.cluster_id, facts.proof).ok()) {
    return absl::PermissionDeniedError(absl::StrCat(
        key_file, " is not the master key of the state in ", terms.data_dir,
        ", so that nobody could use the backup; name the right one with --master-key-file"));
  }
  RETURN_IF_ERROR(CheckHasGeneration(key_file, masters, facts.key_generation));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSource> source, FileSource::Open(copy->path()));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<BackupWriter> writer,
      BackupWriter::Begin(BackupKeys(masters[facts.key_generation]),
                          ManifestOf(facts, source->size(), terms.program_version, now), *file));
  RETURN_IF_ERROR(AddAll(*source, *writer, terms.wants_end));
  RETURN_IF_ERROR(file->Publish());
  return CheckedBackup{writer->manifest(), file->size(), true};
}

absl::StatusOr<BackupKeys> BackupKeysFor(const std::string& file,
                                         const std::vector<Secret>& master_keys) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSource> source, FileSource::Open(file));
  const absl::StatusOr<std::unique_ptr<BackupReader>> reader = BackupReader::Open(nullptr, *source);
  BackupKeys keys(master_keys.back());
  // What is wrong with it is told by whoever reads it.
  if (!reader.ok()) return keys;
  for (const Secret& master : master_keys) {
    BackupKeys these(master);
    if (these.key_id == (*reader)->manifest().key_id()) return these;
  }
  return keys;
}

absl::StatusOr<CheckedBackup> VerifyBackup(const std::string& file, const BackupKeys* keys,
                                           const std::function<bool()>& wants_end) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSource> source, FileSource::Open(file));
  absl::StatusOr<std::unique_ptr<BackupReader>> reader = BackupReader::Open(keys, *source);
  absl::Status status = reader.status();
  bool ended = false;
  while (status.ok() && !ended) {
    if (wants_end()) return Stopped();
    const auto piece = (*reader)->Next();
    status = piece.status();
    ended = piece.ok() && !piece->has_value();
  }
  // What the reader says names no file.
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(file, ": ", status.message()));
  return CheckedBackup{(*reader)->manifest(), source->size(), keys != nullptr};
}

}  // namespace muster::server
