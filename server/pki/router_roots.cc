#include "server/pki/router_roots.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status/status_macros.h"

namespace muster::server {
namespace {

constexpr size_t kMarkDigits = 8;

const RouterRoot* FindActive(const std::vector<RouterRoot>& roots) {
  const auto found =
      std::find_if(roots.begin(), roots.end(), [](const RouterRoot& root) { return root.active; });
  return found == roots.end() ? nullptr : &*found;
}

}  // namespace

absl::StatusOr<Authority> RouterRoots::Active() const {
  const std::vector<RouterRoot> roots = state_.ListRouterRoots();
  const RouterRoot* const root = FindActive(roots);
  if (root == nullptr) return absl::DataLossError("the state holds no active router root");
  ASSIGN_OR_RETURN(const Secret pem,
                   Open(master_, RouterRootContext(cluster_id_, root->number), root->sealed_key));
  ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(pem));
  return Authority{std::move(key), root->pem};
}

absl::StatusOr<std::string> RouterRoots::ActiveSha256() const {
  const std::vector<RouterRoot> roots = state_.ListRouterRoots();
  const RouterRoot* const root = FindActive(roots);
  if (root == nullptr) return absl::DataLossError("the state holds no active router root");
  ASSIGN_OR_RETURN(CertificateFacts facts, ReadCertificate(root->pem));
  return std::move(facts.sha256);
}

std::vector<std::string> TrustedRootPems(const State& state) {
  std::vector<std::string> pems;
  for (const RouterRoot& root : state.ListRouterRoots()) {
    if (root.retire_time_us != 0) continue;
    pems.insert(root.active ? pems.begin() : pems.end(), root.pem);
  }
  return pems;
}

absl::StatusOr<std::string> TrustedRootMarks(const State& state) {
  std::vector<std::string> marks;
  for (const std::string& pem : TrustedRootPems(state)) {
    ASSIGN_OR_RETURN(const CertificateFacts facts, ReadCertificate(pem));
    marks.push_back(RootMark(facts.sha256));
  }
  std::sort(marks.begin(), marks.end());
  return absl::StrJoin(marks, ",");
}

std::string RootMark(absl::string_view sha256) {
  return std::string(sha256.substr(0, kMarkDigits));
}

bool HoldsRoot(absl::string_view reported, absl::string_view mark) {
  const std::vector<absl::string_view> marks = absl::StrSplit(reported, ',');
  return std::find(marks.begin(), marks.end(), mark) != marks.end();
}

absl::StatusOr<Authority> GenerateRouterRoot(absl::string_view cluster_id, uint32_t number,
                                             absl::Time now) {
  const std::string name = number == 1 ? "router" : absl::StrCat("router ", number);
  return MakeRoot(name, cluster_id, absl::UnixEpoch(), now + kRootLifetime);
}

absl::StatusOr<std::string> SealRouterRootKey(const Secret& master, absl::string_view cluster_id,
                                              uint32_t number, const PrivateKey& key) {
  ASSIGN_OR_RETURN(const Secret pem, key.ToPem());
  return Seal(master, RouterRootContext(cluster_id, number), pem.Reveal());
}

}  // namespace muster::server
