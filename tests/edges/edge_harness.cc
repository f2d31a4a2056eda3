#include "tests/edges/edge_harness.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "server/administration/node_joining.h"

namespace muster::server {

TestFolder::TestFolder() {
  std::string pattern = ::testing::TempDir() + "muster-XXXXXX";
  path_ = mkdtemp(pattern.data());
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void EdgeHarness::SetUp() {
  ASSERT_TRUE(InitializeCryptography().ok());
  Start();
}

void EdgeHarness::TearDown() { Stop(); }

void EdgeHarness::Start() {
  LocalNodeOptions options;
  options.data_dir = folder_.path() + "/data";
  absl::StatusOr<std::unique_ptr<LocalNode>> node = LocalNode::Open(options, clock_);
  ASSERT_TRUE(node.ok()) << node.status();
  node_ = *std::move(node);
  InstallationTerms terms;
  terms.data_dir = options.data_dir;
  terms.make_root_key = []() -> absl::StatusOr<internal::v1::CreateApiKey> {
    internal::v1::CreateApiKey key;
    key.set_api_key_id(RandomId());
    key.set_role(4);
    key.set_key_hash(Hash256("root"));
    return key;
  };
  auto installation = OpenInstallation(terms, node_->log(), node_->state(), clock_);
  ASSERT_TRUE(installation.ok()) << installation.status();
  installation_ = *std::move(installation);
  issuer_ = std::make_unique<CertificateIssuer>(installation_->keys, clock_);
  identity_ = *issuer_->IssueServer({});
  NodeRules rules;
  rules.cluster_id = installation_->keys.cluster_id;
  rules.describe = [this] {
    node::v1::DescribeNodeResponse description;
    description.set_node_id(kNodeId);
    description.set_log_index(node_->log().AppliedPosition().index);
    return description;
  };
  rules.ask_contacts = [](uint64_t device, absl::Duration) {
    node::v1::AskContactsResponse answer;
    answer.add_contacts()->set_reason("as of the edge");
    return device == kDeviceHere ? absl::StatusOr<node::v1::AskContactsResponse>(std::move(answer))
                                 : absl::NotFoundError("not here");
  };
  rules.is_removed = [this](uint64_t id) { return state().IsRemovedMember(id); };
  rules.redeem = [this](const PresentedToken& token, RedeemDone done) {
    RedeemJoinToken(state(), node_->log(), installation_->master_key,
                    {token.token_id, token.token, token.nonce}, std::move(done));
  };
  shelf_ = std::make_unique<SnapshotShelf>(
      SnapshotShelfTerms{.data_dir = options.data_dir,
                         .master_key_file = installation_->master_key_file,
                         .program_version = "test"},
      clock_);
  rules.open_snapshot = [this](absl::string_view id, const std::function<bool()>& wants_end) {
    return shelf_->Open(id, wants_end);
  };
  node_service_ = std::make_unique<NodeService>(std::move(rules));
  auto listener = EdgeListener::Start({"127.0.0.1:0", node_->log(), node_->state(), *installation_,
                                       *issuer_, identity_, clock_, node_service_.get()});
  ASSERT_TRUE(listener.ok()) << listener.status();
  listener_ = *std::move(listener);
  address_ = listener_->address();
}

void EdgeHarness::Stop() {
  if (listener_ != nullptr) listener_->Stop(absl::Seconds(2));
  listener_.reset();
  if (node_ != nullptr) node_->log().Stop();
  node_.reset();
}

void EdgeHarness::Restart() {
  Stop();
  Start();
}

absl::StatusOr<Applied> EdgeHarness::Propose(Command command) {
  command.mutable_actor()->set_principal("test");
  return node_->log().Propose(std::move(command));
}

std::string EdgeHarness::CreateEdge(const std::string& edge_id) {
  const JoinCredentials credentials =
      *MakeJoinCredentials(*issuer_, installation_->master_key, edge_id, "", clock_.Now());
  Command command;
  internal::v1::CreateEdge& create = *command.mutable_create_edge();
  create.set_edge_id(edge_id);
  create.set_join_token_hash(credentials.join_token_hash);
  create.set_join_ttl_us(absl::ToInt64Microseconds(kJoinTokenLifetime));
  create.set_sealed_check_key(credentials.sealed_check_key);
  EXPECT_TRUE(Propose(std::move(command)).ok());
  return std::string(credentials.join_file.Reveal());
}

testing::EdgeIdentity EdgeHarness::JoinEdge(const std::string& edge_id) {
  auto identity = testing::JoinByFile(address_, CreateEdge(edge_id), kUrl);
  EXPECT_TRUE(identity.ok()) << identity.status();
  return identity.ok() ? *std::move(identity) : testing::EdgeIdentity{};
}

void EdgeHarness::RevokeEdge(const std::string& edge_id) {
  Command command;
  command.mutable_revoke_edge()->set_edge_id(edge_id);
  EXPECT_TRUE(Propose(std::move(command)).ok());
}

OrganizationId EdgeHarness::DefaultOrganization() {
  return state().FindOrganizationBySlug("default")->id;
}

std::string EdgeHarness::CreateClaim(uint32_t max_devices, absl::Duration ttl) {
  std::string claim = RandomBytes(16);
  Command command;
  internal::v1::CreateClaim& create = *command.mutable_create_claim();
  create.set_claim_id(RandomId());
  create.set_organization_id(DefaultOrganization().value);
  create.set_claim_hash(Hash256(claim));
  create.set_max_devices(max_devices);
  create.set_ttl_us(absl::ToInt64Microseconds(ttl));
  EXPECT_TRUE(Propose(std::move(command)).ok());
  return claim;
}

absl::StatusOr<edge::v1::EnrollResponse> EdgeHarness::Enroll(testing::EdgeClient& client,
                                                             const std::string& claim,
                                                             const std::string& nonce,
                                                             const std::string& token) {
  edge::v1::EnrollRequest request;
  request.set_claim(claim);
  request.set_nonce(nonce);
  request.set_token(token);
  request.mutable_facts()->set_identity("router");
  request.mutable_facts()->set_routeros_version("7.20.8");
  request.set_source_address("\x7f\x01\x01\x01");
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  edge::v1::EnrollResponse response;
  RETURN_IF_ERROR(testing::FromGrpc(client.stub().Enroll(&context, request, &response)));
  return response;
}

edge::v1::CheckIn EdgeHarness::CheckInOf(const edge::v1::DeviceRecord& record) {
  edge::v1::CheckIn item;
  item.set_device_id(record.device_id());
  item.set_time_us(absl::ToUnixMicros(absl::Now()));
  item.set_secret_check(record.secret_check());
  item.set_interval_seconds(30);
  item.set_boot("boot-1");
  item.set_uptime_seconds(60);
  item.set_source_address("\x7f\x01\x01\x01");
  return item;
}

edge::v1::ConnectRequest EdgeHarness::BatchOf(uint64_t number,
                                              const std::vector<edge::v1::CheckIn>& items) {
  edge::v1::ConnectRequest request;
  request.mutable_batch()->set_lane(edge::v1::LANE_LIVE);
  request.mutable_batch()->set_number(number);
  for (const edge::v1::CheckIn& item : items) *request.mutable_batch()->add_check_ins() = item;
  return request;
}

}  // namespace muster::server
