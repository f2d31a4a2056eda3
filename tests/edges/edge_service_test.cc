// Who may call what over the edge listener.
#include <grpcpp/grpcpp.h>

#include <map>

#include "common/join_file/join_file.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using testing::EdgeClient;
using testing::EdgeIdentity;
using testing::FromGrpc;

class EdgeServiceTest : public EdgeHarness {
 protected:
  static absl::Status CheckClaim(EdgeClient& client) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    edge::v1::CheckClaimRequest request;
    request.set_claim(std::string(16, 'x'));
    request.set_source_address("\x7f\x01\x01\x01");
    edge::v1::CheckClaimResponse response;
    return FromGrpc(client.stub().CheckClaim(&context, request, &response));
  }

  static absl::Status Renew(EdgeClient& client, edge::v1::RenewResponse* response) {
    const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
    const std::string request_der = *MakeCertificateRequest(key, "edge");
    edge::v1::RenewRequest request;
    request.mutable_requests()->set_client(request_der);
    request.mutable_requests()->set_router_ecdsa(request_der);
    request.mutable_requests()->set_router_rsa(request_der);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    return FromGrpc(client.stub().Renew(&context, request, response));
  }

  // A certificate for `peer` under the root of `keys`, which ends at `not_after`.
  static EdgeIdentity Forge(const ClusterKeys& keys, const std::string& trusted_root,
                            const Peer& peer, absl::Time not_after) {
    const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
    CertificateTerms terms;
    terms.common_name = peer.edge_id;
    terms.uris = {SpiffeUri(keys.cluster_id, peer)};
    terms.not_before = absl::Now() - absl::Hours(24 * 60);
    terms.not_after = not_after;
    terms.for_client = true;
    return {trusted_root,
            *SignRequest(*MakeCertificateRequest(key, "x"), keys.cluster_root.key,
                         keys.cluster_root.pem, terms),
            *key.ToPem()};
  }
};

TEST_F(EdgeServiceTest, EdgeJoinsByItsFileAndMayThenCall) {
  EdgeClient client(address(), JoinEdge("edge-one"));
  EXPECT_TRUE(CheckClaim(client).ok()) << CheckClaim(client);
  const std::optional<Edge> edge = state().FindEdge("edge-one");
  ASSERT_TRUE(edge.has_value());
  EXPECT_EQ(edge->public_url, kUrl);
  EXPECT_NE(edge->join_time_us, 0);
  edge::v1::RenewResponse renewed;
  EXPECT_TRUE(Renew(client, &renewed).ok());
  EXPECT_EQ(ReadCertificate(renewed.certificates().client())->uris[0],
            SpiffeUri(installation().keys.cluster_id, {PeerRole::kEdge, "edge-one"}));
}

TEST_F(EdgeServiceTest, JoinFileWorksOnce) {
  const std::string file = CreateEdge("edge-one");
  EXPECT_TRUE(testing::JoinByFile(address(), file, kUrl).ok());
  const absl::Status again = testing::JoinByFile(address(), file, kUrl).status();
  EXPECT_EQ(again.code(), absl::StatusCode::kFailedPrecondition) << again;
}

TEST_F(EdgeServiceTest, JoinWithAWrongTokenIsRefusedAndUsesNothingUp) {
  const std::string file = CreateEdge("edge-one");
  const JoinFile other = *ParseJoinFile(CreateEdge("edge-two"));
  JoinFile mixed = *ParseJoinFile(file);
  mixed.token = other.token;
  const absl::Status refused =
      testing::JoinByFile(address(), FormatJoinFile(mixed).Reveal(), kUrl).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
  EXPECT_TRUE(testing::JoinByFile(address(), file, kUrl).ok());
}

TEST_F(EdgeServiceTest, JoinWithAnUnusableUrlIsRefusedAndUsesNothingUp) {
  const std::string file = CreateEdge("edge-one");
  EXPECT_EQ(testing::JoinByFile(address(), file, "http://edge").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(testing::JoinByFile(address(), file, kUrl).ok());
}

TEST_F(EdgeServiceTest, CertificateOfAJoinFileMayOnlyJoin) {
  EdgeClient client(address(), *testing::IdentityOfJoinFile(CreateEdge("edge-one")));
  EXPECT_EQ(CheckClaim(client).code(), absl::StatusCode::kPermissionDenied);
  edge::v1::RenewResponse renewed;
  EXPECT_EQ(Renew(client, &renewed).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Enroll(client, std::string(16, 'c'), "12345678").status().code(),
            absl::StatusCode::kPermissionDenied);
  const auto stream = client.Connect();
  EXPECT_EQ(stream->WaitForEnd().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(EdgeServiceTest, CertificateOfAnEdgeMayNotJoin) {
  EdgeClient client(address(), JoinEdge("edge-one"));
  grpc::ClientContext context;
  edge::v1::JoinRequest request;
  edge::v1::JoinResponse response;
  EXPECT_EQ(FromGrpc(client.stub().Join(&context, request, &response)).code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(EdgeServiceTest, EveryMethodTakesExactlyTheRoleOfItsRow) {
  const std::map<std::string, PeerRole> rows = {
      {"Join", PeerRole::kJoin},   {"Renew", PeerRole::kEdge},   {"CheckClaim", PeerRole::kEdge},
      {"Enroll", PeerRole::kEdge}, {"Connect", PeerRole::kEdge},
  };
  EdgeClient edge(address(), JoinEdge("edge-one"));
  EdgeClient join(address(), *testing::IdentityOfJoinFile(CreateEdge("edge-two")));
  const google::protobuf::ServiceDescriptor* service =
      edge::v1::JoinRequest::descriptor()->file()->FindServiceByName("EdgeService");
  ASSERT_NE(service, nullptr);
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string name = service->method(i)->name();
    ASSERT_TRUE(rows.contains(name)) << name << " needs a row here";
    const std::string path = "/" + service->full_name() + "/" + name;
    const bool for_edges = rows.at(name) == PeerRole::kEdge;
    EXPECT_EQ(absl::IsPermissionDenied(edge.CallEmpty(path)), !for_edges) << name;
    EXPECT_EQ(absl::IsPermissionDenied(join.CallEmpty(path)), for_edges) << name;
  }
}

TEST_F(EdgeServiceTest, RevokedEdgeIsRefusedEverywhereAndItsStreamEnds) {
  EdgeClient client(address(), JoinEdge("edge-one"));
  const auto stream = client.Connect();
  ASSERT_TRUE(stream->Hello("edge-one", std::string(16, 's')).ok());
  RevokeEdge("edge-one");
  EXPECT_EQ(stream->WaitForEnd().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CheckClaim(client).code(), absl::StatusCode::kPermissionDenied);
  edge::v1::RenewResponse renewed;
  EXPECT_EQ(Renew(client, &renewed).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(client.Connect()->WaitForEnd().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(EdgeServiceTest, RevokedJoinFileIsRefused) {
  const std::string file = CreateEdge("edge-one");
  RevokeEdge("edge-one");
  EXPECT_EQ(testing::JoinByFile(address(), file, kUrl).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(EdgeServiceTest, ExpiredCertificateDoesNotGetThroughTheHandshake) {
  JoinEdge("edge-one");
  EdgeClient client(address(), Forge(installation().keys, installation().keys.cluster_root.pem,
                                     {PeerRole::kEdge, "edge-one"}, absl::Now() - absl::Hours(1)));
  EXPECT_EQ(CheckClaim(client).code(), absl::StatusCode::kUnavailable);
}

TEST_F(EdgeServiceTest, CertificateOfAnotherInstallationDoesNotGetThroughTheHandshake) {
  JoinEdge("edge-one");
  ClusterKeys foreign = *GenerateClusterKeys(absl::Now());
  foreign.cluster_id = installation().keys.cluster_id;
  EdgeClient client(address(), Forge(foreign, installation().keys.cluster_root.pem,
                                     {PeerRole::kEdge, "edge-one"}, absl::Now() + absl::Hours(1)));
  EXPECT_EQ(CheckClaim(client).code(), absl::StatusCode::kUnavailable);
}

TEST_F(EdgeServiceTest, CertificateOfTheRouterRootDoesNotGetThroughTheHandshake) {
  JoinEdge("edge-one");
  ClusterKeys swapped = installation().keys;
  swapped.cluster_root = swapped.router_root;
  EdgeClient client(address(), Forge(swapped, installation().keys.cluster_root.pem,
                                     {PeerRole::kEdge, "edge-one"}, absl::Now() + absl::Hours(1)));
  EXPECT_EQ(CheckClaim(client).code(), absl::StatusCode::kUnavailable);
}

TEST_F(EdgeServiceTest, WithoutACertificateTheHandshakeFails) {
  EdgeClient client(address(), {installation().keys.cluster_root.pem, "", Secret()});
  EXPECT_EQ(CheckClaim(client).code(), absl::StatusCode::kUnavailable);
}

TEST_F(EdgeServiceTest, RightCertificateOfAnUnknownOrUnjoinedEdgeIsRefused) {
  CreateEdge("edge-one");
  for (const std::string edge_id : {"edge-one", "edge-nine"}) {
    EdgeClient client(address(), Forge(installation().keys, installation().keys.cluster_root.pem,
                                       {PeerRole::kEdge, edge_id}, absl::Now() + absl::Hours(1)));
    EXPECT_FALSE(CheckClaim(client).ok()) << edge_id;
  }
}

TEST_F(EdgeServiceTest, KeysAndEdgesOutliveARestart) {
  const EdgeIdentity identity = JoinEdge("edge-one");
  const std::string root = installation().keys.router_root.pem;
  Restart();
  EXPECT_EQ(installation().keys.router_root.pem, root);
  EXPECT_FALSE(installation().first_start);
  EdgeClient client(address(), identity);
  EXPECT_TRUE(CheckClaim(client).ok());
}

}  // namespace
}  // namespace muster::server
