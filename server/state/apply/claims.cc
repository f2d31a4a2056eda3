// Claims: made, deleted; enrolment.cc uses them up. Only the hash of a claim is here, so who reads
// the database can't let a router join.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kMaxTextBytes = 256;
constexpr int kMaxLabels = 64;
constexpr uint32_t kMaxDevices = 1'000'000;
// What the rules above promise; apply insists on it.
constexpr int64_t kMaxTtlUs = int64_t{90} * 86'400 * 1'000'000;

bool NetworkIsSound(const internal::v1::CreateClaim& command) {
  const size_t size = command.allowed_network().size();
  if (command.allowed_source().empty()) return size == 0;
  return (size == 4 || size == 16) && command.allowed_prefix_bits() <= size * 8;
}

bool AgentTermsAreSound(const internal::v1::CreateClaim& command) {
  if (command.profile() > 3 || command.urls_size() > kMaxUrls) return false;
  // Two routers can't both become one device.
  if (command.replaces_device_id() != 0 && command.max_devices() != 1) return false;
  return std::all_of(command.urls().begin(), command.urls().end(),
                     [](const std::string& url) { return url.size() <= kMaxUrlBytes; });
}

// What only some claims have.
void SaveTerms(ApplyContext& context, const internal::v1::CreateClaim& command) {
  internal::v1::Urls urls;
  *urls.mutable_urls() = command.urls();
  context.db.Run("UPDATE claims SET approve = ?, profile = ?, urls = ? WHERE id = ?",
                 command.approve(), std::max(command.profile(), 1U), Blob{urls.SerializeAsString()},
                 KeyOf(command.claim_id()));
  if (command.replaces_device_id() == 0) return;
  context.db.Run("UPDATE claims SET replaces = ? WHERE id = ?", KeyOf(command.replaces_device_id()),
                 KeyOf(command.claim_id()));
}

std::string ClaimName(Database& db, uint64_t organization, uint64_t claim) {
  return absl::StrCat(OrganizationName(db, organization), "/claims/", FormatId(claim));
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const internal::v1::CreateClaim& command) {
  if (command.claim_id() == 0 || command.claim_hash().size() != kHashBytes ||
      command.max_devices() == 0 || command.max_devices() > kMaxDevices || command.ttl_us() <= 0 ||
      command.ttl_us() > kMaxTtlUs || command.site().size() > kMaxTextBytes ||
      command.labels_size() > kMaxLabels || !NetworkIsSound(command) ||
      !AgentTermsAreSound(command)) {
    return Malformed("claim");
  }
  if (OrganizationName(context.db, command.organization_id()).empty()) {
    return UnknownThing("organization", FormatId(command.organization_id()));
  }
  if (command.replaces_device_id() != 0) {
    const auto device =
        FindLiveDevice(context, command.replaces_device_id(), command.organization_id());
    if (!device.ok()) return device.status();
  }
  {
    Query query(context.db, "SELECT 1 FROM claims WHERE id = ? OR claim_hash = ? LIMIT 1",
                KeyOf(command.claim_id()), Blob{command.claim_hash()});
    if (query.Step()) return AlreadyThere("claim", FormatId(command.claim_id()));
  }
  std::map<std::string, std::string> labels;
  for (const internal::v1::Label& label : command.labels()) labels[label.key()] = label.value();
  context.db.Run(
      "INSERT INTO claims (id, organization, claim_hash, create_us, expire_us, max_devices, "
      "used_devices, allowed_source, allowed_network, allowed_prefix_bits, site, labels, "
      "monitor_only) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)",
      KeyOf(command.claim_id()), KeyOf(command.organization_id()), Blob{command.claim_hash()},
      context.now_us(), context.now_us() + command.ttl_us(), command.max_devices(),
      command.allowed_source(), Blob{command.allowed_network()}, command.allowed_prefix_bits(),
      command.site(), Blob{EncodeLabels(labels)}, command.monitor_only());
  SaveTerms(context, command);
  WriteAudit(context, ClaimName(context.db, command.organization_id(), command.claim_id()),
             command.organization_id(),
             command.replaces_device_id() != 0
                 ? absl::StrCat("created a claim that replaces device ",
                                FormatId(command.replaces_device_id()))
                 : absl::StrCat("created a claim for ", command.max_devices(),
                                command.max_devices() == 1 ? " device" : " devices"));
  return ResultOf(command.claim_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteClaim& command) {
  {
    Query query(context.db, "SELECT used_devices FROM claims WHERE id = ? AND organization = ?",
                KeyOf(command.claim_id()), KeyOf(command.organization_id()));
    if (!query.Step()) return UnknownThing("claim", FormatId(command.claim_id()));
    // The etag counts uses: nobody deletes a claim believing that it was unused.
    if (IsStale(command.expected_etag(), query.Unsigned(0))) return ChangedMeanwhile("claim");
  }
  context.db.Run("DELETE FROM claims WHERE id = ?", KeyOf(command.claim_id()));
  // Without the claim nobody can repeat an enrolment.
  context.db.Run("DELETE FROM enrolments WHERE claim = ?", KeyOf(command.claim_id()));
  WriteAudit(context, ClaimName(context.db, command.organization_id(), command.claim_id()),
             command.organization_id(), "deleted the claim");
  return ResultOf(command.claim_id());
}

}  // namespace muster::server
