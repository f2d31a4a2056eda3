#include "tests/bench/cluster/control_group.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "tests/bench/ingest/seed.h"
#include "tests/bench/support/report.h"
#include "tests/support/free_port.h"

namespace muster::bench {
namespace {

constexpr size_t kNodes = 3;
constexpr absl::Duration kStartTimeout = absl::Seconds(60);

std::string NodeName(size_t node) { return node == 0 ? "control" : absl::StrCat("control-", node); }

std::vector<std::string> FreeUrls() {
  std::vector<std::string> urls;
  for (size_t i = 0; i < kNodes; ++i) {
    urls.push_back(absl::StrCat("http://127.0.0.1:", FreePort()));
  }
  return urls;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ControlGroup>> ControlGroup::Start(GroupKind kind,
                                                                  const Fleet& fleet) {
  ASSIGN_OR_RETURN(std::string folder, MakeRunFolder(ProgramFolder() + "/../bench", "group"));
  std::unique_ptr<ControlGroup> group(new ControlGroup(fleet, std::move(folder)));
  group->Keep();
  if (kind == GroupKind::kThreeOnEtcd) RETURN_IF_ERROR(group->StartMembers());
  RETURN_IF_ERROR(group->StartNodes(kind));
  RETURN_IF_ERROR(group->JoinEdges());
  // The first one last, so that its state has all that the others have.
  while (!group->nodes_.empty()) group->nodes_.pop_back();
  RETURN_IF_ERROR(group->SeedStates());
  RETURN_IF_ERROR(group->StartNodes(kind));
  group->keep_ = false;
  return group;
}

ControlGroup::~ControlGroup() {
  nodes_.clear();
  members_.clear();
  std::error_code error;
  if (!keep_) std::filesystem::remove_all(folder_, error);
}

absl::Status ControlGroup::StartMembers() {
  const std::vector<std::string> clients = FreeUrls();
  const std::vector<std::string> peers = FreeUrls();
  etcd_urls_ = absl::StrJoin(clients, ",");
  std::vector<std::string> names;
  for (size_t i = 0; i < kNodes; ++i) names.push_back(absl::StrCat("m", i, "=", peers[i]));
  for (size_t i = 0; i < kNodes; ++i) {
    ChildTerms terms;
    terms.command = {"etcd",
                     absl::StrCat("--name=m", i),
                     absl::StrCat("--data-dir=", folder_, "/etcd-", i),
                     "--listen-client-urls=" + clients[i],
                     "--advertise-client-urls=" + clients[i],
                     "--listen-peer-urls=" + peers[i],
                     "--initial-advertise-peer-urls=" + peers[i],
                     "--initial-cluster=" + absl::StrJoin(names, ",")};
    terms.output_file = absl::StrCat(folder_, "/etcd-", i, ".out");
    ASSIGN_OR_RETURN(std::unique_ptr<Child> member, Child::Start(terms));
    members_.push_back(std::move(member));
  }
  return absl::OkStatus();
}

absl::Status ControlGroup::StartNodes(GroupKind kind) {
  for (size_t i = 0; i < (kind == GroupKind::kAlone ? 1 : kNodes); ++i) {
    ControlPlaneTerms how{.name = NodeName(i)};
    if (kind == GroupKind::kThreeOnEtcd) {
      how.flags = {"--etcd", etcd_urls_, "--master-key-file", folder_ + "/control.master-key"};
    }
    ASSIGN_OR_RETURN(std::unique_ptr<ControlPlane> node,
                     ControlPlane::Start(folder_, kStartTimeout, how));
    nodes_.push_back(std::move(node));
  }
  return absl::OkStatus();
}

absl::Status ControlGroup::JoinEdges() {
  for (size_t i = 0; i < fleet_.edges(); ++i) {
    ASSIGN_OR_RETURN(EdgeIdentity identity, nodes_[0]->JoinEdge(absl::StrCat("bench-", i)));
    identities_.push_back(std::move(identity));
  }
  return absl::OkStatus();
}

absl::Status ControlGroup::SeedStates() {
  std::vector<std::string> names;
  for (const EdgeIdentity& identity : identities_) names.push_back(identity.id);
  RETURN_IF_ERROR(SeedDevices(folder_, fleet_));
  RETURN_IF_ERROR(SeedStatus(folder_, fleet_, names, absl::Now()));
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  const std::string first = folder_ + "/control/state.db";
  for (size_t i = 1; i < kNodes && !members_.empty(); ++i) {
    const std::string other = absl::StrCat(folder_, "/", NodeName(i), "/state.db");
    std::error_code error;
    for (const char* ending : {"-wal", "-shm"}) std::filesystem::remove(other + ending, error);
    if (!std::filesystem::copy_file(first, other, overwrite, error)) {
      return absl::InternalError("can't copy the seeded state: " + error.message());
    }
  }
  // What the copies left to write must not slow the log's own writes down.
  sync();
  return absl::OkStatus();
}

std::vector<pid_t> ControlGroup::processes() const {
  std::vector<pid_t> all;
  for (const auto& node : nodes_) all.push_back(node->process());
  for (const auto& member : members_) all.push_back(member->process());
  return all;
}

Edges ControlGroup::MakeEdges() {
  Edges edges;
  for (size_t i = 0; i < fleet_.edges(); ++i) {
    edges.push_back(std::make_unique<SimulatedEdge>(fleet_, i, identities_[i],
                                                    nodes_[i % nodes_.size()]->edge_address()));
  }
  return edges;
}

}  // namespace muster::bench
