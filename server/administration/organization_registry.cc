#include "server/administration/organization_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/devices/device_directory.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr size_t kLongestDisplayName = 128;

// 0 means none, as in the API.
absl::Status CheckCodePage(absl::string_view field, uint32_t code_page) {
  if (code_page <= kHighestCodePage) return absl::OkStatus();
  return BadField(field, "is no code page that this musterd knows");
}

}  // namespace

absl::StatusOr<Organization> OrganizationRegistry::Create(const Caller& caller,
                                                          const AuditedCall& call,
                                                          absl::string_view slug,
                                                          absl::string_view display_name,
                                                          uint32_t fallback_code_page) {
  if (!IsSlug(slug)) {
    return BadField(
        "organization_id",
        "wants 2 to 32 lower-case letters, digits and hyphens, beginning with a letter");
  }
  RETURN_IF_ERROR(CheckText("display_name", display_name, kLongestDisplayName, false));
  RETURN_IF_ERROR(CheckCodePage("fallback_code_page", fallback_code_page));
  // A name that is taken is found by apply as well; here it gives the answer without a change.
  if (call.validate_only) {
    if (state_.FindOrganizationBySlug(slug).has_value()) {
      return NameTaken(absl::StrCat("organizations/", slug));
    }
    Organization would;
    would.slug = std::string(slug);
    would.display_name = std::string(display_name);
    would.fallback_code_page = fallback_code_page;
    return would;
  }
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  internal::v1::CreateOrganization* create = command.mutable_create_organization();
  create->set_organization_id(MakeId<OrganizationId>().value);
  create->set_slug(std::string(slug));
  create->set_display_name(std::string(display_name));
  create->set_fallback_code_page(fallback_code_page);
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  const auto organization = state_.FindOrganization(OrganizationId{applied.result.resource_id()});
  if (!organization.has_value()) return UnknownResource(slug);
  return *organization;
}

absl::StatusOr<Organization> OrganizationRegistry::Update(const OrganizationScope& scope,
                                                          const AuditedCall& call,
                                                          const OrganizationEdit& edit) {
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::UpdateOrganization* update = command.mutable_update_organization();
  update->set_organization_id(scope.id().value);
  if (edit.display_name.has_value()) {
    RETURN_IF_ERROR(
        CheckText("organization.display_name", *edit.display_name, kLongestDisplayName, false));
    update->set_display_name(*edit.display_name);
  }
  if (edit.fallback_code_page.has_value()) {
    RETURN_IF_ERROR(CheckCodePage("organization.fallback_code_page", *edit.fallback_code_page));
    update->set_fallback_code_page(*edit.fallback_code_page);
  }
  if (!call.validate_only) RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  auto organization = state_.FindOrganization(scope.id());
  if (!organization.has_value()) return UnknownResource(scope.name());
  if (call.validate_only) {
    organization->display_name = edit.display_name.value_or(organization->display_name);
    organization->fallback_code_page =
        edit.fallback_code_page.value_or(organization->fallback_code_page);
  }
  return *organization;
}

std::vector<Organization> OrganizationRegistry::List(const Caller& caller,
                                                     absl::string_view after_slug,
                                                     size_t limit) const {
  if (caller.is_platform()) return state_.ListOrganizations(after_slug, limit);
  const auto own = state_.FindOrganization(caller.organization());
  // A list of one, with pages like any other.
  if (!own.has_value() || own->slug <= after_slug) return {};
  return {*own};
}

}  // namespace muster::server
