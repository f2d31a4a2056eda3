#include "server/pki/master_key.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/member_key.h"
#include "server/pki/cluster_keys.h"

namespace muster::server {
namespace {

bool IsKey(absl::string_view hex) {
  return hex.size() == 2 * kMasterKeyBytes &&
         std::all_of(hex.begin(), hex.end(), absl::ascii_isxdigit);
}

absl::Status CantWrite(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat("can't write master key file ", path, ": ", std::strerror(errno)));
}

// In its place, not anew: it may be a mount, or lie where only it may be written.
absl::Status AppendAndSync(int file, const std::string& path, const Secret& lines) {
  struct stat facts {};
  char last = 0;
  if (fstat(file, &facts) != 0 || pread(file, &last, 1, facts.st_size - 1) != 1) {
    return CantWrite(path);
  }
  // Somebody may have written the first one without a line break.
  const Secret text(absl::StrCat(last == '\n' ? "" : "\n", lines.Reveal()));
  const ssize_t written = write(file, text.Reveal().data(), text.size());
  if (written == static_cast<ssize_t>(text.size()) && fsync(file) == 0) return absl::OkStatus();
  const absl::Status problem = CantWrite(path);
  // A half line would make the file unreadable.
  if (ftruncate(file, facts.st_size) != 0) return CantWrite(path);
  return problem;
}

}  // namespace

std::string MasterKeyFile(absl::string_view data_dir, absl::string_view named) {
  if (!named.empty()) return std::string(named);
  while (data_dir.size() > 1 && data_dir.back() == '/') data_dir.remove_suffix(1);
  return absl::StrCat(data_dir, ".master-key");
}

absl::StatusOr<Secret> ReadMasterKey(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<Secret> keys, ReadMasterKeys(path));
  return std::move(keys.front());
}

absl::StatusOr<std::vector<Secret>> ReadMasterKeys(const std::string& path) {
  ASSIGN_OR_RETURN(const Secret text, ReadSecretFile(path));
  std::vector<Secret> keys;
  for (const absl::string_view line : absl::StrSplit(text.Reveal(), '\n')) {
    const absl::string_view hex = absl::StripSuffix(line, "\r");
    if (!IsKey(hex)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "master key file ", path, " must hold 64 hex digits in each line, and line ",
          keys.size() + 1, " does not",
          keys.empty() ? ""
                       : "; a node of a cluster that has served writes a line anew that is gone"));
    }
    keys.emplace_back(absl::HexStringToBytes(hex));
  }
  return keys;
}

absl::Status CheckHasGeneration(const std::string& path, const std::vector<Secret>& keys,
                                uint32_t generation) {
  if (generation < keys.size()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "master key file ", path, " holds ", keys.size(), " keys, and the cluster has ",
      generation + 1,
      ": each node that is removed brings one; copy the file of a node that serves, or "
      "let this node write its own and start it again"));
}

absl::StatusOr<Secret> MakeMasterKey(const std::string& path) {
  const Secret key = RandomSecret(kMasterKeyBytes);
  RETURN_IF_ERROR(WriteNewSecretFile(path, FormatMasterKeys({key}).Reveal()));
  return key;
}

absl::Status AddMasterKey(const std::string& path, uint32_t generation, const Secret& key) {
  const int file = open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
  if (file < 0) return CantWrite(path);
  const absl::Cleanup close_file = [file] { close(file); };
  // Nodes on one machine may share the file.
  if (flock(file, LOCK_EX) != 0) return CantWrite(path);
  ASSIGN_OR_RETURN(const std::vector<Secret> keys, ReadMasterKeys(path));
  if (generation < keys.size() && EqualInConstantTime(keys[generation].Reveal(), key.Reveal())) {
    return absl::OkStatus();
  }
  if (generation != keys.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "master key file ", path, " holds ", keys.size(), " keys, of which the last ",
        "is not the one before generation ", generation, "; copy the file of a node that serves"));
  }
  return AppendAndSync(file, path, FormatMasterKeys({key}));
}

Secret FormatMasterKeys(const std::vector<Secret>& keys) {
  std::string text;
  for (const Secret& key : keys) {
    absl::StrAppend(&text, absl::BytesToHexString(key.Reveal()), "\n");
  }
  return Secret(std::move(text));
}

absl::Status ProveMasterKey(const Secret& master, absl::string_view cluster_id,
                            absl::string_view sealed_cluster_root_key) {
  return Open(master, ClusterRootContext(cluster_id), sealed_cluster_root_key).status();
}

}  // namespace muster::server
