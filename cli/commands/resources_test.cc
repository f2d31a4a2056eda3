// Organizations, keys, edges, claims, audit.
#include <gmock/gmock.h>

#include "cli/commands/command_test_support.h"
#include "cli/output/values.h"
#include "common/ids/ids.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile =
    "a\x1B[2J\x1B]0;owned\x07\xE2\x80\xAE"
    "b";

class ResourcesTest : public CommandTest {
 protected:
  absl::Time now() const { return clock_.Now(); }
};

TEST_F(ResourcesTest, OrganizationsAreListedOverAllPagesInEachFormat) {
  for (const char* format : {"table", "wide", "json", "yaml", "csv", "name"}) {
    muster::v1::ListOrganizationsResponse page;
    auto* organization = page.add_organizations();
    organization->set_name("organizations/acme");
    organization->set_display_name(kHostile);
    *organization->mutable_create_time() = ToTimestamp(now() - absl::Hours(3));
    page.set_next_page_token("more");
    fake_.Answer("ListOrganizations", page);
    page.mutable_organizations(0)->set_name("organizations/default");
    page.mutable_organizations(0)->set_display_name("Default");
    page.clear_next_page_token();
    fake_.Answer("ListOrganizations", page);
    const Ran ran = Run({"organization", "list", "-o", format});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, Not(HasSubstr("\x1B")));
    ExpectGolden(absl::StrCat("organization_list.", format), ran.out);
  }
  EXPECT_EQ(
      fake_.LastRequest<muster::v1::ListOrganizationsRequest>("ListOrganizations").page_token(),
      "more");
}

TEST_F(ResourcesTest, AnOrganizationsCodePageIsSetByItsName) {
  muster::v1::UpdateOrganizationResponse response;
  response.mutable_organization()->set_name("organizations/acme");
  response.mutable_organization()->set_fallback_code_page(muster::v1::CODE_PAGE_WINDOWS_1251);
  fake_.Answer("UpdateOrganization", response);
  const Ran ran = Run({"organization", "set", "acme", "--code-page", "Windows-1251", "-o", "wide"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("windows-1251"));
  const auto request =
      fake_.LastRequest<muster::v1::UpdateOrganizationRequest>("UpdateOrganization");
  EXPECT_EQ(request.organization().name(), "organizations/acme");
  EXPECT_EQ(request.organization().fallback_code_page(), muster::v1::CODE_PAGE_WINDOWS_1251);
  ASSERT_EQ(request.update_mask().paths_size(), 1);
  EXPECT_EQ(request.update_mask().paths(0), "fallback_code_page");
  const Ran unknown = Run({"organization", "set", "acme", "--code-page", "latin"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("koi8-r"));
  EXPECT_EQ(Run({"organization", "set", "acme"}).code, 2);
}

TEST_F(ResourcesTest, AKeyIsPrintedAloneAndItsFileProtected) {
  muster::v1::CreateApiKeyResponse response;
  response.set_key("mk1.fresh");
  response.mutable_api_key()->set_name("apiKeys/3f8k2m9x0c1va");
  response.mutable_api_key()->set_organization("organizations/acme");
  response.mutable_api_key()->set_role(muster::v1::ROLE_OPERATOR);
  fake_.Answer("CreateApiKey", response);
  const Ran ran = Run(
      {"key", "create", "ci", "--role", "operator", "--expires", "90d", "--organization", "acme"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "mk1.fresh\n");
  EXPECT_THAT(ran.err, Not(HasSubstr("fresh")));
  EXPECT_TRUE(out_was_protected_);
  const auto request = fake_.LastRequest<muster::v1::CreateApiKeyRequest>("CreateApiKey");
  EXPECT_EQ(request.api_key().organization(), "organizations/acme");
  EXPECT_EQ(request.api_key().role(), muster::v1::ROLE_OPERATOR);
  EXPECT_EQ(request.api_key().display_name(), "ci");
  EXPECT_EQ(ToTime(request.api_key().expire_time()), now() + absl::Hours(24 * 90));
  EXPECT_NE(request.request_id(), "");
}

TEST_F(ResourcesTest, APlatformKeyHasNoOrganization) {
  fake_.Answer("CreateApiKey", muster::v1::CreateApiKeyResponse());
  EXPECT_EQ(Run({"key", "create", "--role", "platform"}).code, 0);
  EXPECT_EQ(
      fake_.LastRequest<muster::v1::CreateApiKeyRequest>("CreateApiKey").api_key().organization(),
      "");
}

TEST_F(ResourcesTest, KeysShowWhetherTheyAreGood) {
  muster::v1::ListApiKeysResponse response;
  for (const char* id : {"1", "2", "3"}) {
    auto* key = response.add_api_keys();
    key->set_name(absl::StrCat("apiKeys/", FormatId(std::stoull(id))));
    key->set_role(muster::v1::ROLE_VIEWER);
    key->set_organization("organizations/default");
    *key->mutable_create_time() = ToTimestamp(now() - absl::Hours(30));
  }
  *response.mutable_api_keys(1)->mutable_expire_time() = ToTimestamp(now() - absl::Hours(1));
  *response.mutable_api_keys(2)->mutable_revoke_time() = ToTimestamp(now() - absl::Minutes(1));
  fake_.Answer("ListApiKeys", response);
  ExpectGolden("key_list.table", Run({"key", "list"}).out);
  EXPECT_EQ(fake_.LastRequest<muster::v1::ListApiKeysRequest>("ListApiKeys").organization(),
            "organizations/default");
  fake_.Answer("ListApiKeys", response);
  EXPECT_EQ(Run({"key", "list", "--all-organizations"}).code, 0);
  EXPECT_EQ(fake_.LastRequest<muster::v1::ListApiKeysRequest>("ListApiKeys").organization(), "");
}

TEST_F(ResourcesTest, AKeyIsRevokedByIdOrFullName) {
  for (const char* name : {"3f8k2m9x0c1va", "apiKeys/3f8k2m9x0c1va"}) {
    fake_.Answer("RevokeApiKey", muster::v1::RevokeApiKeyResponse());
    EXPECT_EQ(Run({"key", "revoke", name}).code, 0);
    EXPECT_EQ(fake_.LastRequest<muster::v1::RevokeApiKeyRequest>("RevokeApiKey").name(),
              "apiKeys/3f8k2m9x0c1va");
  }
}

TEST_F(ResourcesTest, EdgeCreatePrintsTheJoinFileAlone) {
  muster::v1::CreateEdgeResponse response;
  response.set_join_file("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n");
  fake_.Answer("CreateEdge", response);
  const Ran ran = Run({"edge", "create", "edge-1", "--url", "https://edge.example.net"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, response.join_file());
  EXPECT_TRUE(out_was_protected_);
  const auto request = fake_.LastRequest<muster::v1::CreateEdgeRequest>("CreateEdge");
  EXPECT_EQ(request.edge_id(), "edge-1");
  EXPECT_EQ(request.public_url(), "https://edge.example.net");
}

muster::v1::ListEdgesResponse TwoEdges(absl::Time now) {
  muster::v1::ListEdgesResponse response;
  auto* edge = response.add_edges();
  edge->set_name("edges/edge-1");
  edge->set_state(muster::v1::EDGE_STATE_CONNECTED);
  edge->set_public_url("https://edge.example.net");
  edge->set_version("0.1.0");
  edge->set_device_count(25);
  *edge->mutable_last_watermark_time() = ToTimestamp(now - absl::Seconds(1));
  edge = response.add_edges();
  edge->set_name("edges/edge-2");
  edge->set_state(muster::v1::EDGE_STATE_PENDING);
  return response;
}

TEST_F(ResourcesTest, EdgesAreListed) {
  fake_.Answer("ListEdges", TwoEdges(now()));
  ExpectGolden("edge_list.table", Run({"edge", "list"}).out);
}

TEST_F(ResourcesTest, RevokingAnEdgeThatManyUseWantsYes) {
  fake_.Answer("ListEdges", TwoEdges(now()));
  const Ran refused = Run({"edge", "revoke", "edge-1"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("25 devices"));
  EXPECT_EQ(fake_.RequestCount("RevokeEdge"), 0u);
  fake_.Answer("ListEdges", TwoEdges(now()));
  fake_.Answer("RevokeEdge", muster::v1::RevokeEdgeResponse());
  EXPECT_EQ(Run({"edge", "revoke", "edge-1", "--yes"}).code, 0);
  fake_.Answer("ListEdges", TwoEdges(now()));
  fake_.Answer("RevokeEdge", muster::v1::RevokeEdgeResponse());
  EXPECT_EQ(Run({"edge", "revoke", "edges/edge-2"}).code, 0);
}

TEST_F(ResourcesTest, ClaimCreatePrintsTheLineAlone) {
  muster::v1::CreateClaimResponse response;
  response.set_bootstrap_line(":do {/tool fetch} on-error={:put \"x\"}");
  response.mutable_claim()->set_name("organizations/default/claims/3f8k2m9x0c1va");
  response.mutable_claim()->set_max_devices(25);
  *response.mutable_claim()->mutable_expire_time() = ToTimestamp(now() + absl::Hours(24));
  fake_.Answer("CreateClaim", response);
  const Ran ran = Run({"claim", "create", "--site", "riga", "--label", "role=branch", "--label",
                       "x=", "--max-devices", "25", "--ttl", "24h", "--from", "203.0.113.0/24",
                       "--edge", "edge-1", "--spread", "30m"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("returns at once"));
  EXPECT_EQ(ran.out, response.bootstrap_line() + "\n");
  EXPECT_THAT(ran.err, HasSubstr("not yet tried on hardware"));
  EXPECT_TRUE(out_was_protected_);
  const auto request = fake_.LastRequest<muster::v1::CreateClaimRequest>("CreateClaim");
  EXPECT_EQ(request.parent(), "organizations/default");
  EXPECT_EQ(request.site(), "riga");
  EXPECT_EQ(request.labels().at("role"), "branch");
  EXPECT_EQ(request.labels().at("x"), "");
  EXPECT_EQ(request.max_devices(), 25);
  EXPECT_EQ(request.ttl().seconds(), 86400);
  EXPECT_EQ(request.spread().seconds(), 1800);
  EXPECT_EQ(request.allowed_source(), "203.0.113.0/24");
  EXPECT_EQ(request.edge(), "edges/edge-1");
}

TEST_F(ResourcesTest, ClaimsAreListedAndDeleted) {
  muster::v1::ListClaimsResponse response;
  auto* claim = response.add_claims();
  claim->set_name("organizations/default/claims/3f8k2m9x0c1va");
  claim->set_max_devices(25);
  claim->set_used_devices(3);
  claim->set_site("riga");
  (*claim->mutable_labels())["b"] = "2";
  (*claim->mutable_labels())["a"] = "1";
  *claim->mutable_expire_time() = ToTimestamp(now() + absl::Hours(5));
  fake_.Answer("ListClaims", response);
  ExpectGolden("claim_list.table", Run({"claim", "list"}).out);
  fake_.Answer("DeleteClaim", muster::v1::DeleteClaimResponse());
  const Ran ran = Run({"claim", "delete", "3f8k2m9x0c1va"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(fake_.LastRequest<muster::v1::DeleteClaimRequest>("DeleteClaim").name(),
            "organizations/default/claims/3f8k2m9x0c1va");
}

TEST_F(ResourcesTest, AuditStopsAtTheLimitAndSaysSo) {
  muster::v1::ListAuditEntriesResponse response;
  auto* entry = response.add_entries();
  *entry->mutable_time() = ToTimestamp(now() - absl::Minutes(4));
  entry->set_actor("apiKeys/3f8k2m9x0c1va");
  entry->set_method("muster.v1.DeviceService/DeleteDevice");
  entry->set_resource("organizations/default/devices/3f8k2m9x0c1va");
  entry->set_summary(kHostile);
  entry->set_chain_hash("\x01\xFF");
  response.set_next_page_token("more");
  fake_.Answer("ListAuditEntries", response);
  const Ran ran = Run({"audit", "list", "--limit", "1"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1B")));
  EXPECT_THAT(ran.err, HasSubstr("--limit 0"));
  ExpectGolden("audit_list.table", ran.out);
  response.clear_next_page_token();
  fake_.Answer("ListAuditEntries", response);
  ExpectGolden("audit_list.csv", Run({"audit", "list", "-o", "csv"}).out);
}

}  // namespace
}  // namespace muster::cli
