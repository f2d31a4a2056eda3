#include "cli/commands/fake_muster.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/x509/x509.h"

namespace muster::cli {
namespace {

using grpc::ServerContext;
using grpc::Status;

template <typename Request, typename Response>
Status Serve(FakeMuster* fake, const std::string& method, ServerContext* context,
             const Request* request, Response* response) {
  const FakeMuster::Answered answer = fake->Take(method, *context, request->SerializeAsString());
  if (answer.status.ok()) response->ParseFromString(answer.bytes);
  return answer.status;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  chmod(path.c_str(), 0600);
}

}  // namespace

// One method of a service, answered from the fake's queue.
#define MUSTER_FAKE_METHOD(Method)                                                  \
  Status Method(ServerContext* context, const muster::v1::Method##Request* request, \
                muster::v1::Method##Response* response) override {                  \
    return Serve(fake, #Method, context, request, response);                        \
  }

struct FakeMuster::Services {
  struct Organizations final : muster::v1::OrganizationService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(CreateOrganization)
    MUSTER_FAKE_METHOD(ListOrganizations)
    MUSTER_FAKE_METHOD(UpdateOrganization)
  } organizations;
  struct Keys final : muster::v1::ApiKeyService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(CreateApiKey)
    MUSTER_FAKE_METHOD(ListApiKeys)
    MUSTER_FAKE_METHOD(RevokeApiKey)
  } keys;
  struct Edges final : muster::v1::EdgeAdminService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(CreateEdge)
    MUSTER_FAKE_METHOD(ListEdges)
    MUSTER_FAKE_METHOD(RevokeEdge)
  } edges;
  struct Roots final : muster::v1::RouterRootService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(ListRouterRoots)
    MUSTER_FAKE_METHOD(CreateRouterRoot)
    MUSTER_FAKE_METHOD(ActivateRouterRoot)
    MUSTER_FAKE_METHOD(RetireRouterRoot)
  } roots;
  struct Cluster final : muster::v1::ClusterService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(GetClusterStatus)
    MUSTER_FAKE_METHOD(FinalizeUpgrade)
    MUSTER_FAKE_METHOD(RemoveNode)
    MUSTER_FAKE_METHOD(CreateJoinToken)
  } cluster;
  struct Claims final : muster::v1::ClaimService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(CreateClaim)
    MUSTER_FAKE_METHOD(ListClaims)
    MUSTER_FAKE_METHOD(DeleteClaim)
  } claims;
  struct Devices final : muster::v1::DeviceService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(GetDevice)
    MUSTER_FAKE_METHOD(ListDevices)
    MUSTER_FAKE_METHOD(UpdateDevice)
    MUSTER_FAKE_METHOD(DeleteDevice)
    MUSTER_FAKE_METHOD(DiagnoseDevice)
    MUSTER_FAKE_METHOD(ListDeviceEvents)
    MUSTER_FAKE_METHOD(RequestFastBeats)
    // Sends what is queued; a queued failure ends the stream.
    Status WatchDevices(ServerContext* context, const muster::v1::WatchDevicesRequest* request,
                        grpc::ServerWriter<muster::v1::WatchDevicesResponse>* writer) override {
      while (true) {
        const Answered answer = fake->Take("WatchDevices", *context, request->SerializeAsString());
        // An empty message ends it well.
        if (!answer.status.ok() || answer.bytes.empty()) return answer.status;
        muster::v1::WatchDevicesResponse response;
        response.ParseFromString(answer.bytes);
        writer->Write(response);
      }
    }
  } devices;
  struct Identity final : muster::v1::DeviceIdentityService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(AcceptDevice)
    MUSTER_FAKE_METHOD(AcceptDeviceIdentity)
    MUSTER_FAKE_METHOD(ResyncDevice)
    MUSTER_FAKE_METHOD(MoveDevice)
    MUSTER_FAKE_METHOD(ReleaseDevice)
    MUSTER_FAKE_METHOD(PreviewDevice)
    MUSTER_FAKE_METHOD(RotateDeviceToken)
    MUSTER_FAKE_METHOD(RevokeDeviceToken)
    MUSTER_FAKE_METHOD(SetDeviceProfile)
    MUSTER_FAKE_METHOD(SetDeviceUrls)
    MUSTER_FAKE_METHOD(ImportPreregistrations)
    MUSTER_FAKE_METHOD(ListPreregistrations)
    MUSTER_FAKE_METHOD(DeletePreregistration)
  } identity;
  struct Jobs final : muster::v1::JobService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(CreateJob)
    MUSTER_FAKE_METHOD(GetJob)
    MUSTER_FAKE_METHOD(ListJobs)
    MUSTER_FAKE_METHOD(ListJobTargets)
    MUSTER_FAKE_METHOD(CancelJob)
    MUSTER_FAKE_METHOD(RerunJob)
    MUSTER_FAKE_METHOD(ReleaseJobs)
    MUSTER_FAKE_METHOD(CancelDeviceJobs)
    // Sends what is queued; a queued failure ends the stream.
    Status WatchJob(ServerContext* context, const muster::v1::WatchJobRequest* request,
                    grpc::ServerWriter<muster::v1::WatchJobResponse>* writer) override {
      while (true) {
        const Answered answer = fake->Take("WatchJob", *context, request->SerializeAsString());
        if (!answer.status.ok()) return answer.status;
        muster::v1::WatchJobResponse response;
        response.ParseFromString(answer.bytes);
        writer->Write(response);
        if (response.job().has_end_time()) return Status::OK;
      }
    }
  } jobs;
  struct Agents final : muster::v1::AgentService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(ListAgents)
    MUSTER_FAKE_METHOD(UpgradeAgents)
  } agents;
  struct Windows final : muster::v1::WindowService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(SetWindow)
    MUSTER_FAKE_METHOD(ListWindows)
    MUSTER_FAKE_METHOD(DeleteWindow)
  } windows;
  struct Scripts final : muster::v1::ScriptService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(CreateScript)
    MUSTER_FAKE_METHOD(GetScript)
    MUSTER_FAKE_METHOD(ListScripts)
    MUSTER_FAKE_METHOD(UpdateScript)
    MUSTER_FAKE_METHOD(DeleteScript)
  } scripts;
  struct Secrets final : muster::v1::SecretService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(SetSecret)
    MUSTER_FAKE_METHOD(ListSecrets)
    MUSTER_FAKE_METHOD(DeleteSecret)
  } secrets;
  struct Audit final : muster::v1::AuditService::Service {
    FakeMuster* fake;
    MUSTER_FAKE_METHOD(ListAuditEntries)
    MUSTER_FAKE_METHOD(VerifyAudit)
  } audit;
};

#undef MUSTER_FAKE_METHOD

FakeMuster::FakeMuster(const std::string& folder) : folder_(folder), services_(new Services) {
  services_->organizations.fake = services_->keys.fake = services_->edges.fake =
      services_->roots.fake = services_->cluster.fake = services_->claims.fake =
          services_->devices.fake = services_->identity.fake = services_->jobs.fake =
              services_->windows.fake = services_->agents.fake = services_->scripts.fake =
                  services_->secrets.fake = services_->audit.fake = this;
  const absl::Time now = absl::Now();
  const auto key = PrivateKey::GenerateEcdsaP256();
  CertificateTerms terms;
  terms.common_name = "fake musterd";
  terms.ip_addresses = {"127.0.0.1"};
  terms.not_before = now - absl::Hours(1);
  terms.not_after = now + absl::Hours(1);
  terms.for_server = true;
  const auto certificate = SelfSign(*key, terms);
  EXPECT_TRUE(certificate.ok()) << certificate.status();
  WriteFile(ca_file(), *certificate);
  WriteFile(key_file(), absl::StrCat(kKey, "\n"));
  private_key_ = std::string(key->ToPem()->Reveal());
  certificate_ = *certificate;
  Start();
}

void FakeMuster::Start() {
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs = {{private_key_, certificate_}};
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::SslServerCredentials(tls), &port_);
  builder.RegisterService(&services_->organizations);
  builder.RegisterService(&services_->keys);
  builder.RegisterService(&services_->edges);
  builder.RegisterService(&services_->roots);
  builder.RegisterService(&services_->cluster);
  builder.RegisterService(&services_->claims);
  builder.RegisterService(&services_->devices);
  builder.RegisterService(&services_->identity);
  builder.RegisterService(&services_->jobs);
  builder.RegisterService(&services_->agents);
  builder.RegisterService(&services_->windows);
  builder.RegisterService(&services_->scripts);
  builder.RegisterService(&services_->secrets);
  builder.RegisterService(&services_->audit);
  server_ = builder.BuildAndStart();
}

FakeMuster::~FakeMuster() { Stop(); }

void FakeMuster::Stop() { server_->Shutdown(std::chrono::system_clock::now()); }

void FakeMuster::Answer(const std::string& method, const google::protobuf::Message& response) {
  const MutexLock lock(mutex_);
  answers_[method].push_back({Status::OK, response.SerializeAsString()});
}

void FakeMuster::Fail(const std::string& method, Status status) {
  const MutexLock lock(mutex_);
  answers_[method].push_back({std::move(status), ""});
}

FakeMuster::Answered FakeMuster::Take(const std::string& method, const ServerContext& context,
                                      const std::string& request) {
  const auto found = context.client_metadata().find("authorization");
  const std::string expected = absl::StrCat("Bearer ", kKey);
  if (found == context.client_metadata().end() ||
      std::string(found->second.data(), found->second.size()) != expected) {
    return {Status(grpc::StatusCode::UNAUTHENTICATED, "this API key is unknown"), ""};
  }
  const MutexLock lock(mutex_);
  requests_[method].push_back(request);
  auto& queue = answers_[method];
  if (queue.empty()) return {Status(grpc::StatusCode::UNIMPLEMENTED, "the test set no answer"), ""};
  Answered answer = std::move(queue.front());
  queue.pop_front();
  return answer;
}

}  // namespace muster::cli
