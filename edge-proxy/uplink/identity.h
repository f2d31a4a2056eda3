// Who this edge is: its keys and certificates, kept in its data directory.
//
// Files:    DIR/identity is a symbolic link to a folder (0700) with one file each (0600):
//           edge (id, cluster id, public URL), client.key, client.pem, router-ecdsa.key,
//           router-ecdsa.pem, router-rsa.key, router-rsa.pem, cluster-ca.pem, router-ca.pem.
//           A new identity is a new folder; the link is changed in one step, so that a crash leaves
//           the old one or the new one whole, and never a key beside another key's certificate.
//           DIR/lock is locked while the edge runs.
// Threads:  safe to call from any thread, one Save at a time.
// Blocks:   on a few files and fsyncs.
// Errors:   NotFound where the edge has not joined; FailedPrecondition for files that can't be
//           used, with the command that mends them where there is one.
// Example:  uplink_test.cc, JoinsAndKeepsItsIdentity.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"

namespace muster::edge {

struct Identity {
  std::string edge_id;
  // 16 bytes.
  std::string cluster_id;
  // Router-facing leaves are signed for its host, and routers know the edge by it: it can't be
  // changed without joining anew.
  std::string public_url;
  // PEM; chains leaf first.
  Secret client_key;
  std::string client_chain;
  Secret router_ecdsa_key;
  std::string router_ecdsa_chain;
  Secret router_rsa_key;
  std::string router_rsa_chain;
  std::string cluster_root;
  std::string router_root;
};

// The lock goes with the object, also when the process is killed: flock is the kernel's.
// Makes the folder (0700) where it is missing and locks it for this process. Aborted where another
// process has it; FailedPrecondition where others may read it.
class DataFolder {
 public:
  static absl::StatusOr<DataFolder> Open(const std::string& path);
  ~DataFolder();
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;

  // Reads all or fails; checks sizes of ids, not the certificates.
  absl::StatusOr<Identity> Load() const;
  // On return it will survive a power cut. After a failure the old identity is in force.
  absl::Status Save(const Identity& identity) const;

 private:
  DataFolder(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::string path_;
  int lock_fd_;
};

// SHA-256 of the router root that the leaves end in, hex; empty where it can't be read.
std::string RouterRootSha256(const Identity& identity);

// InvalidArgument for a certificate that can't be read.
// True when a third of the life of one of its certificates is left.
absl::StatusOr<bool> NeedsRenewal(const Identity& identity, absl::Time now);

}  // namespace muster::edge
