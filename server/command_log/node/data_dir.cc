#include "server/command_log/node/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

absl::Status Failed(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("the data directory ", path, " ", what, ": ", std::strerror(errno)));
}

absl::Status CheckDirectory(const std::string& path) {
  // Not with its parents: a mistyped path is an error and no new tree.
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failed(path, "can't be made");
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return Failed(path, "can't be read");
  if (!S_ISDIR(facts.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a directory"));
  }
  // Whoever owns it could give it to others later.
  if (facts.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory ", path, " belongs to another user; run as its owner"));
  }
  if ((facts.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory ", path, " can be read by others; run: chmod 700 ", path));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataDir> DataDir::Hold(const std::string& path) {
  if (absl::Status status = CheckDirectory(path); !status.ok()) return status;
  const std::string file = absl::StrCat(path, "/lock");
  const int lock = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Failed(path, "can't be locked");
  // Belongs to the open file: the kernel drops it with the process, and two processes can never
  // both have it on a local disk.
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return absl::FailedPreconditionError(absl::StrCat(
        "the data directory ", path, " is in use by another musterd; stop that one first"));
  }
  return DataDir(path, lock);
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDir::~DataDir() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace muster::server
