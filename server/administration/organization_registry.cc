#include "server/administration/organization_registry.h"

#include <utility>

#include "common/status/status_macros.h"
#include "server/devices/device_directory.h"
#include "server/errors/errors.h"

namespace muster::server {

absl::StatusOr<Organization> OrganizationRegistry::Create(const Caller& caller,
                                                          const AuditedCall& call,
                                                          absl::string_view slug,
                                                          absl::string_view display_name) {
  if (!IsSlug(slug)) {
    return BadField(
        "organization_id",
        "wants 2 to 32 lower-case letters, digits and hyphens, beginning with a letter");
  }
  RETURN_IF_ERROR(CheckText("display_name", display_name, 128, false));
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  internal::v1::CreateOrganization* create = command.mutable_create_organization();
  create->set_organization_id(MakeId<OrganizationId>().value);
  create->set_slug(std::string(slug));
  create->set_display_name(std::string(display_name));
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  const auto organization = state_.FindOrganization(OrganizationId{applied.result.resource_id()});
  if (!organization.has_value()) return UnknownResource(slug);
  return *organization;
}

std::vector<Organization> OrganizationRegistry::List(const Caller& caller,
                                                     absl::string_view after_slug,
                                                     size_t limit) const {
  if (caller.is_platform()) return state_.ListOrganizations(after_slug, limit);
  const auto own = state_.FindOrganization(caller.organization());
  if (!own.has_value() || own->slug <= after_slug) return {};
  return {*own};
}

}  // namespace muster::server
