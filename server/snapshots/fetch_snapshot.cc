#include "server/snapshots/fetch_snapshot.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "server/backup/backup_files.h"
#include "server/backup/restore_backup.h"

namespace muster::server {
namespace {

// Attempts with one node that bring nothing new, before another one is asked.
constexpr int kFruitless = 2;
constexpr absl::Duration kBetweenAttempts = absl::Milliseconds(200);
constexpr absl::Duration kBetweenRounds = absl::Seconds(1);
constexpr uint64_t kReserveBytes = uint64_t{64} << 20;

absl::Status Problem(absl::string_view what, const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(what, " ", path, ": ", std::strerror(errno)));
}

// Where a snapshot is received and unpacked; gone with the object.
class Workshop {
 public:
  static absl::StatusOr<std::unique_ptr<Workshop>> Make(const std::string& data_dir) {
    const std::string path = data_dir + "/snapshot-in";
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    if (mkdir(path.c_str(), 0700) != 0) return Problem("can't make", path);
    return std::unique_ptr<Workshop>(new Workshop(path));
  }
  ~Workshop() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  explicit Workshop(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

class Fetcher {
 public:
  Fetcher(const FetchTerms& terms, SnapshotSource& source, const Clock& clock)
      : terms_(terms), source_(source), clock_(clock), keys_(terms.master_key) {}

  absl::StatusOr<BackupManifest> Run() {
    const absl::Duration begin = clock_.Monotonic();
    for (;;) {
      const absl::StatusOr<std::vector<SnapshotPeer>> peers = terms_.peers();
      if (!peers.ok()) problems_["etcd"] = std::string(peers.status().message());
      for (const SnapshotPeer& peer : peers.ok() ? *peers : std::vector<SnapshotPeer>()) {
        absl::StatusOr<BackupManifest> fetched = FetchFrom(peer);
        if (fetched.ok()) return fetched;
        if (!refusal_.ok()) return refusal_;
        LogWarning("snapshots", "no snapshot from a node",
                   {{"node", peer.name}, {"why", fetched.status().ToString()}});
        problems_[peer.name] = std::string(fetched.status().message());
      }
      if (terms_.wants_end()) return Ended();
      if (clock_.Monotonic() - begin > terms_.patience) return NobodyGave();
      terms_.pause(kBetweenRounds);
    }
  }

 private:
  static absl::Status Ended() { return absl::CancelledError("stopped by a signal"); }

  absl::Status NobodyGave() const {
    const std::string each =
        absl::StrJoin(problems_, "; ", [](std::string* out, const auto& problem) {
          absl::StrAppend(out, problem.first, ": ", problem.second);
        });
    return absl::UnavailableError(
        absl::StrCat("no node gave its state to this one (",
                     problems_.empty() ? "none that serves has reported itself in etcd" : each,
                     "); is one serving, and can its port for edges be reached from here?"));
  }

  // From nothing to the state in its place, or nothing.
  absl::StatusOr<BackupManifest> FetchFrom(const SnapshotPeer& peer) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Workshop> workshop, Workshop::Make(terms_.data_dir));
    const std::string file = workshop->path() + "/snapshot";
    ASSIGN_OR_RETURN(const std::unique_ptr<NewFile> partial, NewFile::Make(file));
    RETURN_IF_ERROR(Receive(peer, *partial));
    RETURN_IF_ERROR(partial->Publish());
    ASSIGN_OR_RETURN(const BackupManifest manifest,
                     UnpackNodeState(file, keys_, workshop->path(), terms_.wants_end));
    RETURN_IF_ERROR(CheckIsOurs(manifest));
    RETURN_IF_ERROR(PutInPlace(workshop->path()));
    LogInfo("snapshots", "took the state of another node",
            {{"node", peer.name}, {"index", absl::StrCat(manifest.log_index())}});
    return manifest;
  }

  // Goes on where it was cut as long as that brings more.
  absl::Status Receive(const SnapshotPeer& peer, NewFile& file) {
    SnapshotIntake intake(file);
    int fruitless = 0;
    while (!intake.is_whole()) {
      const uint64_t before = intake.offset();
      const absl::Status status =
          source_.Fetch(peer.address, intake.snapshot_id(), before,
                        [&](const SnapshotChunk& chunk) { return Take(chunk, intake); });
      if (intake.is_whole()) break;
      // Also where nothing came that Take could refuse.
      if (refusal_.ok() && terms_.wants_end()) refusal_ = Ended();
      if (!refusal_.ok()) return refusal_;
      // What was taken can't be believed, or belongs to nothing any more.
      if (absl::IsDataLoss(status) || absl::IsNotFound(status)) return status;
      fruitless = intake.offset() == before ? fruitless + 1 : 0;
      if (fruitless == kFruitless) {
        return status.ok() ? absl::DataLossError("it ended too soon") : status;
      }
      LogInfo("snapshots", "the transfer was cut; it goes on",
              {{"node", peer.name}, {"offset", absl::StrCat(intake.offset())}});
      terms_.pause(kBetweenAttempts);
    }
    return absl::OkStatus();
  }

  absl::Status Take(const SnapshotChunk& chunk, SnapshotIntake& intake) {
    if (terms_.wants_end()) refusal_ = Ended();
    // Before anything lies there: the file, and the state that comes out of it.
    if (refusal_.ok() && intake.offset() == 0 && chunk.checksum == ChecksumOf(chunk)) {
      refusal_ = NeedSpace(terms_.data_dir,
                           std::min(chunk.file_bytes, kMostSnapshotBytes) +
                               std::min(chunk.state_bytes, kMostSnapshotBytes) + kReserveBytes,
                           "a snapshot of another node's state");
    }
    RETURN_IF_ERROR(refusal_);
    return intake.Take(chunk);
  }

  absl::Status CheckIsOurs(const BackupManifest& manifest) const {
    if (manifest.cluster_id() != terms_.cluster_id || manifest.log_id() != terms_.log_id) {
      return absl::FailedPreconditionError("its snapshot is of another cluster");
    }
    if (manifest.log_index() <= terms_.have_index) {
      return absl::FailedPreconditionError(absl::StrCat("its snapshot ends at log entry ",
                                                        manifest.log_index(), ", this node has ",
                                                        terms_.have_index));
    }
    return absl::OkStatus();
  }

  absl::Status PutInPlace(const std::string& folder) const {
    const std::string state = terms_.data_dir + "/state.db";
    // SQLite has put all of it into the one file when it closed it; what it left would be taken for
    // a part of the new one.
    if (access((state + "-wal").c_str(), F_OK) == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat(state, "-wal is still there: the state is in use"));
    }
    if (rename((folder + "/state.db").c_str(), state.c_str()) != 0) {
      return Problem("can't replace", state);
    }
    return SyncFolder(terms_.data_dir);
  }

  const FetchTerms& terms_;
  SnapshotSource& source_;
  const Clock& clock_;
  const BackupKeys keys_;
  // Why this node itself doesn't go on, whoever is asked.
  absl::Status refusal_;
  // What each said last.
  std::map<std::string, std::string> problems_;
};

}  // namespace

absl::StatusOr<BackupManifest> FetchSnapshot(const FetchTerms& terms, SnapshotSource& source,
                                             const Clock& clock) {
  return Fetcher(terms, source, clock).Run();
}

}  // namespace muster::server
