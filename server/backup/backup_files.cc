#include "server/backup/backup_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/secrets/secrets.h"

namespace muster::server {
namespace {

constexpr absl::string_view kCopyPrefix = "backup-copy-";

absl::Status Problem(const std::string& path) {
  const std::string text = absl::StrCat(path, ": ", std::strerror(errno));
  if (errno == ENOSPC || errno == EDQUOT) {
    return absl::ResourceExhaustedError(absl::StrCat(text, "; free some space and try again"));
  }
  if (errno == ENOENT) return absl::NotFoundError(text);
  return absl::FailedPreconditionError(text);
}

absl::Status InTheWay(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, " is there already, and nothing is overwritten; choose another name"));
}

// Unfinished files whose maker died: nobody holds them.
void RemoveStale(const std::string& folder, absl::string_view prefix) {
  DIR* const entries = opendir(folder.c_str());
  if (entries == nullptr) return;
  std::vector<std::string> found;
  while (const dirent* entry = readdir(entries)) {
    if (absl::StartsWith(entry->d_name, prefix)) {
      found.push_back(absl::StrCat(folder, "/", entry->d_name));
    }
  }
  closedir(entries);
  for (const std::string& path : found) {
    const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) continue;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(path.c_str());
    close(fd);
  }
}

}  // namespace

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path) {
  // Not blocking: a named pipe would wait for its writer for ever.
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ELOOP) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is a symbolic link; name the file itself"));
  }
  if (fd < 0) return Problem(path);
  struct stat facts {};
  if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    close(fd);
    return absl::FailedPreconditionError(absl::StrCat(path, " is no regular file"));
  }
  return std::unique_ptr<FileSource>(
      new FileSource(path, fd, static_cast<uint64_t>(facts.st_size)));
}

FileSource::~FileSource() { close(fd_); }

absl::StatusOr<std::string> FileSource::Read(size_t most) {
  std::string bytes(most, '\0');
  size_t have = 0;
  while (have < most) {
    const ssize_t got = read(fd_, bytes.data() + have, most - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::UnavailableError(std::strerror(errno));
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

absl::Status FileSource::Rewind() {
  return lseek(fd_, 0, SEEK_SET) == 0 ? absl::OkStatus() : Problem(path_);
}

absl::StatusOr<std::unique_ptr<NewFile>> NewFile::Make(const std::string& path) {
  struct stat facts {};
  // Also a link that leads nowhere.
  if (lstat(path.c_str(), &facts) == 0) return InTheWay(path);
  const std::string prefix = absl::StrCat(path, ".partial-");
  RemoveStale(FolderOf(path), prefix.substr(path.rfind('/') + 1));
  const std::string partial = absl::StrCat(prefix, absl::BytesToHexString(RandomBytes(4)));
  const int fd = open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return Problem(path);
  flock(fd, LOCK_EX | LOCK_NB);
  return std::unique_ptr<NewFile>(new NewFile(path, partial, fd));
}

NewFile::~NewFile() {
  close(fd_);
  if (!published_) unlink(partial_.c_str());
}

absl::Status NewFile::Write(absl::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t put = write(fd_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Problem(path_);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status NewFile::Publish() {
  if (fsync(fd_) != 0) return Problem(path_);
  int done = renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
  // Some network file systems know no such rename; a link is never made over a file either.
  if (done != 0 && errno == EINVAL) {
    done = link(partial_.c_str(), path_.c_str());
    if (done == 0) unlink(partial_.c_str());
  }
  if (done != 0) return errno == EEXIST ? InTheWay(path_) : Problem(path_);
  published_ = true;
  return SyncFolder(FolderOf(path_));
}

absl::StatusOr<std::unique_ptr<CopyPlace>> CopyPlace::Make(const std::string& folder) {
  RemoveStale(folder, kCopyPrefix);
  std::string path = absl::StrCat(folder, "/", kCopyPrefix, "XXXXXX");
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return Problem(folder);
  flock(fd, LOCK_EX | LOCK_NB);
  return std::unique_ptr<CopyPlace>(new CopyPlace(path, fd));
}

CopyPlace::~CopyPlace() {
  unlink(path_.c_str());
  close(fd_);
}

absl::Status NeedSpace(const std::string& folder, uint64_t bytes, absl::string_view purpose) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return Problem(folder);
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free >= bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("not enough space in ", folder, " for ", purpose,
                                                   ": ", FormatSize(bytes), " are needed, ",
                                                   FormatSize(free), " are free"));
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Problem(folder);
  const bool synced = fsync(fd) == 0;
  const absl::Status problem = synced ? absl::OkStatus() : Problem(folder);
  close(fd);
  return problem;
}

std::string FormatSize(uint64_t bytes) {
  if (bytes < 1'000'000) return absl::StrFormat("%.1f kB", static_cast<double>(bytes) / 1e3);
  if (bytes < 1'000'000'000) return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / 1e6);
  return absl::StrFormat("%.1f GB", static_cast<double>(bytes) / 1e9);
}

}  // namespace muster::server
