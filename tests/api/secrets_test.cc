// Secrets that the API hands out once lie nowhere in clear: not in the files of the state, not in
// what is logged, not in any later answer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/audit_service.grpc.pb.h"
#include "muster/v1/claim_service.grpc.pb.h"
#include "muster/v1/edge_admin_service.grpc.pb.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

// The 32 hex digits behind "Claim " in the line.
std::string ClaimOf(const std::string& line) {
  const size_t at = line.find("Claim ");
  return at == std::string::npos ? "" : line.substr(at + 6, 32);
}

// The longest line of base64 or the like that is not part of a certificate: the join token.
std::string TokenOf(const std::string& join_file) {
  std::istringstream lines(join_file);
  std::string line;
  while (std::getline(lines, line)) {
    if (absl::StrContains(line, "oken:")) return line.substr(line.rfind(' ') + 1);
  }
  return "";
}

TEST(SecretsTest, LieNowhereInClear) {
  testing::internal::CaptureStderr();
  std::map<std::string, std::string> places;
  std::map<std::string, std::string> secrets;
  {
    ApiTestServer server;
    const auto root = [&] { return server.Context(server.root_key()); };
    secrets["root key"] = server.root_key();
    secrets["master key"] = std::string(server.installation().master_key.Reveal());
    server.StartEdge();

    v1::CreateApiKeyRequest key_request;
    key_request.mutable_api_key()->set_organization("organizations/default");
    key_request.mutable_api_key()->set_role(v1::ROLE_VIEWER);
    key_request.set_request_id("kept");
    v1::CreateApiKeyResponse key;
    const auto keys = v1::ApiKeyService::NewStub(server.channel());
    ASSERT_TRUE(keys->CreateApiKey(root().get(), key_request, &key).ok());
    secrets["API key"] = key.key();

    v1::CreateClaimRequest claim_request;
    claim_request.set_parent("organizations/default");
    claim_request.set_request_id("kept");
    v1::CreateClaimResponse claim;
    const auto claims = v1::ClaimService::NewStub(server.channel());
    ASSERT_TRUE(claims->CreateClaim(root().get(), claim_request, &claim).ok());
    secrets["claim"] = ClaimOf(claim.bootstrap_line());
    secrets["claim bytes"] = absl::HexStringToBytes(secrets["claim"]);

    v1::CreateEdgeRequest edge_request;
    edge_request.set_edge_id("north");
    edge_request.set_request_id("kept");
    v1::CreateEdgeResponse edge;
    const auto edges = v1::EdgeAdminService::NewStub(server.channel());
    ASSERT_TRUE(edges->CreateEdge(root().get(), edge_request, &edge).ok());
    secrets["join token"] = TokenOf(edge.join_file());

    v1::ListApiKeysResponse key_list;
    ASSERT_TRUE(keys->ListApiKeys(root().get(), {}, &key_list).ok());
    places["ListApiKeys"] = key_list.SerializeAsString();
    v1::ListClaimsRequest list;
    list.set_parent("organizations/default");
    v1::ListClaimsResponse claim_list;
    ASSERT_TRUE(claims->ListClaims(root().get(), list, &claim_list).ok());
    places["ListClaims"] = claim_list.SerializeAsString();
    v1::ListEdgesResponse edge_list;
    ASSERT_TRUE(edges->ListEdges(root().get(), {}, &edge_list).ok());
    places["ListEdges"] = edge_list.SerializeAsString();
    v1::ListAuditEntriesResponse audit;
    const auto audits = v1::AuditService::NewStub(server.channel());
    ASSERT_TRUE(audits->ListAuditEntries(root().get(), {}, &audit).ok());
    places["ListAuditEntries"] = audit.SerializeAsString();
    // A failing call with a key in the wrong place.
    v1::RevokeApiKeyRequest revoke;
    revoke.set_name("apiKeys/" + key.key());
    v1::RevokeApiKeyResponse revoked;
    const grpc::Status status = keys->RevokeApiKey(root().get(), revoke, &revoked);
    EXPECT_FALSE(status.ok());
    places["an error"] = status.error_message() + status.error_details();

    for (const auto& file : std::filesystem::recursive_directory_iterator(server.data_dir())) {
      if (!file.is_regular_file()) continue;
      std::ostringstream content;
      content << std::ifstream(file.path(), std::ios::binary).rdbuf();
      places[file.path().string()] = content.str();
    }
  }
  places["log"] = testing::internal::GetCapturedStderr();
  for (const auto& [what, secret] : secrets) {
    ASSERT_GE(secret.size(), 16u) << what;
    for (const auto& [place, content] : places) {
      EXPECT_FALSE(absl::StrContains(content, secret)) << what << " in " << place;
    }
  }
}

}  // namespace
}  // namespace muster::server
