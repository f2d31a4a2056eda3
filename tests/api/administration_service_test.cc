// Organizations, keys, edges, claims and the audit through the API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/audit_service.grpc.pb.h"
#include "muster/v1/claim_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/edge_admin_service.grpc.pb.h"
#include "muster/v1/organization_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;
using testing::Not;

class AdministrationServiceTest : public testing::Test {
 protected:
  AdministrationServiceTest()
      : organizations_(v1::OrganizationService::NewStub(server_.channel())),
        keys_(v1::ApiKeyService::NewStub(server_.channel())),
        edges_(v1::EdgeAdminService::NewStub(server_.channel())),
        claims_(v1::ClaimService::NewStub(server_.channel())),
        audit_(v1::AuditService::NewStub(server_.channel())) {}

  std::vector<std::string> Organizations(const std::string& key) {
    std::vector<std::string> names;
    v1::ListOrganizationsRequest request;
    request.set_page_size(2);
    v1::ListOrganizationsResponse response;
    do {
      request.set_page_token(response.next_page_token());
      EXPECT_TRUE(
          organizations_->ListOrganizations(server_.Context(key).get(), request, &response).ok());
      for (const auto& organization : response.organizations()) {
        names.push_back(organization.name());
      }
    } while (!response.next_page_token().empty());
    return names;
  }

  grpc::Status CreateKey(const std::string& key, const std::string& organization, v1::Role role,
                         v1::CreateApiKeyResponse* response, const std::string& request_id = "") {
    v1::CreateApiKeyRequest request;
    if (!organization.empty()) {
      request.mutable_api_key()->set_organization("organizations/" + organization);
    }
    request.mutable_api_key()->set_role(role);
    request.set_request_id(request_id);
    return keys_->CreateApiKey(server_.Context(key).get(), request, response);
  }

  std::vector<v1::AuditEntry> Audit(const std::string& key, const std::string& parent) {
    std::vector<v1::AuditEntry> entries;
    v1::ListAuditEntriesRequest request;
    request.set_parent(parent);
    request.set_page_size(3);
    v1::ListAuditEntriesResponse response;
    do {
      request.set_page_token(response.next_page_token());
      EXPECT_TRUE(audit_->ListAuditEntries(server_.Context(key).get(), request, &response).ok());
      entries.insert(entries.end(), response.entries().begin(), response.entries().end());
    } while (!response.next_page_token().empty());
    return entries;
  }

  ApiTestServer server_;
  std::unique_ptr<v1::OrganizationService::Stub> organizations_;
  std::unique_ptr<v1::ApiKeyService::Stub> keys_;
  std::unique_ptr<v1::EdgeAdminService::Stub> edges_;
  std::unique_ptr<v1::ClaimService::Stub> claims_;
  std::unique_ptr<v1::AuditService::Stub> audit_;
};

TEST_F(AdministrationServiceTest, ThePlatformSeesAllOrganizationsAndAKeyItsOwn) {
  for (const char* slug : {"acme", "bravo", "zulu"}) server_.MakeOrganization(slug);
  EXPECT_THAT(Organizations(server_.root_key()),
              testing::ElementsAre("organizations/acme", "organizations/bravo",
                                   "organizations/default", "organizations/zulu"));
  EXPECT_THAT(Organizations(server_.MakeKey("bravo", v1::ROLE_VIEWER)),
              testing::ElementsAre("organizations/bravo"));
  v1::CreateOrganizationRequest request;
  v1::CreateOrganizationResponse response;
  request.set_organization_id("acme");
  EXPECT_EQ(organizations_
                ->CreateOrganization(server_.Context(server_.root_key()).get(), request, &response)
                .error_code(),
            StatusCode::ALREADY_EXISTS);
  request.set_organization_id("Not A Slug");
  EXPECT_EQ(organizations_
                ->CreateOrganization(server_.Context(server_.root_key()).get(), request, &response)
                .error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdministrationServiceTest, AnOrganizationHasACodePageThatItsAdminChanges) {
  v1::CreateOrganizationRequest create;
  v1::CreateOrganizationResponse created;
  create.set_organization_id("acme");
  create.set_fallback_code_page(v1::CODE_PAGE_GBK);
  ASSERT_TRUE(organizations_
                  ->CreateOrganization(server_.Context(server_.root_key()).get(), create, &created)
                  .ok());
  EXPECT_EQ(created.organization().fallback_code_page(), v1::CODE_PAGE_GBK);
  server_.MakeOrganization("bravo");
  const std::string admin = server_.MakeKey("acme", v1::ROLE_ADMIN);
  v1::UpdateOrganizationRequest request;
  v1::UpdateOrganizationResponse response;
  const auto update = [&](const std::string& key) {
    return organizations_->UpdateOrganization(server_.Context(key).get(), request, &response)
        .error_code();
  };
  request.mutable_organization()->set_name("organizations/acme");
  request.mutable_organization()->set_display_name("Acme");
  request.mutable_organization()->set_fallback_code_page(v1::CODE_PAGE_WINDOWS_1251);
  EXPECT_EQ(update(admin), StatusCode::INVALID_ARGUMENT);
  request.mutable_update_mask()->add_paths("fallback_code_page");
  EXPECT_EQ(update(admin), StatusCode::OK);
  EXPECT_EQ(response.organization().fallback_code_page(), v1::CODE_PAGE_WINDOWS_1251);
  EXPECT_EQ(response.organization().display_name(), "");
  request.mutable_update_mask()->add_paths("display_name");
  EXPECT_EQ(update(server_.root_key()), StatusCode::OK);
  EXPECT_EQ(response.organization().display_name(), "Acme");
  EXPECT_THAT(Audit(admin, "organizations/acme").front().summary(), HasSubstr("code page"));
  request.mutable_update_mask()->add_paths("create_time");
  EXPECT_EQ(update(admin), StatusCode::INVALID_ARGUMENT);
  request.mutable_update_mask()->mutable_paths()->RemoveLast();
  request.mutable_organization()->set_fallback_code_page(static_cast<v1::CodePage>(99));
  EXPECT_EQ(update(admin), StatusCode::INVALID_ARGUMENT);
  request.mutable_organization()->set_name("organizations/bravo");
  EXPECT_EQ(update(admin), StatusCode::NOT_FOUND);
}

TEST_F(AdministrationServiceTest, AnAdminMakesKeysOfItsOrganizationUpToAdmin) {
  server_.MakeOrganization("acme");
  const std::string admin = server_.MakeKey("acme", v1::ROLE_ADMIN);
  v1::CreateApiKeyResponse response;
  EXPECT_TRUE(CreateKey(admin, "acme", v1::ROLE_ADMIN, &response).ok());
  EXPECT_TRUE(absl::StartsWith(response.key(), "mk1."));
  EXPECT_EQ(CreateKey(admin, "default", v1::ROLE_VIEWER, &response).error_code(),
            StatusCode::NOT_FOUND);
  EXPECT_EQ(CreateKey(admin, "", v1::ROLE_PLATFORM, &response).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(CreateKey(server_.root_key(), "acme", v1::ROLE_PLATFORM, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CreateKey(server_.root_key(), "", v1::ROLE_ADMIN, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CreateKey(server_.root_key(), "acme", v1::ROLE_UNSPECIFIED, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdministrationServiceTest, ARepeatedCreateAnswersTheSameKey) {
  v1::CreateApiKeyResponse first;
  v1::CreateApiKeyResponse second;
  ASSERT_TRUE(CreateKey(server_.root_key(), "default", v1::ROLE_VIEWER, &first, "k1").ok());
  ASSERT_TRUE(CreateKey(server_.root_key(), "default", v1::ROLE_VIEWER, &second, "k1").ok());
  EXPECT_EQ(first.key(), second.key());
  EXPECT_EQ(first.api_key().name(), second.api_key().name());
  EXPECT_EQ(CreateKey(server_.root_key(), "default", v1::ROLE_ADMIN, &second, "k1").error_code(),
            StatusCode::ALREADY_EXISTS);
}

TEST_F(AdministrationServiceTest, AnExpiredKeyIsRefused) {
  v1::CreateApiKeyRequest request;
  request.mutable_api_key()->set_organization("organizations/default");
  request.mutable_api_key()->set_role(v1::ROLE_VIEWER);
  request.mutable_api_key()->mutable_expire_time()->set_seconds(absl::ToUnixSeconds(absl::Now()) +
                                                                8);
  v1::CreateApiKeyResponse response;
  ASSERT_TRUE(
      keys_->CreateApiKey(server_.Context(server_.root_key()).get(), request, &response).ok());
  const auto list = [&] {
    v1::ListOrganizationsResponse listed;
    return organizations_->ListOrganizations(server_.Context(response.key()).get(), {}, &listed)
        .error_code();
  };
  EXPECT_EQ(list(), StatusCode::OK);
  server_.Pass(absl::Seconds(9));
  EXPECT_EQ(list(), StatusCode::UNAUTHENTICATED);
  request.mutable_api_key()->mutable_expire_time()->set_seconds(1000);
  EXPECT_EQ(keys_->CreateApiKey(server_.Context(server_.root_key()).get(), request, &response)
                .error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdministrationServiceTest, AnEdgeIsMadeWithAJoinFileListedAndRevoked) {
  v1::CreateEdgeRequest request;
  request.set_edge_id("north");
  request.set_public_url("https://edge.example.net");
  request.set_request_id("e1");
  v1::CreateEdgeResponse created;
  ASSERT_TRUE(
      edges_->CreateEdge(server_.Context(server_.root_key()).get(), request, &created).ok());
  EXPECT_EQ(created.edge().state(), v1::EDGE_STATE_PENDING);
  EXPECT_THAT(created.join_file(), HasSubstr("BEGIN CERTIFICATE"));
  v1::CreateEdgeResponse again;
  ASSERT_TRUE(edges_->CreateEdge(server_.Context(server_.root_key()).get(), request, &again).ok());
  EXPECT_EQ(again.join_file(), created.join_file());
  request.set_request_id("e2");
  EXPECT_EQ(
      edges_->CreateEdge(server_.Context(server_.root_key()).get(), request, &again).error_code(),
      StatusCode::ALREADY_EXISTS);
  request.set_edge_id("south");
  request.set_public_url("http://plain.example.net");
  EXPECT_EQ(
      edges_->CreateEdge(server_.Context(server_.root_key()).get(), request, &again).error_code(),
      StatusCode::INVALID_ARGUMENT);
  server_.StartEdge();
  v1::ListEdgesResponse list;
  ASSERT_TRUE(edges_->ListEdges(server_.Context(server_.root_key()).get(), {}, &list).ok());
  EXPECT_EQ(list.edges_size(), 2);
  v1::RevokeEdgeRequest revoke;
  revoke.set_name("edges/north");
  v1::RevokeEdgeResponse revoked;
  ASSERT_TRUE(edges_->RevokeEdge(server_.Context(server_.root_key()).get(), revoke, &revoked).ok());
  EXPECT_EQ(revoked.edge().state(), v1::EDGE_STATE_REVOKED);
  revoke.set_name("edges/nowhere");
  EXPECT_EQ(
      edges_->RevokeEdge(server_.Context(server_.root_key()).get(), revoke, &revoked).error_code(),
      StatusCode::NOT_FOUND);
}

TEST_F(AdministrationServiceTest, ASpreadIsPartOfTheLineAndShorterThanTheClaim) {
  server_.StartEdge();
  v1::CreateClaimRequest request;
  request.set_parent("organizations/default");
  request.mutable_spread()->set_seconds(1800);
  v1::CreateClaimResponse response;
  ASSERT_TRUE(
      claims_->CreateClaim(server_.Context(server_.root_key()).get(), request, &response).ok());
  EXPECT_THAT(response.bootstrap_line(), HasSubstr("joins within 30m"));
  EXPECT_LE(response.bootstrap_line().size(), 1000u);
  const auto code = [&](int64_t spread_seconds, int64_t ttl_seconds) {
    request.mutable_spread()->set_seconds(spread_seconds);
    request.mutable_ttl()->set_seconds(ttl_seconds);
    return claims_->CreateClaim(server_.Context(server_.root_key()).get(), request, &response)
        .error_code();
  };
  EXPECT_EQ(code(9, 0), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(code(7 * 3600, 86400), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(code(3600, 0), StatusCode::INVALID_ARGUMENT) << "a claim ends after an hour";
  EXPECT_EQ(code(1800, 1800), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(code(3600, 7200), StatusCode::OK);
}

TEST_F(AdministrationServiceTest, AClaimGivesALineThatNamesTheEdgeAndPinsTheRoot) {
  v1::CreateClaimRequest request;
  request.set_parent("organizations/default");
  v1::CreateClaimResponse response;
  EXPECT_EQ(claims_->CreateClaim(server_.Context(server_.root_key()).get(), request, &response)
                .error_code(),
            StatusCode::FAILED_PRECONDITION)
      << "no edge yet";
  server_.StartEdge();
  request.set_site("berlin");
  (*request.mutable_labels())["ring"] = "canary";
  request.set_request_id("c1");
  ASSERT_TRUE(
      claims_->CreateClaim(server_.Context(server_.root_key()).get(), request, &response).ok());
  EXPECT_LE(response.bootstrap_line().size(), 1000u);
  EXPECT_THAT(response.bootstrap_line(), HasSubstr("https://localhost:8443"));
  EXPECT_THAT(response.bootstrap_line(), Not(HasSubstr("\n")));
  EXPECT_EQ(response.claim().max_devices(), 1);
  EXPECT_EQ(response.claim().site(), "berlin");
  v1::CreateClaimResponse again;
  ASSERT_TRUE(
      claims_->CreateClaim(server_.Context(server_.root_key()).get(), request, &again).ok());
  EXPECT_EQ(again.bootstrap_line(), response.bootstrap_line());
  request.clear_request_id();
  request.set_allowed_source("not an address");
  EXPECT_EQ(
      claims_->CreateClaim(server_.Context(server_.root_key()).get(), request, &again).error_code(),
      StatusCode::INVALID_ARGUMENT);
  v1::DeleteClaimRequest removal;
  removal.set_name(response.claim().name());
  v1::DeleteClaimResponse removed;
  EXPECT_TRUE(
      claims_->DeleteClaim(server_.Context(server_.root_key()).get(), removal, &removed).ok());
  v1::ListClaimsRequest list;
  list.set_parent("organizations/default");
  v1::ListClaimsResponse listed;
  ASSERT_TRUE(claims_->ListClaims(server_.Context(server_.root_key()).get(), list, &listed).ok());
  EXPECT_EQ(listed.claims_size(), 0);
}

TEST_F(AdministrationServiceTest, EveryChangeIsAuditedAndAnOrganizationSeesItsOwn) {
  server_.MakeOrganization("acme");
  const std::string admin = server_.MakeKey("acme", v1::ROLE_ADMIN);
  v1::CreateApiKeyResponse key;
  ASSERT_TRUE(CreateKey(admin, "acme", v1::ROLE_VIEWER, &key, "audited").ok());
  const std::vector<v1::AuditEntry> own = Audit(admin, "organizations/acme");
  ASSERT_FALSE(own.empty());
  EXPECT_EQ(own[0].method(), "muster.v1.ApiKeyService/CreateApiKey");
  EXPECT_EQ(own[0].request_id(), "audited");
  EXPECT_EQ(own[0].organization(), "organizations/acme");
  EXPECT_EQ(own[0].chain_hash().size(), 32u);
  EXPECT_THAT(own[0].actor(), HasSubstr("apiKeys/"));
  for (const v1::AuditEntry& entry : own) EXPECT_EQ(entry.organization(), "organizations/acme");
  EXPECT_GT(Audit(server_.root_key(), "").size(), own.size());
  v1::ListAuditEntriesResponse response;
  EXPECT_EQ(audit_->ListAuditEntries(server_.Context(admin).get(), {}, &response).error_code(),
            StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace muster::server
