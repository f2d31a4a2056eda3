// What musterd is: opens the installation that its state describes, or makes it at the first start.
//
// On a cluster the nodes have one installation: two first starts at once end with that of the one
// whose Bootstrap came first.
//
// First start: master key (file, 0600), both roots, a token key, the root API key (made by the
// caller) and the organization "default" go into one Bootstrap command, all secrets sealed. A start
// that died before that command was applied is simply repeated: the files that it left are used.
// Each start writes DATA/pki/cluster-ca.pem and DATA/pki/router-ca.pem anew where they differ.
//
// Blobs:    "pki/cluster-root.pem", "pki/cluster-root-key", "pki/router-root.pem",
//           "pki/router-root-key" (of the first; the state's table has all), "pki/token-key/1",
//           "pki/token-key/2" ... (consecutive).
// Threads:  not safe; used at the start of main.
// Blocks:   on one command and a few files.
// Errors:   FailedPrecondition for a master key file that is missing, readable by others or
//           malformed; DataLoss where it is another installation's.
// Example:  tests/edges/installation_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/command_log/log/command_log.h"
#include "server/pki/cluster_keys.h"
#include "server/state/state.h"

namespace muster::server {

struct InstallationTerms {
  std::string data_dir;
  // "": data_dir + ".master-key".
  std::string master_key_file;
  // Called at the first start only: makes the root API key, keeps it where the operator finds it,
  // and answers what the state keeps of it. After a start that died it may be called again, and
  // must then answer for the key that was kept.
  std::function<absl::StatusOr<internal::v1::CreateApiKey>()> make_root_key;
  // Called where another node made the installation at the same moment: what make_root_key kept
  // opens nothing. May be empty.
  std::function<void()> drop_root_key;
};

struct Installation {
  // The first, under which the state's secrets are sealed.
  Secret master_key;
  ClusterKeys keys;
  std::string master_key_file;
  // True where this start made it.
  bool first_start = false;
};

// The master keys of the file (master_key.h). Where that is absent: makes the first, or says what
// to do. Nodes of a cluster need them before they can read their log; OpenInstallation reads the
// file by itself.
absl::StatusOr<std::vector<Secret>> OpenMasterKeys(const InstallationTerms& terms, bool may_make);

// Opens it, or makes it where the state is empty. After success the roots lie in DATA/pki for
// clients and edges to copy.
absl::StatusOr<std::unique_ptr<Installation>> OpenInstallation(const InstallationTerms& terms,
                                                               CommandLog& log, const State& state,
                                                               const Clock& clock);

// Writes DATA/pki/router-ca.pem anew, after another router root was activated.
absl::Status WriteRouterRoot(const std::string& data_dir, const std::string& pem);

}  // namespace muster::server
