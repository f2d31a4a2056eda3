#include "tests/api/api_test_server.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/sync/mutex.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/organization_service.grpc.pb.h"
#include "server/access/api_key_text.h"

namespace muster::server {
namespace {

constexpr char kEdge[] = "west";
constexpr uint32_t kResults = 1;
constexpr uint32_t kLive = 2;

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    abort();
  }
  return *std::move(value);
}

}  // namespace

uint64_t IdOfName(absl::string_view name) {
  return ParseId(name.substr(name.rfind('/') + 1)).value_or(0);
}

ApiTestServer::ApiTestServer() {
  EXPECT_TRUE(InitializeCryptography().ok());
  std::string pattern = testing::TempDir() + "/api_test_XXXXXX";
  folder_ = mkdtemp(pattern.data());
  data_dir_ = folder_ + "/control";
  LocalNodeOptions options;
  options.data_dir = data_dir_;
  node_ = Must(LocalNode::Open(options, clock_));
  InstallationTerms terms;
  terms.data_dir = data_dir_;
  terms.make_root_key = [this]() -> absl::StatusOr<internal::v1::CreateApiKey> {
    const NewApiKey key = MakeApiKey();
    root_key_ = std::string(key.text.Reveal());
    internal::v1::CreateApiKey create;
    create.set_api_key_id(key.id.value);
    create.set_role(4);
    create.set_key_hash(key.hash);
    return create;
  };
  installation_ = Must(OpenInstallation(terms, node_->log(), node_->state(), clock_));
  issuer_ = std::make_unique<CertificateIssuer>(installation_->keys, clock_);
  identity_ = Must(issuer_->IssueServer({}));
  StartApi({}, {});
}

void ApiTestServer::ShowNodes(ClusterAsker ask, ReportForgetter forget) {
  StopApi();
  StartApi(std::move(ask), std::move(forget));
}

void ApiTestServer::StartApi(ClusterAsker ask, ReportForgetter forget) {
  ApiServerTerms api_terms;
  api_terms.listen = "127.0.0.1:0";
  api_terms.identity = identity_;
  api_terms.control = "127.0.0.1:1";
  api_terms.ask_cluster = std::move(ask);
  api_terms.forget_node = std::move(forget);
  api_ = Must(ApiServer::Start(api_terms, node_->state(), node_->log(), *issuer_,
                               installation_->master_key, clock_));
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = installation_->keys.cluster_root.pem;
  channel_ = grpc::CreateChannel(api_->address(), grpc::SslCredentials(tls));
}

ApiTestServer::~ApiTestServer() {
  channel_.reset();
  api_.reset();
  node_->log().Stop();
  node_.reset();
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

std::unique_ptr<grpc::ClientContext> ApiTestServer::Context(absl::string_view key) const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  if (!key.empty()) context->AddMetadata("authorization", absl::StrCat("Bearer ", key));
  return context;
}

std::string ApiTestServer::MakeKey(absl::string_view organization, v1::Role role) {
  v1::CreateApiKeyRequest request;
  if (!organization.empty()) {
    request.mutable_api_key()->set_organization(absl::StrCat("organizations/", organization));
  }
  request.mutable_api_key()->set_role(role);
  v1::CreateApiKeyResponse response;
  const grpc::Status status = v1::ApiKeyService::NewStub(channel_)->CreateApiKey(
      Context(root_key_).get(), request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.key();
}

void ApiTestServer::MakeOrganization(absl::string_view slug) {
  v1::CreateOrganizationRequest request;
  request.set_organization_id(std::string(slug));
  v1::CreateOrganizationResponse response;
  const grpc::Status status = v1::OrganizationService::NewStub(channel_)->CreateOrganization(
      Context(root_key_).get(), request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

internal::v1::Command ApiTestServer::EdgeCommand() const {
  internal::v1::Command command;
  command.mutable_actor()->set_principal(absl::StrCat("edges/", kEdge));
  command.set_method("muster.edge.v1.EdgeService/Connect");
  return command;
}

Result ApiTestServer::MustPropose(internal::v1::Command command) {
  return Must(log().Propose(std::move(command))).result;
}

void ApiTestServer::StartEdge() {
  if (edge_started_) return;
  edge_started_ = true;
  internal::v1::Command create = EdgeCommand();
  create.mutable_create_edge()->set_edge_id(kEdge);
  create.mutable_create_edge()->set_public_url("https://localhost:8443");
  create.mutable_create_edge()->set_join_token_hash(Hash256("token"));
  create.mutable_create_edge()->set_join_ttl_us(int64_t{3600} * 1000000);
  create.mutable_create_edge()->set_sealed_check_key("sealed");
  MustPropose(create);
  internal::v1::Command join = EdgeCommand();
  join.mutable_join_edge()->set_edge_id(kEdge);
  join.mutable_join_edge()->set_join_token_hash(Hash256("token"));
  join.mutable_join_edge()->set_public_url("https://localhost:8443");
  MustPropose(join);
  spool_id_ = RandomBytes(16);
  internal::v1::Command hello = EdgeCommand();
  hello.mutable_edge_session()->set_edge_id(kEdge);
  hello.mutable_edge_session()->set_spool_id(spool_id_);
  session_epoch_ = MustPropose(hello).edge_session().session_epoch();
}

std::string ApiTestServer::EnrollDevice(absl::string_view organization, absl::string_view identity,
                                        absl::string_view version, bool monitor_only) {
  StartEdge();
  const OrganizationId id = state().FindOrganizationBySlug(organization)->id;
  const std::string claim = RandomBytes(16);
  internal::v1::Command make = EdgeCommand();
  make.mutable_create_claim()->set_claim_id(RandomId());
  make.mutable_create_claim()->set_organization_id(id.value);
  make.mutable_create_claim()->set_claim_hash(Hash256(claim));
  make.mutable_create_claim()->set_max_devices(1);
  make.mutable_create_claim()->set_ttl_us(int64_t{3600} * 1000000);
  make.mutable_create_claim()->set_monitor_only(monitor_only);
  MustPropose(make);
  internal::v1::Command command = EdgeCommand();
  internal::v1::EnrollDevice* enroll = command.mutable_enroll_device();
  enroll->set_edge_id(kEdge);
  enroll->set_claim_hash(Hash256(claim));
  enroll->set_nonce_hash(Hash256("nonce"));
  enroll->set_proposed_device_id(RandomId());
  enroll->set_proposed_sealed_secret("sealed");
  enroll->mutable_facts()->set_identity(std::string(identity));
  enroll->mutable_facts()->set_routeros_version(std::string(version));
  enroll->mutable_facts()->set_board("RB5009");
  enroll->mutable_facts()->set_format_hex(true);
  enroll->set_source_address(std::string("\x7f\x00\x00\x01", 4));
  const Result result = MustPropose(command);
  return absl::StrCat("organizations/", organization, "/devices/",
                      FormatId(result.enroll().device_id()));
}

void ApiTestServer::SendBatch(internal::v1::EdgeBatch batch, uint32_t lane) {
  batch.set_edge_id(kEdge);
  batch.set_spool_id(spool_id_);
  batch.set_session_epoch(session_epoch_);
  batch.set_lane(lane);
  batch.set_number(++batch_numbers_[lane]);
  internal::v1::Command command = EdgeCommand();
  *command.mutable_edge_batch() = std::move(batch);
  const Result result = MustPropose(command);
  EXPECT_EQ(result.edge_batch().outcome(), internal::v1::BATCH_OUTCOME_TAKEN);
}

void ApiTestServer::CheckIn(const std::string& device, uint32_t cpu) {
  StartEdge();
  internal::v1::EdgeBatch batch;
  batch.set_base_time_us(NowUs());
  internal::v1::CheckIn* check_in = batch.add_check_ins();
  check_in->set_device_id(IdOfName(device));
  check_in->set_interval_seconds(30);
  check_in->set_boot("boot");
  check_in->set_uptime_seconds(1000);
  check_in->set_last_number(last_numbers_[device]);
  check_in->set_cpu_load_percent(cpu);
  check_in->set_memory_free_bytes(25);
  check_in->set_memory_total_bytes(100);
  check_in->set_source_address(std::string("\xcb\x00\x71\x07", 4));
  SendBatch(std::move(batch), kLive);
}

void ApiTestServer::RunJob(const std::string& device, bool ok, const std::string& output) {
  const DeviceId id{IdOfName(device)};
  std::optional<EdgeJob> job;
  ASSERT_TRUE(WaitForState([&] {
    job = state().FindEdgeJob(kEdge, id);
    return job.has_value();
  }));
  internal::v1::EdgeBatch sent;
  sent.set_base_time_us(NowUs());
  internal::v1::JobEvent* event = sent.add_job_events();
  event->set_device_id(id.value);
  event->set_number(job->number);
  event->set_kind(1);
  event->set_time_us(NowUs());
  event->set_times_sent(1);
  event->set_boot_at_first_send("boot");
  SendBatch(std::move(sent), kResults);
  internal::v1::EdgeBatch ended;
  ended.set_base_time_us(NowUs());
  internal::v1::JobResult* result = ended.add_job_results();
  result->set_device_id(id.value);
  result->set_number(job->number);
  result->set_status(ok ? 1 : 2);
  result->set_phase(ok ? "" : "run");
  result->set_output(output);
  result->set_time_us(NowUs());
  SendBatch(std::move(ended), kResults);
  last_numbers_[device] = job->number;
}

bool ApiTestServer::WaitForState(const std::function<bool()>& done) {
  Mutex mutex;
  ConditionVariable changed;
  uint64_t changes = 0;
  const std::unique_ptr<Subscription> subscription = state().Subscribe([&](const ChangeBatch&) {
    MutexLock lock(mutex);
    ++changes;
    changed.NotifyAll();
  });
  const absl::Duration deadline = clock_.Monotonic() + absl::Seconds(10);
  for (uint64_t seen = 0; !done();) {
    MutexLock lock(mutex);
    while (changes == seen && clock_.Monotonic() < deadline) {
      changed.WaitFor(mutex, deadline - clock_.Monotonic());
    }
    if (changes == seen) return false;
    seen = changes;
  }
  return true;
}

void ApiTestServer::Pass(absl::Duration time) {
  internal::v1::Command tick;
  tick.mutable_actor()->set_principal("musterd");
  tick.mutable_tick()->set_time_us(absl::ToUnixMicros(clock_.Now() + time));
  MustPropose(std::move(tick));
}

}  // namespace muster::server
