#include "server/administration/router_root_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr size_t kMostNamed = 10;
constexpr size_t kPage = 1'000;

std::string TitleOf(const Device& device) {
  const std::string id = FormatId(device.id.value);
  const std::string& name = device.display_name.empty() ? device.identity : device.display_name;
  return name.empty() ? id : absl::StrCat(name, " (", id, ")");
}

std::string Devices(size_t count) {
  return count == 1 ? "1 device" : absl::StrCat(count, " devices");
}

std::string FirstOf(const RouterRootReport& report) {
  return absl::StrCat(absl::StrJoin(report.lacking_titles, ", "),
                      report.lacking > report.lacking_titles.size() ? ", ..." : "");
}

// What devices that don't hold the root would have to go through.
absl::Status CutOff(const RouterRootReport& report, size_t accepted, absl::string_view what) {
  if (report.lacking <= accepted) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      Devices(report.lacking), report.lacking == 1 ? " does" : " do", " not trust root ",
      report.root.number, " by what they last said, and would fall silent: ", FirstOf(report), ". ",
      what, " bring it to them first (muster agent upgrade; on monitor-only routers run a line ",
      "again), delete those that are gone, or accept with --cut-off ", report.lacking,
      " that each of them needs a new line pasted into it"));
}

absl::StatusOr<RouterRootReport> Describe(RouterRoot root) {
  RouterRootReport report;
  ASSIGN_OR_RETURN(const CertificateFacts facts, ReadCertificate(root.pem));
  report.sha256 = facts.sha256;
  report.not_after = facts.not_after;
  report.root = std::move(root);
  return report;
}

std::string Accepted(absl::string_view verb, size_t lacking) {
  if (lacking == 0) return "";
  return absl::StrCat(verb, " although ", Devices(lacking), " will be cut off");
}

}  // namespace

absl::StatusOr<std::vector<RouterRootReport>> RouterRootRegistry::List() const {
  std::vector<RouterRootReport> reports;
  for (RouterRoot& root : state_.ListRouterRoots()) {
    ASSIGN_OR_RETURN(RouterRootReport report, Describe(std::move(root)));
    reports.push_back(std::move(report));
  }
  LookAtDevices(reports);
  LookAtEdges(reports);
  return reports;
}

void RouterRootRegistry::LookAtDevices(std::vector<RouterRootReport>& reports) const {
  std::string after;
  for (;;) {
    const std::vector<Organization> page = state_.ListOrganizations(after, kPage);
    for (const Organization& organization : page) {
      after = organization.slug;
      state_.ScanDevices(organization.id, [&](const Device& device) {
        if (device.revoke_time_us != 0) return true;
        for (RouterRootReport& report : reports) {
          if (HoldsRoot(device.router_roots, RootMark(report.sha256))) {
            ++report.trusting;
          } else if (++report.lacking <= kMostNamed) {
            report.lacking_devices.push_back(
                FormatChildName(organization.slug, "devices", device.id.value));
            report.lacking_titles.push_back(TitleOf(device));
          }
        }
        return true;
      });
    }
    if (page.size() < kPage) return;
  }
}

void RouterRootRegistry::LookAtEdges(std::vector<RouterRootReport>& reports) const {
  std::string after;
  for (;;) {
    const std::vector<Edge> page = state_.ListEdges(after, kPage);
    for (const Edge& edge : page) {
      after = edge.id;
      if (edge.revoke_time_us != 0) continue;
      for (RouterRootReport& report : reports) {
        if (report.sha256 == edge.router_root_sha256) report.edges.push_back(edge.id);
      }
    }
    if (page.size() < kPage) return;
  }
}

// An edge that never said which root it shows can't be told to show another.
absl::Status RouterRootRegistry::CheckEdgesFollow() const {
  std::string after;
  for (;;) {
    const std::vector<Edge> page = state_.ListEdges(after, kPage);
    for (const Edge& edge : page) {
      after = edge.id;
      if (edge.revoke_time_us != 0 || edge.join_time_us == 0) continue;
      if (!edge.router_root_sha256.empty()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("edge ", edge.id,
                       " has not said which root it shows to routers: let it connect with a "
                       "muster-edge of this version, or revoke it"));
    }
    if (page.size() < kPage) return absl::OkStatus();
  }
}

absl::StatusOr<RouterRootReport> RouterRootRegistry::Find(uint32_t number) const {
  ASSIGN_OR_RETURN(std::vector<RouterRootReport> reports, List());
  for (RouterRootReport& report : reports) {
    if (report.root.number == number) return std::move(report);
  }
  return UnknownResource(absl::StrCat("routerRoots/", number));
}

absl::StatusOr<RouterRootReport> RouterRootRegistry::Create(const Caller& caller,
                                                            const AuditedCall& call) {
  RouterRoot root;
  for (const RouterRoot& known : state_.ListRouterRoots()) {
    root.number = std::max(root.number, known.number);
    if (!call.validate_only || known.active || known.retire_time_us != 0) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("root ", known.number,
                     " is trusted beside the active one already: activate it or retire it first"));
  }
  ++root.number;
  if (call.validate_only) {
    RouterRootReport would;
    would.root = std::move(root);
    return would;
  }
  const std::string cluster_id = state_.ClusterId();
  ASSIGN_OR_RETURN(const Authority made, GenerateRouterRoot(cluster_id, root.number, clock_.Now()));
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  internal::v1::CreateRouterRoot& create = *command.mutable_create_router_root();
  create.set_number(root.number);
  create.set_pem(made.pem);
  ASSIGN_OR_RETURN(*create.mutable_sealed_key(),
                   SealRouterRootKey(master_key_, cluster_id, root.number, made.key));
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  return Find(static_cast<uint32_t>(applied.result.resource_id()));
}

absl::StatusOr<RouterRootReport> RouterRootRegistry::Activate(const Caller& caller,
                                                              const AuditedCall& call,
                                                              uint32_t number,
                                                              size_t accept_cut_off) {
  ASSIGN_OR_RETURN(RouterRootReport report, Find(number));
  if (report.root.active) return report;
  if (report.root.retire_time_us == 0) {
    RETURN_IF_ERROR(CheckEdgesFollow());
    RETURN_IF_ERROR(CutOff(report, accept_cut_off, "Before it is activated:"));
  }
  if (call.validate_only) return report;
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  command.mutable_activate_router_root()->set_number(number);
  command.set_summary(Accepted("activated", report.lacking));
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  on_active_(report.root.pem);
  return Find(number);
}

absl::StatusOr<RouterRootReport> RouterRootRegistry::Retire(const Caller& caller,
                                                            const AuditedCall& call,
                                                            uint32_t number,
                                                            size_t accept_cut_off) {
  ASSIGN_OR_RETURN(std::vector<RouterRootReport> reports, List());
  const RouterRootReport* report = nullptr;
  const RouterRootReport* active = nullptr;
  for (const RouterRootReport& one : reports) {
    if (one.root.number == number) report = &one;
    if (one.root.active) active = &one;
  }
  if (report == nullptr) return UnknownResource(absl::StrCat("routerRoots/", number));
  if (report->root.retire_time_us != 0) return *report;
  if (!report->root.active && active != nullptr) {
    if (!report->edges.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("edge ", absl::StrJoin(report->edges, ", edge "), " still shows root ",
                       number, " to routers: wait until it has connected, or revoke it"));
    }
    RETURN_IF_ERROR(
        CutOff(*active, accept_cut_off, absl::StrCat("Before root ", number, " is retired:")));
  }
  if (call.validate_only) return *report;
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  command.mutable_retire_router_root()->set_number(number);
  if (active != nullptr) command.set_summary(Accepted("retired", active->lacking));
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  return Find(number);
}

}  // namespace muster::server
