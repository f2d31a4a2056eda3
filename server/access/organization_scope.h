// Proof that somebody may act in one organization. Rules and stores take it as parameter instead
// of an id, and only the Authorizer can make one, so that no handler can forget to ask.
//
// Threads:  values.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/records.h"

namespace muster::server {

// Who calls: a valid API key. Only the Authorizer makes one.
class Caller {
 public:
  ApiKeyId key() const { return key_; }
  Role role() const { return role_; }
  // None for the role platform.
  OrganizationId organization() const { return organization_; }
  // "apiKeys/{api_key}": what the audit names.
  const std::string& principal() const { return principal_; }
  bool is_platform() const { return role_ == Role::kPlatform; }
  bool may_see_scripts() const { return role_ >= Role::kOperator; }

 private:
  friend class Authorizer;
  Caller(ApiKeyId key, Role role, OrganizationId organization)
      : key_(key),
        role_(role),
        organization_(organization),
        principal_(absl::StrCat("apiKeys/", FormatId(key))) {}

  ApiKeyId key_;
  Role role_;
  OrganizationId organization_;
  std::string principal_;
};

class OrganizationScope {
 public:
  OrganizationId id() const { return id_; }
  const std::string& slug() const { return slug_; }
  // "organizations/{organization}"
  std::string name() const { return absl::StrCat("organizations/", slug_); }
  const Caller& caller() const { return caller_; }

 private:
  friend class Authorizer;
  OrganizationScope(OrganizationId id, std::string slug, Caller caller)
      : id_(id), slug_(std::move(slug)), caller_(std::move(caller)) {}

  OrganizationId id_;
  std::string slug_;
  Caller caller_;
};

}  // namespace muster::server
