// Files and folders of backups, opened without trust in what lies there.
//
// Threads:  one thread.
// Owns:     what it opened; an unfinished new file goes with its object.
// Errors:   FailedPrecondition for links, folders, what belongs to others or is in the way;
//           NotFound; ResourceExhausted for a full disk, with what is needed.
// Example:  backup_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/backup/file/byte_stream.h"

namespace muster::server {

// A regular file, read from its beginning; never through a link.
class FileSource final : public ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path);
  ~FileSource() override;

  absl::StatusOr<std::string> Read(size_t most) override;
  // To the beginning.
  absl::Status Rewind();
  uint64_t size() const { return size_; }

 private:
  FileSource(std::string path, int fd, uint64_t size)
      : path_(std::move(path)), fd_(fd), size_(size) {}

  const std::string path_;
  const int fd_;
  const uint64_t size_;
};

// A file (0600) that is there once it is whole: until Publish it has another name, and its
// destructor removes it, or after a crash the next Make of the same name.
class NewFile final : public ByteSink {
 public:
  // FailedPrecondition where something is there already.
  static absl::StatusOr<std::unique_ptr<NewFile>> Make(const std::string& path);
  ~NewFile() override;

  absl::Status Write(absl::string_view bytes) override;
  // Gives it its name once all of it is on the disk. What has come to lie there meanwhile stays,
  // and this fails.
  absl::Status Publish();
  uint64_t size() const { return size_; }

 private:
  NewFile(std::string path, std::string partial, int fd)
      : path_(std::move(path)), partial_(std::move(partial)), fd_(fd) {}

  const std::string path_;
  const std::string partial_;
  const int fd_;
  uint64_t size_ = 0;
  bool published_ = false;
};

// An empty file (0600) for a copy of a state, gone with the object. Those of processes that died
// are removed first.
class CopyPlace {
 public:
  static absl::StatusOr<std::unique_ptr<CopyPlace>> Make(const std::string& folder);
  ~CopyPlace();

  const std::string& path() const { return path_; }

 private:
  CopyPlace(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  // Locked as long as it is in use.
  const int fd_;
};

// Ok where the folder's disk has as much space; `purpose` is for the message.
absl::Status NeedSpace(const std::string& folder, uint64_t bytes, absl::string_view purpose);

// Makes what was renamed or made in the folder survive a power cut.
absl::Status SyncFolder(const std::string& folder);

// "12.3 MB".
std::string FormatSize(uint64_t bytes);

// "." where the path has none.
std::string FolderOf(const std::string& path);

}  // namespace muster::server
