// Making and looking at claims. What is checked here gives good messages; what counts is judged in
// state/apply, in the order of the log.
#include "server/claims/claim_book.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/claims/network.h"
#include "server/devices/device_directory.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr size_t kClaimBytes = 16;
constexpr size_t kLongestSite = 128;

absl::Status CheckTerms(const ClaimTerms& terms) {
  if (terms.max_devices < 0 || terms.max_devices > ClaimBook::kMostDevices) {
    return BadField("max_devices", absl::StrCat("wants 1 to ", ClaimBook::kMostDevices));
  }
  if (terms.ttl < absl::ZeroDuration() || terms.ttl > ClaimBook::kLongestTtl) {
    return BadField("ttl", "wants up to 90 days (2160h)");
  }
  if (terms.site.size() > kLongestSite) return BadField("site", "wants at most 128 bytes");
  if (terms.replaces && terms.max_devices > 1) {
    return BadField("max_devices", "wants 1 for a claim that replaces a device");
  }
  // As a device would take them.
  return CheckLabels("labels", terms.labels);
}

absl::Status FillNetwork(const ClaimTerms& terms, internal::v1::CreateClaim& create) {
  if (terms.allowed_source.empty()) return absl::OkStatus();
  const absl::StatusOr<Network> network = ParseNetwork(terms.allowed_source);
  if (!network.ok()) return BadField("allowed_source", network.status());
  // The text for people, the bytes for apply, which parses nothing.
  create.set_allowed_source(terms.allowed_source);
  create.set_allowed_network(network->address);
  create.set_allowed_prefix_bits(network->prefix_bits);
  return absl::OkStatus();
}

void Fill(const ClaimTerms& terms, internal::v1::CreateClaim& create) {
  const absl::Duration ttl = terms.ttl == absl::ZeroDuration() ? ClaimBook::kUsualTtl : terms.ttl;
  create.set_max_devices(terms.max_devices == 0 ? 1 : static_cast<uint32_t>(terms.max_devices));
  create.set_ttl_us(absl::ToInt64Microseconds(ttl));
  create.set_site(terms.site);
  for (const auto& [key, value] : terms.labels) {
    internal::v1::Label& label = *create.add_labels();
    label.set_key(key);
    label.set_value(value);
  }
  create.set_monitor_only(terms.monitor_only);
  create.set_approve(terms.approve);
  create.set_profile(static_cast<uint32_t>(terms.profile));
  create.set_replaces_device_id(terms.replaces.value);
  for (const std::string& url : terms.urls) create.add_urls(url);
}

}  // namespace

std::string EtagOf(const Claim& claim) { return absl::StrCat(claim.used_devices); }

absl::Status ClaimBook::Check(const OrganizationScope& scope, const ClaimTerms& terms) const {
  RETURN_IF_ERROR(CheckTerms(terms));
  internal::v1::CreateClaim unused;
  // For its errors: the same reading as Create's.
  RETURN_IF_ERROR(FillNetwork(terms, unused));
  if (!terms.replaces) return absl::OkStatus();
  const std::optional<Device> device = state_.FindDevice(terms.replaces);
  const std::string name = FormatChildName(scope.slug(), "devices", terms.replaces.value);
  if (!device.has_value() || device->organization != scope.id()) return UnknownResource(name);
  return device->delete_time_us != 0 ? DeviceDeleted(name) : absl::OkStatus();
}

absl::StatusOr<CreatedClaim> ClaimBook::Create(const OrganizationScope& scope,
                                               const AuditedCall& call, const ClaimTerms& terms) {
  RETURN_IF_ERROR(Check(scope, terms));
  // 128 bits, since guessing must be hopeless: a claim is all that a stranger needs.
  const Secret bytes = RandomSecret(kClaimBytes);
  CreatedClaim created;
  created.text = Secret(absl::BytesToHexString(bytes.Reveal()));
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::CreateClaim& create = *command.mutable_create_claim();
  create.set_claim_id(RandomId());
  create.set_organization_id(scope.id().value);
  create.set_claim_hash(Hash256(bytes.Reveal()));
  RETURN_IF_ERROR(FillNetwork(terms, create));
  Fill(terms, create);
  // Sealed, for a repetition: the text is nowhere else.
  KeepAnswer(master_key_, call, created.text.Reveal(), &command);
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  // The new text was never used: the first one is opened out of the state.
  if (applied.repeated) {
    ASSIGN_OR_RETURN(created.text,
                     OpenKeptAnswer(master_key_, call, applied.result.sealed_answer()));
  }
  const ClaimId id{applied.result.resource_id()};
  std::optional<Claim> claim = state_.FindClaim(id);
  if (!claim.has_value()) {
    return UnknownResource(FormatChildName(scope.slug(), "claims", id.value));
  }
  created.claim = *std::move(claim);
  return created;
}

std::vector<Claim> ClaimBook::List(const OrganizationScope& scope, ClaimId after,
                                   size_t limit) const {
  return state_.ListClaims(scope.id(), after, limit);
}

absl::Status ClaimBook::Delete(const OrganizationScope& scope, const AuditedCall& call, ClaimId id,
                               absl::string_view expected_etag) {
  const std::string name = FormatChildName(scope.slug(), "claims", id.value);
  if (call.validate_only) {
    const std::optional<Claim> claim = state_.FindClaim(id);
    if (!claim.has_value() || claim->organization != scope.id()) return UnknownResource(name);
    const bool stale = !expected_etag.empty() && expected_etag != EtagOf(*claim);
    return stale ? StaleEtag(name) : absl::OkStatus();
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  command.mutable_delete_claim()->set_claim_id(id.value);
  command.mutable_delete_claim()->set_organization_id(scope.id().value);
  command.mutable_delete_claim()->set_expected_etag(std::string(expected_etag));
  const absl::StatusOr<Applied> applied = log_.Propose(std::move(command));
  if (absl::IsNotFound(applied.status())) return UnknownResource(name);
  if (absl::IsAborted(applied.status())) return StaleEtag(name);
  return applied.status();
}

ClaimCheck ClaimBook::Check(absl::string_view claim, absl::string_view source) const {
  ClaimCheck check;
  const std::optional<Claim> found = state_.FindClaimByHash(Hash256(claim));
  if (claim.size() != kClaimBytes || !found.has_value()) return check;
  check.monitor_only = found->monitor_only;
  check.profile = found->profile;
  check.urls = found->urls;
  const Network allowed{found->allowed_network, found->allowed_prefix_bits};
  if (found->expire_time_us <= absl::ToUnixMicros(state_.StateTime())) {
    check.verdict = internal::v1::ENROLL_VERDICT_CLAIM_EXPIRED;
  } else if (!allowed.address.empty() && !Contains(allowed, source)) {
    check.verdict = internal::v1::ENROLL_VERDICT_CLAIM_WRONG_ADDRESS;
  } else if (found->used_devices >= found->max_devices) {
    check.verdict = internal::v1::ENROLL_VERDICT_CLAIM_USED_UP;
  } else {
    check.verdict = internal::v1::ENROLL_VERDICT_OK;
  }
  return check;
}

}  // namespace muster::server
