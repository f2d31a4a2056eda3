#include "server/pki/organization_keys.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/state/organization_key.h"

namespace muster::server {
namespace {

constexpr absl::string_view kMark("MUSTERK\x01", 8);
constexpr size_t kNumberBytes = 8;
constexpr size_t kHeaderBytes = 24;
constexpr size_t kKeyBytes = 32;

void PutNumber(uint64_t number, std::string& out) {
  for (size_t i = 0; i < kNumberBytes; ++i) out.push_back(static_cast<char>(number >> (8 * i)));
}

uint64_t NumberAt(absl::string_view bytes, size_t at) {
  uint64_t number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    number |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  return number;
}

// One organization's key is none of another's.
std::string KeyContext(uint64_t organization, uint64_t key_id) {
  return absl::StrCat("organization-key/", FormatId(organization), "/", FormatId(key_id));
}

absl::StatusOr<std::optional<OrganizationKey>> ReadKey(const State& state, const Secret& master,
                                                       uint64_t organization) {
  const std::optional<std::string> blob = state.FindBlob(OrganizationKeyBlob(organization));
  if (!blob.has_value()) return std::nullopt;
  internal::v1::CreateOrganizationKey kept;
  if (!kept.ParseFromString(*blob)) {
    return absl::DataLossError("the key of an organization is damaged");
  }
  ASSIGN_OR_RETURN(Secret key,
                   Open(master, KeyContext(organization, kept.key_id()), kept.sealed_key()));
  return OrganizationKey{kept.key_id(), std::move(key)};
}

}  // namespace

absl::StatusOr<std::optional<OrganizationKey>> OrganizationKeys::Find(
    OrganizationId organization) const {
  MutexLock lock(mutex_);
  const auto known = known_.find(organization.value);
  if (known != known_.end()) return known->second;
  ASSIGN_OR_RETURN(std::optional<OrganizationKey> key,
                   ReadKey(state_, master_, organization.value));
  if (key.has_value()) known_[organization.value] = *key;
  return key;
}

internal::v1::Command NewOrganizationKey(const Secret& master, OrganizationId organization) {
  Command command;
  command.mutable_actor()->set_principal("musterd");
  command.set_method("musterd/CreateOrganizationKey");
  auto& create = *command.mutable_create_organization_key();
  create.set_organization_id(organization.value);
  create.set_key_id(RandomId());
  create.set_sealed_key(Seal(master, KeyContext(organization.value, create.key_id()),
                             RandomSecret(kKeyBytes).Reveal()));
  return command;
}

absl::StatusOr<std::string> SealForOrganization(const State& state, CommandLog& log,
                                                const Secret& master, OrganizationId organization,
                                                absl::string_view context,
                                                absl::string_view plain) {
  ASSIGN_OR_RETURN(std::optional<OrganizationKey> key, ReadKey(state, master, organization.value));
  if (!key.has_value()) {
    const absl::Status made = log.Propose(NewOrganizationKey(master, organization)).status();
    // By the feature level; the node alone decides nothing here.
    if (absl::IsFailedPrecondition(made)) return Seal(master, context, plain);
    // Two at once: the first one counts, for both.
    if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
    ASSIGN_OR_RETURN(key, ReadKey(state, master, organization.value));
    if (!key.has_value()) return absl::InternalError("the organization's key was not kept");
  }
  std::string out(kMark);
  PutNumber(organization.value, out);
  PutNumber(key->id, out);
  out += Seal(key->key, context, plain);
  return out;
}

absl::StatusOr<Secret> OpenOfOrganization(const State& state, const Secret& master,
                                          absl::string_view context, absl::string_view sealed) {
  if (sealed.size() < kHeaderBytes || !absl::StartsWith(sealed, kMark)) {
    return Open(master, context, sealed);
  }
  ASSIGN_OR_RETURN(const auto key, ReadKey(state, master, NumberAt(sealed, kMark.size())));
  if (!key.has_value() || key->id != NumberAt(sealed, kMark.size() + kNumberBytes)) {
    return absl::DataLossError("the organization's key that it was sealed under is gone");
  }
  return Open(key->key, context, sealed.substr(kHeaderBytes));
}

}  // namespace muster::server
