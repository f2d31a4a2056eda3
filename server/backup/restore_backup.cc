#include "server/backup/restore_backup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "server/backup/backup_files.h"
#include "server/backup/create_backup.h"
#include "server/command_log/etcd/log_claim.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/local/local_log.h"
#include "server/command_log/node/data_dir.h"
#include "server/migration/migration.h"
#include "server/pki/master_key.h"
#include "server/state/schema.h"
#include "server/state/sqlite_state.h"
#include "server/state/state_copy.h"

namespace muster::server {
namespace {

// Inside the data directory, which may be a mounted disk of its own: a rename from beside it would
// not reach in.
constexpr absl::string_view kBuilding = "/.restoring";
constexpr size_t kLogIdBytes = 16;
// As many as a command takes.
constexpr size_t kDevicesAStep = 1'000;
constexpr uint64_t kReserveBytes = uint64_t{64} << 20;

absl::Status Problem(absl::string_view what, const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(what, " ", path, ": ", std::strerror(errno)));
}

// What a fresh file system has, and what a restore that was killed has left.
bool MayLieThere(absl::string_view name) {
  return name == "." || name == ".." || name == "lost+found" || name == "lock" ||
         absl::StrCat("/", name) == kBuilding;
}

// Ok for a folder that holds nothing of anybody, and for none.
absl::Status CheckTarget(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Problem("can't look at", path);
  }
  if (S_ISLNK(facts.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is a symbolic link; name the folder itself"));
  }
  DIR* const entries = opendir(path.c_str());
  if (entries == nullptr) return Problem("can't open the folder", path);
  bool empty = true;
  while (const dirent* entry = readdir(entries)) empty = empty && MayLieThere(entry->d_name);
  closedir(entries);
  if (empty) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path, " is not empty, and a restore overwrites nothing; name a new folder, or ",
                   "move what lies there away"));
}

// The data directory while it is made. Until Finish its destructor takes away all that was made.
class NewInstallation {
 public:
  static absl::StatusOr<std::unique_ptr<NewInstallation>> Begin(const std::string& path) {
    RETURN_IF_ERROR(CheckTarget(path));
    const bool is_new = access(path.c_str(), F_OK) != 0;
    // Held, so that no musterd begins an installation of its own in it meanwhile.
    ASSIGN_OR_RETURN(DataDir dir, DataDir::Hold(path));
    std::unique_ptr<NewInstallation> made(new NewInstallation(path, is_new, std::move(dir)));
    RETURN_IF_ERROR(CheckTarget(path));
    std::error_code ignored;
    std::filesystem::remove_all(made->building_, ignored);
    if (mkdir(made->building_.c_str(), 0700) != 0) return Problem("can't make", made->building_);
    return made;
  }

  ~NewInstallation() {
    std::error_code ignored;
    std::filesystem::remove_all(building_, ignored);
    if (finished_) return;
    unlink((path_ + "/root-key").c_str());
    unlink((path_ + "/lock").c_str());
    if (is_new_) rmdir(path_.c_str());
  }

  const std::string& building() const { return building_; }

  // The state last: with its name the installation is there.
  absl::Status Finish() {
    for (const char* name : {"/root-key", "/state.db"}) {
      // A further node of a cluster has no root key of its own.
      if (access((building_ + name).c_str(), F_OK) != 0) continue;
      if (rename((building_ + name).c_str(), (path_ + name).c_str()) != 0) {
        return Problem("can't make", path_ + name);
      }
    }
    finished_ = true;
    return SyncFolder(path_);
  }

 private:
  NewInstallation(const std::string& path, bool is_new, DataDir dir)
      : path_(path),
        building_(absl::StrCat(path, kBuilding)),
        is_new_(is_new),
        dir_(std::move(dir)) {}

  const std::string path_;
  const std::string building_;
  const bool is_new_;
  const DataDir dir_;
  bool finished_ = false;
};

absl::Status WriteState(FileSource& source, const BackupKeys& keys, const std::string& path,
                        const std::function<bool()>& wants_end) {
  RETURN_IF_ERROR(source.Rewind());
  ASSIGN_OR_RETURN(const std::unique_ptr<BackupReader> reader, BackupReader::Open(&keys, source));
  ASSIGN_OR_RETURN(const std::unique_ptr<NewFile> file, NewFile::Make(path));
  for (;;) {
    if (wants_end()) return absl::CancelledError("stopped by a signal; nothing was left behind");
    ASSIGN_OR_RETURN(const std::optional<std::string> piece, reader->Next());
    if (!piece.has_value()) break;
    RETURN_IF_ERROR(file->Write(*piece));
  }
  return file->Publish();
}

internal::v1::Command CommandOf(const char* method) {
  internal::v1::Command command;
  command.mutable_actor()->set_principal("musterd");
  command.set_method(method);
  return command;
}

absl::Status SayRestored(CommandLog& log, const RestoreTerms& terms, const BackupManifest& manifest,
                         const std::string& root_key_file, uint32_t key_generation,
                         absl::Time now) {
  internal::v1::Command tick = CommandOf("musterd/Tick");
  tick.mutable_tick()->set_time_us(absl::ToUnixMicros(now));
  RETURN_IF_ERROR(log.Propose(std::move(tick)).status());
  internal::v1::Command command = CommandOf("musterd/Restore");
  internal::v1::RestoreState& restore = *command.mutable_restore_state();
  restore.set_backup_id(manifest.backup_id());
  restore.set_backup_time_us(manifest.create_time_us());
  restore.set_key_generation(key_generation);
  ASSIGN_OR_RETURN(*restore.mutable_root_api_key(), terms.make_root_key(root_key_file));
  return log.Propose(std::move(command)).status();
}

absl::Status HoldDevices(CommandLog& log, const std::vector<uint64_t>& devices,
                         const BackupManifest& manifest) {
  const std::string reason = absl::StrCat(
      "the control plane was restored from a backup of ",
      absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::FromUnixMicros(manifest.create_time_us()),
                       absl::UTCTimeZone()),
      "; its jobs may have run since");
  for (size_t at = 0; at < devices.size(); at += kDevicesAStep) {
    internal::v1::Command command = CommandOf("musterd/Restore");
    internal::v1::HoldRestored& hold = *command.mutable_hold_restored();
    hold.set_reason(reason);
    const size_t end = std::min(devices.size(), at + kDevicesAStep);
    for (size_t i = at; i < end; ++i) hold.add_devices(devices[i]);
    RETURN_IF_ERROR(log.Propose(std::move(command)).status());
  }
  return absl::OkStatus();
}

absl::Status CancelUpgrades(CommandLog& log,
                            const std::vector<std::pair<JobId, OrganizationId>>& upgrades) {
  for (const auto& [job, organization] : upgrades) {
    internal::v1::Command command = CommandOf("musterd/Restore");
    command.set_summary("after a restore");
    command.mutable_cancel_job()->set_job_id(job.value);
    command.mutable_cancel_job()->set_organization_id(organization.value);
    RETURN_IF_ERROR(log.Propose(std::move(command)).status());
  }
  return absl::OkStatus();
}

// The state as it lies there, if it is the one that the manifest names.
absl::StatusOr<std::unique_ptr<SqliteState>> OpenState(const BackupManifest& manifest,
                                                       const std::string& building) {
  RETURN_IF_ERROR(CheckStateFile(building + "/state.db"));
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteState> state, SqliteState::Open(building + "/state.db"));
  const Position position = state->AppliedPosition();
  if (state->ClusterId() != manifest.cluster_id() || position.log_id != manifest.log_id() ||
      position.index != manifest.log_index()) {
    return absl::DataLossError("the state in the backup is not the one that its manifest names");
  }
  return state;
}

// Through the log and apply, as everything else that changes a state.
absl::StatusOr<Restored> BeginAnew(const RestoreTerms& terms, const BackupManifest& manifest,
                                   const std::string& building, uint32_t key_generation,
                                   const Clock& clock) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SqliteState> state, OpenState(manifest, building));
  state->StartNewLog(RandomBytes(kLogIdBytes));
  const SqliteState::OpenWork work = state->FindOpenWork();
  LocalLog log(*state, {});
  RETURN_IF_ERROR(
      SayRestored(log, terms, manifest, building + "/root-key", key_generation, clock.Now()));
  RETURN_IF_ERROR(HoldDevices(log, work.devices, manifest));
  RETURN_IF_ERROR(CancelUpgrades(log, work.upgrades));
  log.Stop();
  // The same one: nobody has heard of its first entries.
  if (!terms.etcd.urls.empty()) state->StartNewLog(state->LogId(), BeginningNote());
  return Restored{manifest, state->AppliedPosition(), work.devices.size(), work.upgrades.size(),
                  terms.data_dir + "/root-key"};
}

// The same log, from where the copy ends: the cluster has gone on, and holds nothing.
absl::StatusOr<Restored> GoOn(const BackupManifest& manifest, const std::string& building) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SqliteState> state, OpenState(manifest, building));
  if (state->EngineNote().empty()) {
    return absl::FailedPreconditionError(
        "the backup is of a node that was alone: there is no cluster that it could be a node of");
  }
  return Restored{manifest, state->AppliedPosition(), 0, 0, ""};
}

// Before anything is written.
absl::Status CheckEtcd(const RestoreTerms& terms, const std::vector<Secret>& masters) {
  if (terms.etcd.urls.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<Etcd> etcd, ConnectToEtcd(terms.etcd));
  EtcdLogOptions options;
  options.keys = std::make_shared<SealKeys>(masters);
  return CheckEtcdIsFree(*etcd, options, terms.etcd, Position{});
}

absl::Status ClaimEtcd(const RestoreTerms& terms) {
  if (terms.etcd.urls.empty()) return absl::OkStatus();
  const absl::Status claimed =
      ClaimEtcdFor({terms.data_dir, terms.master_key_file, terms.etcd, absl::ZeroDuration()});
  if (claimed.ok()) return claimed;
  return absl::Status(
      claimed.code(),
      absl::StrCat(terms.data_dir, " is restored, but its etcd is not its own yet: ",
                   claimed.message(), "; finish it with musterd migrate --to etcd"));
}

absl::Status CheckVersion(const BackupManifest& manifest) {
  if (manifest.schema_version() <= static_cast<uint32_t>(kSchemaVersion)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the backup holds a state of schema ", manifest.schema_version(),
                   ", made by musterd ", manifest.program_version(), "; this musterd knows schema ",
                   kSchemaVersion, ": restore it with the newer musterd"));
}

// SQLite moves everything into the one file when its last connection goes.
absl::Status CheckClosed(const std::string& building) {
  if (access((building + "/state.db-wal").c_str(), F_OK) != 0) return absl::OkStatus();
  return absl::InternalError("the restored state could not be closed; try again");
}

}  // namespace

absl::StatusOr<BackupManifest> UnpackNodeState(const std::string& file, const BackupKeys& keys,
                                               const std::string& folder,
                                               const std::function<bool()>& wants_end) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSource> source, FileSource::Open(file));
  BackupManifest manifest;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<BackupReader> reader,
                     BackupReader::Open(&keys, *source));
    manifest = reader->manifest();
  }
  RETURN_IF_ERROR(CheckVersion(manifest));
  // Reads to the end, where the MAC proves the whole; what was written before is in nobody's place.
  RETURN_IF_ERROR(WriteState(*source, keys, folder + "/state.db", wants_end));
  RETURN_IF_ERROR(GoOn(manifest, folder).status());
  RETURN_IF_ERROR(CheckClosed(folder));
  return manifest;
}

absl::StatusOr<Restored> RestoreBackup(const RestoreTerms& terms, const Clock& clock) {
  // What can be seen without work comes first.
  RETURN_IF_ERROR(CheckTarget(terms.data_dir));
  const std::string key_file = MasterKeyFile(terms.data_dir, terms.master_key_file);
  const absl::StatusOr<std::vector<Secret>> masters = ReadMasterKeys(key_file);
  if (absl::IsNotFound(masters.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("master key file ", key_file, " is missing, and no backup opens without the ",
                     "key; put it there, or name it with --master-key-file"));
  }
  if (!masters.ok()) return masters.status();
  ASSIGN_OR_RETURN(const BackupKeys keys, BackupKeysFor(terms.file, *masters));
  // All of it is proven before anything is written.
  ASSIGN_OR_RETURN(const CheckedBackup checked, VerifyBackup(terms.file, &keys, terms.wants_end));
  RETURN_IF_ERROR(CheckVersion(checked.manifest));
  RETURN_IF_ERROR(CheckEtcd(terms, *masters));
  // It may be a disk of its own.
  const bool is_there = access(terms.data_dir.c_str(), F_OK) == 0;
  RETURN_IF_ERROR(NeedSpace(is_there ? terms.data_dir : FolderOf(terms.data_dir),
                            checked.manifest.state_bytes() + kReserveBytes, "the state"));
  ASSIGN_OR_RETURN(std::unique_ptr<NewInstallation> made, NewInstallation::Begin(terms.data_dir));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSource> source, FileSource::Open(terms.file));
  RETURN_IF_ERROR(WriteState(*source, keys, made->building() + "/state.db", terms.wants_end));
  ASSIGN_OR_RETURN(Restored restored,
                   terms.as_node ? GoOn(checked.manifest, made->building())
                                 : BeginAnew(terms, checked.manifest, made->building(),
                                             static_cast<uint32_t>(masters->size() - 1), clock));
  RETURN_IF_ERROR(CheckClosed(made->building()));
  RETURN_IF_ERROR(made->Finish());
  made.reset();
  RETURN_IF_ERROR(ClaimEtcd(terms));
  return restored;
}

}  // namespace muster::server
