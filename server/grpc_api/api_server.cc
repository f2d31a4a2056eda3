// Builds the rules and services once and gives them to one gRPC server. Everything lives in one
// object whose members stand in the order of need: destruction in reverse order ends services
// before the rules that they call.
#include "server/grpc_api/api_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"
#include "server/access/authorizer.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/administration/cluster_nodes.h"
#include "server/administration/edge_registry.h"
#include "server/administration/key_ring.h"
#include "server/administration/organization_registry.h"
#include "server/administration/router_root_registry.h"
#include "server/claims/claim_book.h"
#include "server/devices/device_directory.h"
#include "server/devices/device_watch.h"
#include "server/grpc_api/agent_service.h"
#include "server/grpc_api/api_key_service.h"
#include "server/grpc_api/audit_service.h"
#include "server/grpc_api/claim_service.h"
#include "server/grpc_api/cluster_service.h"
#include "server/grpc_api/device_identity_service.h"
#include "server/grpc_api/device_service.h"
#include "server/grpc_api/edge_admin_service.h"
#include "server/grpc_api/job_service.h"
#include "server/grpc_api/organization_service.h"
#include "server/grpc_api/router_root_service.h"
#include "server/grpc_api/script_service.h"
#include "server/grpc_api/window_service.h"
#include "server/jobs/agent_rollout.h"
#include "server/jobs/job_board.h"
#include "server/jobs/job_watch.h"
#include "server/jobs/script_library.h"
#include "server/jobs/window_keeper.h"

namespace muster::server {
namespace {

// gRPC's synchronous server makes threads as calls come, without a limit of its own (grpcpp,
// ResourceQuota::SetMaxThreads). Above this one it answers ResourceExhausted. A handler may wait
// for the log (milliseconds), for a position (2 s) or for an edge (3 s); watches take no thread at
// all.
constexpr int kMostThreads = 256;

std::shared_ptr<grpc::ServerCredentials> Credentials(const Identity& identity) {
  // Clients prove themselves by their API key, call by call. A certificate is the way of edges, on
  // the other listener, so that neither can pass for the other.
  grpc::SslServerCredentialsOptions options(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  options.pem_key_cert_pairs.push_back(
      {std::string(identity.key_pem.Reveal()), identity.chain_pem});
  return grpc::SslServerCredentials(options);
}

// Watches may be quiet for long: clients may ask every 2 s whether the server is there, and one
// that has vanished is noticed within a minute.
void SetKeepalive(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 2'000);
}

// The rules and services in the order in which they need each other.
class GrpcApiServer final : public ApiServer {
 public:
  GrpcApiServer(const ApiServerTerms& terms, State& state, CommandLog& log,
                const CertificateIssuer& issuer, const Secret& master_key, const Clock& clock)
      : authorizer_(state),
        tokens_(master_key),
        watch_tokens_(tokens_, log),
        gate_(authorizer_, log, terms.observer),
        organizations_(state, log),
        keys_(state, log, authorizer_, master_key),
        edges_(state, log, issuer, master_key, clock, terms.control),
        roots_(state, log, master_key, clock, terms.on_router_root),
        nodes_(state, log, terms.ask_cluster, terms.forget_node),
        joining_(state, log, issuer, master_key, clock, terms.read_join_secrets),
        claims_(state, log, master_key),
        devices_(state, log),
        identity_(state, log, master_key, issuer),
        jobs_(state, log, devices_, master_key),
        device_watches_(state, authorizer_),
        library_(state, log, master_key),
        rollout_(state, jobs_, devices_),
        windows_(state, log, devices_),
        keeper_(windows_),
        job_watches_(state, jobs_, authorizer_),
        organization_service_(gate_, tokens_, organizations_),
        api_key_service_(gate_, tokens_, state, keys_),
        device_identity_service_(gate_, tokens_, identity_),
        device_service_(gate_, tokens_, watch_tokens_, devices_, device_watches_,
                        terms.ask_contacts),
        claim_service_(gate_, tokens_, claims_, devices_, edges_, issuer, state),
        job_service_(gate_, tokens_, watch_tokens_, jobs_, job_watches_),
        agent_service_(gate_, rollout_),
        window_service_(gate_, state, windows_),
        script_service_(gate_, tokens_, library_),
        secret_service_(gate_, tokens_, library_),
        edge_admin_service_(gate_, tokens_, state, edges_),
        router_root_service_(gate_, roots_),
        cluster_service_(gate_, nodes_, joining_),
        audit_service_(gate_, tokens_, state) {}

  ~GrpcApiServer() override { Stop(absl::ZeroDuration()); }

  absl::Status Listen(const ApiServerTerms& terms) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(terms.listen, Credentials(terms.identity), &port);
    // gRPC listens with SO_REUSEPORT where the kernel has it (GRPC_ARG_ALLOW_REUSEPORT, default
    // on).
    // Two programs must not share an address unnoticed.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    SetKeepalive(builder);
    // The largest requests are a job for 10,000 names of devices (700 kB) and an import of 2,000
    // rows, of up to 500 bytes each. What is larger gRPC refuses unread, with ResourceExhausted.
    builder.SetMaxReceiveMessageSize(1 << 20);
    builder.SetResourceQuota(grpc::ResourceQuota("api").SetMaxThreads(kMostThreads));
    for (grpc::Service* service : Services()) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    // Depending on why it failed, gRPC gives no server or leaves the port 0.
    if (server_ == nullptr || port == 0) {
      return absl::FailedPreconditionError(absl::StrCat(
          "can't listen on ", terms.listen,
          " for the API: the address is in use or not ours; choose another with --listen"));
    }
    // From the right: an IPv6 address has colons of its own.
    const size_t colon = terms.listen.rfind(':');
    address_ = absl::StrCat(terms.listen.substr(0, colon), ":", port);
    server_->GetHealthCheckService()->SetServingStatus(true);
    return absl::OkStatus();
  }

  std::string address() const override { return address_; }

  void ShowHealth(LogState state) override {
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    const bool writes = state == LogState::kServing;
    const bool reads = writes || state == LogState::kCatchingUp || state == LogState::kReadOnly ||
                       state == LogState::kStatesDiffer;
    health->SetServingStatus(reads);
    health->SetServingStatus("writes", writes);
  }

  void Stop(absl::Duration deadline) override {
    if (server_ == nullptr) return;
    // The order matters: load balancers turn away first; watches end with a farewell that names a
    // reason, while Shutdown would only cut them; then the keeper, which proposes to a log that is
    // going to stop; and the server last, when only short calls are left.
    server_->GetHealthCheckService()->SetServingStatus(false);
    device_watches_.Stop();
    job_watches_.Stop();
    keeper_.Stop();
    // gRPC wants wall-clock time for deadlines; the clock of the rules is not asked, since a test's
    // would stand still.
    server_->Shutdown(absl::ToChronoTime(absl::Now() + deadline));
    server_->Wait();
    server_.reset();
  }

 private:
  std::vector<grpc::Service*> Services() {
    return {&organization_service_, &api_key_service_,    &device_identity_service_,
            &device_service_,       &claim_service_,      &job_service_,
            &agent_service_,        &window_service_,     &script_service_,
            &secret_service_,       &edge_admin_service_, &audit_service_,
            &cluster_service_,      &router_root_service_};
  }

  // Rules first, then the services that hold references to them, and the server last, so that it is
  // gone before anything that it calls. The constructor's list follows this order.
  Authorizer authorizer_;
  PageTokens tokens_;
  WatchTokens watch_tokens_;
  Gate gate_;
  OrganizationRegistry organizations_;
  KeyRing keys_;
  EdgeRegistry edges_;
  RouterRootRegistry roots_;
  ClusterNodes nodes_;
  NodeJoining joining_;
  ClaimBook claims_;
  DeviceDirectory devices_;
  DeviceIdentity identity_;
  JobBoard jobs_;
  DeviceWatches device_watches_;
  ScriptLibrary library_;
  AgentRollout rollout_;
  WindowBook windows_;
  WindowKeeper keeper_;
  JobWatches job_watches_;
  OrganizationGrpcService organization_service_;
  ApiKeyGrpcService api_key_service_;
  DeviceIdentityGrpcService device_identity_service_;
  DeviceGrpcService device_service_;
  ClaimGrpcService claim_service_;
  JobGrpcService job_service_;
  AgentGrpcService agent_service_;
  WindowGrpcService window_service_;
  ScriptGrpcService script_service_;
  SecretGrpcService secret_service_;
  EdgeAdminGrpcService edge_admin_service_;
  RouterRootGrpcService router_root_service_;
  ClusterGrpcService cluster_service_;
  AuditGrpcService audit_service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Start(const ApiServerTerms& terms,
                                                            State& state, CommandLog& log,
                                                            const CertificateIssuer& issuer,
                                                            const Secret& master_key,
                                                            const Clock& clock) {
  // Process-wide switches of gRPC, to be set before a server is built; once, since tests start
  // many.
  static const bool plugins_ready = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(plugins_ready);
  auto server = std::make_unique<GrpcApiServer>(terms, state, log, issuer, master_key, clock);
  RETURN_IF_ERROR(server->Listen(terms));
  return std::unique_ptr<ApiServer>(std::move(server));
}

}  // namespace muster::server
