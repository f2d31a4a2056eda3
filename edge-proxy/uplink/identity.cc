// The edge's identity on disk. What a crash must not do: leave a key beside a certificate of
// another key, or no identity where there was one.
#include "edge-proxy/uplink/identity.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"

namespace muster::edge {
namespace {

constexpr char kLink[] = "/identity";
// Of a folder that the link names, or did.
constexpr char kFolder[] = "identity.";

// Reads errno, so nothing may stand between the call that failed and this.
absl::Status Problem(absl::string_view what, const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(what, " ", path, ": ", std::strerror(errno)));
}

// Certificates are no secrets, but they lie in the same folder with the same rights; ReadSecretFile
// also drops the last line break, which PEM wants.
absl::StatusOr<std::string> ReadText(const std::string& path) {
  ASSIGN_OR_RETURN(const Secret text, ReadSecretFile(path));
  return absl::StrCat(text.Reveal(), "\n");
}

// A name is durable when its folder is synced, not when its file is.
absl::Status SyncFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Problem("can't open", path);
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced ? absl::OkStatus() : Problem("can't fsync", path);
}

struct File {
  const char* name;
  absl::string_view text;
};

// Each file is synced as it is written.
absl::Status WriteAll(const std::string& folder, const Identity& identity) {
  const std::string head =
      absl::StrCat("edge ", identity.edge_id, "\ncluster ",
                   absl::BytesToHexString(identity.cluster_id), "\nurl ", identity.public_url);
  const File files[] = {
      {"edge", head},
      {"client.key", identity.client_key.Reveal()},
      {"client.pem", identity.client_chain},
      {"router-ecdsa.key", identity.router_ecdsa_key.Reveal()},
      {"router-ecdsa.pem", identity.router_ecdsa_chain},
      {"router-rsa.key", identity.router_rsa_key.Reveal()},
      {"router-rsa.pem", identity.router_rsa_chain},
      {"cluster-ca.pem", identity.cluster_root},
      {"router-ca.pem", identity.router_root},
  };
  for (const File& file : files) {
    RETURN_IF_ERROR(WriteNewSecretFile(absl::StrCat(folder, "/", file.name), file.text));
  }
  return absl::OkStatus();
}

// Names that aren't known are left alone: a later version may write more.
absl::Status ReadHead(const std::string& folder, Identity& identity) {
  ASSIGN_OR_RETURN(const std::string head, ReadText(folder + "/edge"));
  for (const absl::string_view line : absl::StrSplit(head, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (field.first == "edge") identity.edge_id = std::string(field.second);
    if (field.first == "cluster") identity.cluster_id = absl::HexStringToBytes(field.second);
    if (field.first == "url") identity.public_url = std::string(field.second);
  }
  return absl::OkStatus();
}

// What a crash left between the making of an identity and its taking over, or between that and the
// removal of the one before: keys that nobody uses. Only with the lock held.
void RemoveUnusedIdentities(const std::string& path) {
  std::error_code ignored;
  const std::string used = std::filesystem::read_symlink(path + kLink, ignored).string();
  std::vector<std::filesystem::path> unused;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename().string();
    if (absl::StartsWith(name, kFolder) && name != used) unused.push_back(entry.path());
  }
  for (const std::filesystem::path& folder : unused) std::filesystem::remove_all(folder, ignored);
}

}  // namespace

absl::StatusOr<DataFolder> DataFolder::Open(const std::string& path) {
  // An existing folder is taken if its rights are narrow; they are not narrowed here, since that
  // would hide that others could read it until now.
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Problem("can't make", path);
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return Problem("can't use", path);
  }
  if ((status.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " can be read by others; run: chmod 700 ", path));
  }
  const std::string lock = path + "/lock";
  const int fd = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Problem("can't open", lock);
  // Not waited for: two edges with one identity would take the stream from each other.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return absl::AbortedError(
        absl::StrCat("another muster-edge uses ", path, "; stop it or give another --data-dir"));
  }
  RemoveUnusedIdentities(path);
  return DataFolder(path, fd);
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

DataFolder::~DataFolder() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

absl::StatusOr<Identity> DataFolder::Load() const {
  const std::string folder = path_ + kLink;
  Identity identity;
  RETURN_IF_ERROR(ReadHead(folder, identity));
  ASSIGN_OR_RETURN(identity.client_key, ReadSecretFile(folder + "/client.key"));
  ASSIGN_OR_RETURN(identity.client_chain, ReadText(folder + "/client.pem"));
  ASSIGN_OR_RETURN(identity.router_ecdsa_key, ReadSecretFile(folder + "/router-ecdsa.key"));
  ASSIGN_OR_RETURN(identity.router_ecdsa_chain, ReadText(folder + "/router-ecdsa.pem"));
  ASSIGN_OR_RETURN(identity.router_rsa_key, ReadSecretFile(folder + "/router-rsa.key"));
  ASSIGN_OR_RETURN(identity.router_rsa_chain, ReadText(folder + "/router-rsa.pem"));
  ASSIGN_OR_RETURN(identity.cluster_root, ReadText(folder + "/cluster-ca.pem"));
  ASSIGN_OR_RETURN(identity.router_root, ReadText(folder + "/router-ca.pem"));
  // The rest is checked by those who use it.
  if (identity.edge_id.empty() || identity.cluster_id.size() != 16) {
    return absl::FailedPreconditionError(absl::StrCat(folder, "/edge is damaged"));
  }
  return identity;
}

absl::Status DataFolder::Save(const Identity& identity) const {
  // A random name, so that a folder that a crash left behind is in nobody's way.
  const std::string name = absl::StrCat(kFolder, absl::BytesToHexString(RandomBytes(8)));
  const std::string folder = absl::StrCat(path_, "/", name);
  if (mkdir(folder.c_str(), 0700) != 0) return Problem("can't make", folder);
  std::error_code ignored;
  const absl::Status written = WriteAll(folder, identity);
  if (!written.ok()) {
    std::filesystem::remove_all(folder, ignored);
    return written;
  }
  const std::string link = path_ + kLink, fresh = link + ".new";
  // "" at the first time.
  const std::filesystem::path old = std::filesystem::read_symlink(link, ignored);
  std::filesystem::remove(fresh, ignored);
  if (symlink(name.c_str(), fresh.c_str()) != 0) return Problem("can't make", fresh);
  // The one step: before it the old identity counts, after it the new one.
  if (rename(fresh.c_str(), link.c_str()) != 0) return Problem("can't make", link);
  RETURN_IF_ERROR(SyncFolder(path_));
  // Keys that are no longer used shouldn't lie about; a failure to remove them is none of the
  // identity.
  if (!old.empty()) std::filesystem::remove_all(path_ / old, ignored);
  return absl::OkStatus();
}

absl::StatusOr<bool> NeedsRenewal(const Identity& identity, absl::Time now) {
  // Router-facing leaves begin in 1970, so a third is counted of what a renewal gives.
  // Of 30 and 90 days (server/pki). A third leaves weeks in which the control plane may be away.
  constexpr absl::Duration kClientThird = absl::Hours(24 * 10);
  constexpr absl::Duration kRouterThird = absl::Hours(24 * 30);
  ASSIGN_OR_RETURN(const CertificateFacts client, ReadCertificate(identity.client_chain));
  ASSIGN_OR_RETURN(const CertificateFacts ecdsa, ReadCertificate(identity.router_ecdsa_chain));
  ASSIGN_OR_RETURN(const CertificateFacts rsa, ReadCertificate(identity.router_rsa_chain));
  // All three are renewed together, by the one that is due first.
  return now > client.not_after - kClientThird || now > ecdsa.not_after - kRouterThird ||
         now > rsa.not_after - kRouterThird;
}

std::string RouterRootSha256(const Identity& identity) {
  const absl::StatusOr<CertificateFacts> root = ReadCertificate(identity.router_root);
  return root.ok() ? root->sha256 : "";
}

}  // namespace muster::edge
