// The nginx that the edge is compared with: one worker, TLS, `return 200`.
//
// Threads:  not safe.
// Owns:     nginx's processes.
// Errors:   FailedPrecondition where nginx is not installed or refuses its configuration.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/support/child.h"

namespace muster::bench {

// PEM files; `chain` begins with the server's own certificate.
struct ServerIdentity {
  std::string chain_file;
  std::string key_file;
};

// The ECDSA server certificate and its key among the files below `folder`. NotFound where there
// are none.
absl::StatusOr<ServerIdentity> FindEcdsaIdentity(const std::string& folder);

class Nginx {
 public:
  // Its files go to `folder`; it runs on `processor` (-1: any).
  static absl::StatusOr<std::unique_ptr<Nginx>> Start(const std::string& folder,
                                                      const ServerIdentity& identity,
                                                      int processor);

  int port() const { return port_; }
  pid_t worker() const { return worker_; }

 private:
  Nginx(std::unique_ptr<Child> master, int port, pid_t worker)
      : master_(std::move(master)), port_(port), worker_(worker) {}

  const std::unique_ptr<Child> master_;
  const int port_;
  const pid_t worker_;
};

}  // namespace muster::bench
