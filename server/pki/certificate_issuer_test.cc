#include "server/pki/certificate_issuer.h"

#include "common/join_file/join_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/pki/join_credentials.h"

namespace muster::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'750'000'000);

class CertificateIssuerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeCryptography().ok()); }

  CertificateIssuerTest()
      : clock_(kNow), keys_(*GenerateClusterKeys(kNow)), issuer_(keys_, clock_) {}

  absl::StatusOr<EdgeCertificates> IssueEdge(absl::string_view url) {
    client_request_ = *MakeCertificateRequest(client_key_, "x");
    ecdsa_request_ = *MakeCertificateRequest(ecdsa_key_, "x");
    rsa_request_ = *MakeCertificateRequest(rsa_key_, "x");
    return issuer_.IssueEdge("edge-one", url, {client_request_, ecdsa_request_, rsa_request_});
  }

  FakeClock clock_;
  const ClusterKeys keys_;
  const CertificateIssuer issuer_;
  const PrivateKey client_key_ = *PrivateKey::GenerateEcdsaP256();
  const PrivateKey ecdsa_key_ = *PrivateKey::GenerateEcdsaP256();
  const PrivateKey rsa_key_ = *PrivateKey::GenerateRsa2048();
  std::string client_request_, ecdsa_request_, rsa_request_;
};

TEST_F(CertificateIssuerTest, ServerLeafNamesLoopbackAndWhatIsAdvertised) {
  const absl::StatusOr<Identity> server =
      issuer_.IssueServer({"control.example.net", "192.0.2.1", "localhost"});
  ASSERT_TRUE(server.ok()) << server.status();
  const CertificateFacts facts = *ReadCertificate(server->chain_pem);
  EXPECT_THAT(facts.dns_names,
              ElementsAre("localhost", "any-node.muster.internal", "control.example.net"));
  EXPECT_THAT(facts.ip_addresses, ElementsAre("127.0.0.1", "::1", "192.0.2.1"));
  EXPECT_TRUE(CheckChain(server->chain_pem, *PrivateKey::FromPem(server->key_pem),
                         keys_.cluster_root.pem, kNow)
                  .ok());
  EXPECT_FALSE(issuer_.IssueServer({"not a name"}).ok());
}

TEST_F(CertificateIssuerTest, EdgeGetsAClientLeafOfTheClusterAndTwoLeavesOfTheRouterRoot) {
  const absl::StatusOr<EdgeCertificates> edge = IssueEdge("https://edge.example.net:8443");
  ASSERT_TRUE(edge.ok()) << edge.status();
  EXPECT_TRUE(CheckChain(edge->client, client_key_, keys_.cluster_root.pem, kNow).ok());
  EXPECT_THAT(ReadCertificate(edge->client)->uris,
              ElementsAre(SpiffeUri(keys_.cluster_id, {PeerRole::kEdge, "edge-one"})));
  EXPECT_TRUE(CheckChain(edge->router_ecdsa, ecdsa_key_, keys_.router_root.pem, kNow).ok());
  EXPECT_TRUE(CheckChain(edge->router_rsa, rsa_key_, keys_.router_root.pem, kNow).ok());
  EXPECT_THAT(ReadCertificate(edge->router_ecdsa)->dns_names, ElementsAre("edge.example.net"));
  EXPECT_THAT(ReadCertificate(edge->router_ecdsa)->uris, IsEmpty());
}

TEST_F(CertificateIssuerTest, RouterFacingLeavesHoldOnABoardWhoseClockStandsAt1970) {
  const EdgeCertificates edge = *IssueEdge("https://192.0.2.9");
  const absl::Time boot = absl::UnixEpoch() + absl::Seconds(30);
  EXPECT_TRUE(CheckChain(edge.router_ecdsa, ecdsa_key_, keys_.router_root.pem, boot).ok());
  EXPECT_TRUE(CheckChain(edge.router_rsa, rsa_key_, keys_.router_root.pem, boot).ok());
  EXPECT_EQ(ReadCertificate(keys_.router_root.pem)->not_before, absl::UnixEpoch());
  EXPECT_THAT(ReadCertificate(edge.router_rsa)->ip_addresses, ElementsAre("192.0.2.9"));
}

TEST_F(CertificateIssuerTest, HostLongerThanACommonNameStandsInTheAlternativeNames) {
  const std::string host = std::string(60, 'a') + "." + std::string(60, 'b') + ".example.net";
  const absl::StatusOr<EdgeCertificates> edge = IssueEdge("https://" + host);
  ASSERT_TRUE(edge.ok()) << edge.status();
  EXPECT_THAT(ReadCertificate(edge->router_ecdsa)->dns_names, ElementsAre(host));
}

TEST_F(CertificateIssuerTest, JoinFileCarriesWhatJoinNeeds) {
  const Secret master = RandomSecret(32);
  const absl::StatusOr<JoinCredentials> credentials =
      MakeJoinCredentials(issuer_, master, "edge-one", "control:7451", kNow);
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  const absl::StatusOr<JoinFile> file = ParseJoinFile(credentials->join_file.Reveal());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->edge_id, "edge-one");
  EXPECT_EQ(file->cluster, ClusterText(keys_.cluster_id));
  EXPECT_EQ(HashJoinToken(file->token.Reveal()), credentials->join_token_hash);
  EXPECT_TRUE(CheckChain(file->certificate_pem, *PrivateKey::FromPem(file->private_key_pem),
                         file->cluster_root_pem, kNow)
                  .ok());
  EXPECT_FALSE(CheckChain(file->certificate_pem, *PrivateKey::FromPem(file->private_key_pem),
                          file->cluster_root_pem, kNow + absl::Minutes(61))
                   .ok());
  EXPECT_THAT(ReadCertificate(file->certificate_pem)->uris,
              Contains(SpiffeUri(keys_.cluster_id, {PeerRole::kJoin, "edge-one"})));
  EXPECT_EQ(OpenCheckKey(master, "edge-one", credentials->sealed_check_key)->size(), 32u);
  EXPECT_FALSE(OpenCheckKey(master, "edge-two", credentials->sealed_check_key).ok());
}

}  // namespace
}  // namespace muster::server
