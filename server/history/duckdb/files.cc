#include "server/history/duckdb/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"

namespace muster::server::duck {
namespace {

absl::Status Problem(const std::string& path, int error) {
  const std::string text =
      absl::StrCat("history: ", path, ": ", std::generic_category().message(error));
  return error == ENOSPC || error == EDQUOT ? absl::ResourceExhaustedError(text)
                                            : absl::UnavailableError(text);
}

// Opens, does `work` (0 or an errno) and closes.
template <typename Work>
absl::Status WithFile(const std::string& path, int flags, const Work& work) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return Problem(path, errno);
  const int error = work(fd);
  close(fd);
  return error == 0 ? absl::OkStatus() : Problem(path, error);
}

int WriteAndSync(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return errno;
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(fd) == 0 ? 0 : errno;
}

int Sync(int fd) { return fsync(fd) == 0 ? 0 : errno; }

absl::Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return Problem(to, errno);
  return WithFile(std::filesystem::path(to).parent_path().string(), O_RDONLY | O_DIRECTORY, Sync);
}

}  // namespace

absl::Status ReplaceFile(const std::string& path, absl::string_view bytes) {
  const std::string made = path + ".new";
  RETURN_IF_ERROR(WithFile(made, O_WRONLY | O_CREAT | O_TRUNC,
                           [&](int fd) { return WriteAndSync(fd, bytes); }));
  return Rename(made, path);
}

absl::Status PublishFile(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(WithFile(from, O_RDONLY, Sync));
  return Rename(from, to);
}

absl::Status MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return Problem(path, errno);
}

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& path, absl::Duration patience) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Problem(path, errno);
  FolderLock lock(fd);
  const Deadline deadline(patience);
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Problem(path, errno);
    if (deadline.HasPassed()) {
      return absl::AbortedError(
          absl::StrCat("history: another process or history holds ", path, "; end it first"));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return lock;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace muster::server::duck
