// The tenants of an installation.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables; a change waits until it is applied.
// Errors:   InvalidArgument for a bad slug; AlreadyExists for one that is taken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

struct OrganizationEdit {
  std::optional<std::string> display_name;
  // Value of muster.v1.CodePage.
  std::optional<uint32_t> fallback_code_page;
};

class OrganizationRegistry {
 public:
  OrganizationRegistry(const State& state, CommandLog& log) : state_(state), log_(log) {}

  // Makes a tenant. Its slug stands in resource names, so it never changes; its display name may.
  // With call.validate_only nothing is made. A repetition under the same request id answers the
  // first one.
  absl::StatusOr<Organization> Create(const Caller& caller, const AuditedCall& call,
                                      absl::string_view slug, absl::string_view display_name,
                                      uint32_t fallback_code_page);
  // Changes what is set, and answers it. A changed code page reaches edges with the records of its
  // devices.
  absl::StatusOr<Organization> Update(const OrganizationScope& scope, const AuditedCall& call,
                                      const OrganizationEdit& edit);

  // All for the role platform, else the caller's own. By slug, after `after_slug`.
  std::vector<Organization> List(const Caller& caller, absl::string_view after_slug,
                                 size_t limit) const;

 private:
  const State& state_;
  CommandLog& log_;
};

}  // namespace muster::server
