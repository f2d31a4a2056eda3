#include "server/snapshots/snapshot_shelf.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "server/backup/create_backup.h"

namespace muster::server {
namespace {

// Between two looks at whether the snapshot is still wanted.
constexpr absl::Duration kLook = absl::Seconds(10);

class SnapshotFile final : public OpenSnapshot {
 public:
  SnapshotFile(int fd, const CheckedBackup& backup) : fd_(fd), backup_(backup) {}
  ~SnapshotFile() override { close(fd_); }

  uint64_t file_bytes() const override { return backup_.file_bytes; }

  absl::StatusOr<SnapshotChunk> Read(uint64_t offset) const override {
    if (offset >= backup_.file_bytes) {
      return absl::OutOfRangeError("the snapshot ends before that");
    }
    SnapshotChunk chunk;
    chunk.snapshot_id = backup_.manifest.backup_id();
    chunk.file_bytes = backup_.file_bytes;
    chunk.state_bytes = backup_.manifest.state_bytes();
    chunk.offset = offset;
    chunk.content.resize(std::min<uint64_t>(kMostChunkBytes, backup_.file_bytes - offset));
    size_t done = 0;
    while (done < chunk.content.size()) {
      const ssize_t count = pread(fd_, chunk.content.data() + done, chunk.content.size() - done,
                                  static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        return absl::DataLossError(absl::StrCat("the snapshot can't be read: ",
                                                count < 0 ? std::strerror(errno) : "cut short"));
      }
      done += static_cast<size_t>(count);
    }
    chunk.checksum = ChecksumOf(chunk);
    return chunk;
  }

 private:
  const int fd_;
  const CheckedBackup backup_;
};

void Remove(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace

SnapshotShelf::SnapshotShelf(SnapshotShelfTerms terms, const Clock& clock)
    : terms_(std::move(terms)), clock_(clock) {
  // Of a process that died.
  Remove(folder());
  thread_ = std::thread([this] { ClearUp(); });
}

SnapshotShelf::~SnapshotShelf() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
  Remove(folder());
}

absl::StatusOr<std::shared_ptr<const OpenSnapshot>> SnapshotShelf::Open(
    absl::string_view id, const std::function<bool()>& wants_end) {
  MutexLock lock(making_);
  const bool is_fresh = snapshot_ != nullptr && clock_.Monotonic() - made_at_ < terms_.fresh;
  if (id.empty() && !is_fresh) RETURN_IF_ERROR(Make(wants_end));
  if (!id.empty() && (snapshot_ == nullptr || id != snapshot_id_)) {
    return absl::NotFoundError("this node keeps no such snapshot any more");
  }
  asked_at_ = clock_.Monotonic();
  return snapshot_;
}

absl::Status SnapshotShelf::Make(const std::function<bool()>& wants_end) {
  snapshot_ = nullptr;
  Remove(folder());
  if (mkdir(folder().c_str(), 0700) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't make ", folder(), ": ", std::strerror(errno)));
  }
  CreateBackupTerms terms;
  terms.data_dir = terms_.data_dir;
  terms.master_key_file = terms_.master_key_file;
  terms.file = folder() + "/snapshot";
  terms.copy_dir = folder();
  terms.program_version = terms_.program_version;
  terms.wants_end = wants_end;
  const absl::StatusOr<CheckedBackup> made = CreateBackup(terms, clock_);
  const int fd = made.ok() ? open(terms.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
  if (fd < 0) {
    Remove(folder());
    return made.ok() ? absl::FailedPreconditionError("the snapshot can't be opened")
                     : made.status();
  }
  snapshot_ = std::make_shared<SnapshotFile>(fd, *made);
  snapshot_id_ = made->manifest.backup_id();
  made_at_ = clock_.Monotonic();
  LogInfo("snapshots", "made a snapshot for another node",
          {{"index", absl::StrCat(made->manifest.log_index())},
           {"bytes", absl::StrCat(made->file_bytes)}});
  return absl::OkStatus();
}

void SnapshotShelf::ClearUp() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) changed_.WaitFor(mutex_, kLook);
      if (stopping_) return;
    }
    MutexLock lock(making_);
    if (snapshot_ == nullptr || clock_.Monotonic() - asked_at_ < terms_.kept) continue;
    snapshot_ = nullptr;
    Remove(folder());
  }
}

}  // namespace muster::server
