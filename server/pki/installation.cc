// The first start and every other. The order is chosen for a crash between any two steps: files
// that Bootstrap needs (master key, root key) are made before it and found again by the next try;
// the cluster id, which Bootstrap writes, says that it is through.
#include "server/pki/installation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/feature_level.h"
#include "server/pki/master_key.h"

namespace muster::server {
namespace {

constexpr absl::string_view kClusterRoot = "pki/cluster-root.pem";
constexpr absl::string_view kRouterRoot = "pki/router-root.pem";
constexpr absl::string_view kRouterRootKey = "pki/router-root-key";
constexpr absl::string_view kTokenKey = "pki/token-key/";

// A first start makes the file; later ones must find it.
absl::StatusOr<std::vector<Secret>> LoadMasterKeys(const std::string& path, bool first_start) {
  absl::StatusOr<std::vector<Secret>> keys = ReadMasterKeys(path);
  if (!absl::IsNotFound(keys.status())) return keys;
  // Only then: a new key for an old state would hide that the right one is lost.
  if (first_start) {
    ASSIGN_OR_RETURN(Secret made, MakeMasterKey(path));
    return std::vector<Secret>{std::move(made)};
  }
  return absl::FailedPreconditionError(
      absl::StrCat("master key file ", path,
                   " is missing, and nothing in the data directory can be opened without it; put "
                   "it back, or name it with --master-key-file (all nodes of a cluster have the "
                   "same one: copy it from another node)"));
}

void AddBlob(internal::v1::Bootstrap& bootstrap, absl::string_view name, std::string value) {
  internal::v1::NamedBlob& blob = *bootstrap.add_blobs();
  blob.set_name(std::string(name));
  blob.set_value(std::move(value));
}

void AddBlobs(internal::v1::Bootstrap& bootstrap, SealedClusterKeys sealed) {
  AddBlob(bootstrap, kClusterRoot, std::move(sealed.cluster_root_pem));
  AddBlob(bootstrap, kClusterRootKey, std::move(sealed.sealed_cluster_root_key));
  AddBlob(bootstrap, kRouterRoot, std::move(sealed.router_root_pem));
  AddBlob(bootstrap, kRouterRootKey, std::move(sealed.sealed_router_root_key));
  for (SealedTokenKey& key : sealed.token_keys) {
    AddBlob(bootstrap, absl::StrCat(kTokenKey, key.key_id), std::move(key.sealed));
  }
}

absl::Status Bootstrap(const InstallationTerms& terms, const Secret& master, CommandLog& log,
                       absl::Time now) {
  ASSIGN_OR_RETURN(ClusterKeys keys, GenerateClusterKeys(now));
  ASSIGN_OR_RETURN(SealedClusterKeys sealed, SealClusterKeys(master, keys));
  internal::v1::Command command;
  command.mutable_actor()->set_principal("musterd");
  command.set_method("musterd/FirstStart");
  internal::v1::Bootstrap& bootstrap = *command.mutable_bootstrap();
  bootstrap.set_cluster_id(keys.cluster_id);
  bootstrap.set_time_us(absl::ToUnixMicros(now));
  bootstrap.set_feature_level(FeatureLevel());
  AddBlobs(bootstrap, std::move(sealed));
  // Last before the proposal: a start that fails earlier leaves no key file of an installation that
  // is none.
  ASSIGN_OR_RETURN(*bootstrap.mutable_root_api_key(), terms.make_root_key());
  internal::v1::CreateOrganization& organization = *bootstrap.mutable_default_organization();
  organization.set_organization_id(RandomId());
  organization.set_slug("default");
  organization.set_display_name("Default organization");
  return log.Propose(std::move(command)).status();
}

absl::StatusOr<std::string> RequireBlob(const State& state, absl::string_view name) {
  std::optional<std::string> blob = state.FindBlob(name);
  if (!blob.has_value()) {
    return absl::DataLossError(absl::StrCat("the state holds no ", name));
  }
  return *std::move(blob);
}

absl::Status ReadRouterRoot(const State& state, SealedClusterKeys& sealed) {
  for (RouterRoot& root : state.ListRouterRoots()) {
    if (!root.active) continue;
    sealed.router_root_number = root.number;
    sealed.router_root_pem = std::move(root.pem);
    sealed.sealed_router_root_key = std::move(root.sealed_key);
    return absl::OkStatus();
  }
  return absl::DataLossError("the state holds no active router root");
}

absl::StatusOr<ClusterKeys> ReadKeys(const Secret& master, const State& state) {
  SealedClusterKeys sealed;
  sealed.cluster_id = state.ClusterId();
  ASSIGN_OR_RETURN(sealed.cluster_root_pem, RequireBlob(state, kClusterRoot));
  ASSIGN_OR_RETURN(sealed.sealed_cluster_root_key, RequireBlob(state, kClusterRootKey));
  RETURN_IF_ERROR(ReadRouterRoot(state, sealed));
  // Numbers go from 1 without gaps; the first that is missing ends the list.
  for (uint32_t id = 1;; ++id) {
    std::optional<std::string> blob = state.FindBlob(absl::StrCat(kTokenKey, id));
    if (!blob.has_value()) break;
    sealed.token_keys.push_back({id, *std::move(blob)});
  }
  if (sealed.token_keys.empty()) return absl::DataLossError("the state holds no token key");
  return OpenClusterKeys(master, sealed);
}

absl::Status Problem(absl::string_view what, const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(what, " ", path, ": ", std::strerror(errno)));
}

// Readers see the old file or the new one, never a part.
absl::Status WriteFileWhole(const std::string& path, const std::string& text) {
  std::ostringstream old;
  old << std::ifstream(path).rdbuf();
  // Unchanged files keep their time, which people and tools watch.
  if (old.str() == text) return absl::OkStatus();
  const std::string fresh = path + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  file << text;
  file.close();
  if (!file) return Problem("can't write", fresh);
  // Not synced: what is lost with the power is written again by the next start.
  if (rename(fresh.c_str(), path.c_str()) != 0) return Problem("can't write", path);
  return absl::OkStatus();
}

absl::Status WriteRoots(const std::string& data_dir, const ClusterKeys& keys) {
  const std::string folder = data_dir + "/pki";
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return Problem("can't make", folder);
  RETURN_IF_ERROR(WriteFileWhole(folder + "/cluster-ca.pem", keys.cluster_root.pem));
  return WriteRouterRoot(data_dir, keys.router_root.pem);
}

// True where this start made it.
absl::StatusOr<bool> MakeIfNew(const InstallationTerms& terms, const Secret& master,
                               CommandLog& log, const State& state, absl::Time now) {
  if (!state.ClusterId().empty()) return false;
  const absl::Status made = Bootstrap(terms, master, log, now);
  if (made.ok()) return true;
  // Refused because another node was first: the answer comes after its Bootstrap was applied here.
  if (!absl::IsFailedPrecondition(made) || state.ClusterId().empty()) return made;
  if (terms.drop_root_key) terms.drop_root_key();
  return false;
}

}  // namespace

absl::Status WriteRouterRoot(const std::string& data_dir, const std::string& pem) {
  return WriteFileWhole(data_dir + "/pki/router-ca.pem", pem);
}

absl::StatusOr<std::vector<Secret>> OpenMasterKeys(const InstallationTerms& terms, bool may_make) {
  return LoadMasterKeys(MasterKeyFile(terms.data_dir, terms.master_key_file), may_make);
}

absl::StatusOr<std::unique_ptr<Installation>> OpenInstallation(const InstallationTerms& terms,
                                                               CommandLog& log, const State& state,
                                                               const Clock& clock) {
  // A start that died before Bootstrap was applied is a first start again.
  const bool first_start = state.ClusterId().empty();
  const std::string master_key_file = MasterKeyFile(terms.data_dir, terms.master_key_file);
  ASSIGN_OR_RETURN(const std::vector<Secret> masters, LoadMasterKeys(master_key_file, first_start));
  const Secret& master = masters.front();
  ASSIGN_OR_RETURN(const bool made_here, MakeIfNew(terms, master, log, state, clock.Now()));
  absl::StatusOr<ClusterKeys> keys = ReadKeys(master, state);
  // Nearly always the wrong file; its path is what helps.
  if (absl::IsDataLoss(keys.status())) {
    return absl::DataLossError(
        absl::StrCat(keys.status().message(), "; the master key was read from ", master_key_file));
  }
  if (!keys.ok()) return keys.status();
  RETURN_IF_ERROR(WriteRoots(terms.data_dir, *keys));
  return std::make_unique<Installation>(
      Installation{master, *std::move(keys), master_key_file, made_here});
}

}  // namespace muster::server
