// How often the join file of a node opens, and for whom.
#include <grpcpp/grpcpp.h>

#include "server/administration/node_joining.h"
#include "server/nodes/node_client.h"
#include "server/pki/node_join_file.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using internal::v1::NodeJoinFile;
using testing::EdgeClient;
using testing::EdgeIdentity;
using testing::FromGrpc;

class NodeJoinServiceTest : public EdgeHarness {
 protected:
  // A token as ClusterService makes it, and its file without a sealed part.
  NodeJoinFile MakeFile(absl::Duration lifetime = absl::Hours(1)) {
    NodeJoinFile file;
    file.set_token_id(RandomId());
    file.set_token(RandomBytes(32));
    const Identity identity =
        *issuer().IssueNodeJoin(file.token_id(), clock_.Now() + absl::Hours(1));
    file.set_cluster_root_pem(installation().keys.cluster_root.pem);
    file.set_certificate_pem(identity.chain_pem);
    file.set_key_pem(std::string(identity.key_pem.Reveal()));
    Command command;
    internal::v1::CreateJoinToken& create = *command.mutable_create_join_token();
    create.set_token_id(file.token_id());
    create.set_token_hash(Hash256(file.token()));
    create.set_sealed_key(SealJoinKey(installation().master_key, file.token_id(), Key()));
    create.set_ttl_us(absl::ToInt64Microseconds(lifetime));
    EXPECT_TRUE(Propose(std::move(command)).ok());
    return file;
  }
  static Secret Key() { return Secret(std::string(32, 'k')); }

  static EdgeIdentity IdentityOf(const NodeJoinFile& file) {
    return {file.cluster_root_pem(), file.certificate_pem(), Secret(file.key_pem())};
  }

  absl::StatusOr<std::string> Redeem(const EdgeIdentity& identity, uint64_t token_id,
                                     const std::string& token, const std::string& nonce) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = identity.cluster_root_pem;
    tls.pem_cert_chain = identity.chain_pem;
    tls.pem_private_key = std::string(identity.key_pem.Reveal());
    const auto stub =
        node::v1::NodeService::NewStub(grpc::CreateChannel(address(), grpc::SslCredentials(tls)));
    node::v1::RedeemJoinTokenRequest request;
    request.set_token_id(token_id);
    request.set_token(token);
    request.set_nonce(nonce);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    node::v1::RedeemJoinTokenResponse response;
    const absl::Status status = FromGrpc(stub->RedeemJoinToken(&context, request, &response));
    if (!status.ok()) return status;
    return response.key();
  }
  absl::StatusOr<std::string> Redeem(const NodeJoinFile& file, const std::string& nonce) {
    return Redeem(IdentityOf(file), file.token_id(), file.token(), nonce);
  }

  const std::string nonce_ = std::string(16, 'n');
};

TEST_F(NodeJoinServiceTest, AFileOpensOnceAndForTheAttemptWhoseAnswerWasLost) {
  const NodeJoinFile file = MakeFile();
  const auto key = Redeem(file, nonce_);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(*key, Key().Reveal());
  const auto repeated = Redeem(file, nonce_);
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(*repeated, *key);
  EXPECT_EQ(Redeem(file, std::string(16, 'm')).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(state().FindJoinToken(file.token_id())->sealed_key, "");
}

TEST_F(NodeJoinServiceTest, AWrongTokenIsRefusedAndUsesNothingUp) {
  const NodeJoinFile file = MakeFile();
  const EdgeIdentity identity = IdentityOf(file);
  EXPECT_EQ(Redeem(identity, file.token_id(), std::string(32, 'x'), nonce_).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Redeem(identity, file.token_id(), "short", nonce_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Redeem(identity, file.token_id(), file.token(), "").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Redeem(file, nonce_).ok());
}

TEST_F(NodeJoinServiceTest, OneFilesCertificateDoesNotOpenAnother) {
  const NodeJoinFile file = MakeFile();
  const NodeJoinFile other = MakeFile();
  EXPECT_EQ(Redeem(IdentityOf(other), file.token_id(), file.token(), nonce_).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(Redeem(file, nonce_).ok());
}

TEST_F(NodeJoinServiceTest, AnEdgesCertificateIsRefusedHereAndANodesOnAnEdgesCall) {
  const NodeJoinFile file = MakeFile();
  const absl::Status refused =
      Redeem(JoinEdge("edge-one"), file.token_id(), file.token(), nonce_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(refused.message().find("join file"), std::string::npos) << refused;
  EdgeClient client(address(), IdentityOf(file));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  edge::v1::CheckClaimRequest request;
  edge::v1::CheckClaimResponse response;
  EXPECT_EQ(FromGrpc(client.stub().CheckClaim(&context, request, &response)).code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(NodeJoinServiceTest, AnUnknownAndAnExpiredTokenOpenNothing) {
  NodeJoinFile unknown = MakeFile();
  const Identity identity = *issuer().IssueNodeJoin(4711, clock_.Now() + absl::Hours(1));
  unknown.set_token_id(4711);
  unknown.set_certificate_pem(identity.chain_pem);
  unknown.set_key_pem(std::string(identity.key_pem.Reveal()));
  EXPECT_EQ(Redeem(unknown, nonce_).status().code(), absl::StatusCode::kNotFound);
  const NodeJoinFile expired = MakeFile(absl::Microseconds(1));
  Command tick;
  tick.mutable_tick()->set_time_us(absl::ToUnixMicros(absl::Now()) + 1'000'000);
  ASSERT_TRUE(Propose(tick).ok());
  EXPECT_EQ(Redeem(expired, nonce_).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(NodeJoinServiceTest, ARemovedNodeIsToldNothingMore) {
  NodeClient client(*issuer().IssueNode(5), installation().keys.cluster_root.pem);
  ASSERT_TRUE(client.Describe(address(), absl::Seconds(20)).ok());
  Command add;
  add.mutable_add_member()->set_node_id(6);
  add.mutable_add_member()->set_display_name("six");
  add.mutable_add_member()->set_public_key(std::string(32, '6'));
  ASSERT_TRUE(Propose(add).ok());
  Command remove;
  remove.mutable_remove_member()->set_node_id(5);
  remove.mutable_remove_member()->set_key_generation(1);
  internal::v1::SealedClusterKey& copy = *remove.mutable_remove_member()->add_sealed_keys();
  copy.set_node_id(6);
  copy.set_sealed("sealed");
  ASSERT_TRUE(Propose(remove).ok());
  EXPECT_EQ(client.Describe(address(), absl::Seconds(20)).status().code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace muster::server
