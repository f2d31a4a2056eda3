#include "tests/bench/ingest/control_plane.h"

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/join_file/join_file.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"
#include "muster/edge/v1/edge_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/edge_admin_service.grpc.pb.h"

namespace muster::bench {
namespace {

std::string ReadText(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

absl::Status Problem(absl::string_view what, const grpc::Status& status) {
  return absl::UnavailableError(absl::StrCat(what, ": ", status.error_message()));
}

// Routers never call a simulated edge, so all of them may ask for the same RSA key.
absl::StatusOr<std::string> RsaRequest() {
  static const absl::StatusOr<PrivateKey>& key =
      *new absl::StatusOr<PrivateKey>(PrivateKey::GenerateRsa2048());
  if (!key.ok()) return key.status();
  return MakeCertificateRequest(*key, "bench");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ControlPlane>> ControlPlane::Start(const std::string& folder,
                                                                  absl::Duration timeout,
                                                                  const ControlPlaneTerms& how) {
  std::unique_ptr<ControlPlane> control(new ControlPlane(folder));
  ChildTerms terms;
  terms.command = {ProgramFolder() + "/musterd",
                   "--data-dir",
                   absl::StrCat(folder, "/", how.name),
                   "--listen",
                   "127.0.0.1:0",
                   "--listen-edge",
                   "127.0.0.1:0",
                   "--metrics",
                   "127.0.0.1:0"};
  terms.command.insert(terms.command.end(), how.flags.begin(), how.flags.end());
  terms.output_file = absl::StrCat(folder, "/musterd-", how.name, ".out");
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(control->server_, Child::Start(terms));
  ASSIGN_OR_RETURN(control->api_address_, control->server_->WaitForLine("ready: api ", timeout));
  ASSIGN_OR_RETURN(control->edge_address_, control->server_->WaitForLine("ready: edges ", timeout));
  control->start_time_ = absl::Now() - begin;
  control->key_ = std::string(absl::StripAsciiWhitespace(ReadText(folder + "/control/root-key")));
  return control;
}

std::shared_ptr<grpc::Channel> ControlPlane::ApiChannel() const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadText(folder_ + "/control/pki/cluster-ca.pem");
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(api_address_, grpc::SslCredentials(options), arguments);
}

void ControlPlane::Authorize(grpc::ClientContext& context) const {
  context.AddMetadata("authorization", "Bearer " + key_);
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
}

absl::StatusOr<EdgeIdentity> ControlPlane::JoinEdge(const std::string& edge_id) {
  const std::string url = absl::StrCat("https://", edge_id, ".example.net");
  v1::CreateEdgeRequest create;
  create.set_edge_id(edge_id);
  create.set_public_url(url);
  v1::CreateEdgeResponse created;
  grpc::ClientContext create_context;
  Authorize(create_context);
  const auto api = v1::EdgeAdminService::NewStub(ApiChannel());
  if (grpc::Status s = api->CreateEdge(&create_context, create, &created); !s.ok()) {
    return Problem("CreateEdge", s);
  }
  ASSIGN_OR_RETURN(const JoinFile file, ParseJoinFile(created.join_file()));
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = file.cluster_root_pem;
  options.pem_cert_chain = file.certificate_pem;
  options.pem_private_key = std::string(file.private_key_pem.Reveal());
  const auto edges = edge::v1::EdgeService::NewStub(
      grpc::CreateChannel(edge_address_, grpc::SslCredentials(options)));

  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::GenerateEcdsaP256());
  edge::v1::JoinRequest join;
  join.set_join_token(std::string(file.token.Reveal()));
  join.set_public_url(url);
  join.set_version("bench");
  ASSIGN_OR_RETURN(*join.mutable_requests()->mutable_client(),
                   MakeCertificateRequest(key, edge_id));
  ASSIGN_OR_RETURN(*join.mutable_requests()->mutable_router_ecdsa(),
                   MakeCertificateRequest(key, edge_id));
  ASSIGN_OR_RETURN(*join.mutable_requests()->mutable_router_rsa(), RsaRequest());
  edge::v1::JoinResponse joined;
  grpc::ClientContext join_context;
  join_context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  if (grpc::Status s = edges->Join(&join_context, join, &joined); !s.ok()) {
    return Problem("Join", s);
  }
  EdgeIdentity identity{edge_id, file.cluster_root_pem, joined.certificates().client(), Secret()};
  ASSIGN_OR_RETURN(identity.key_pem, key.ToPem());
  return identity;
}

absl::StatusOr<int> ControlPlane::CountDevices(const std::string& filter) {
  const auto api = v1::DeviceService::NewStub(ApiChannel());
  v1::ListDevicesRequest request;
  request.set_parent("organizations/default");
  request.set_page_size(1);
  request.set_filter(filter);
  v1::ListDevicesResponse response;
  grpc::ClientContext context;
  Authorize(context);
  if (grpc::Status s = api->ListDevices(&context, request, &response); !s.ok()) {
    return Problem("ListDevices", s);
  }
  return response.total_size();
}

absl::Status SaveIdentity(const std::string& folder, const EdgeIdentity& identity) {
  const std::string path = absl::StrCat(folder, "/", identity.id);
  for (const char* ending : {".key", ".pem", ".root"}) std::remove((path + ending).c_str());
  RETURN_IF_ERROR(WriteNewSecretFile(path + ".key", identity.key_pem.Reveal()));
  RETURN_IF_ERROR(WriteNewSecretFile(path + ".pem", identity.certificate_pem));
  return WriteNewSecretFile(path + ".root", identity.cluster_root_pem);
}

absl::StatusOr<EdgeIdentity> LoadIdentity(const std::string& folder, const std::string& edge_id) {
  const std::string path = absl::StrCat(folder, "/", edge_id);
  EdgeIdentity identity;
  identity.id = edge_id;
  identity.cluster_root_pem = ReadText(path + ".root");
  identity.certificate_pem = ReadText(path + ".pem");
  ASSIGN_OR_RETURN(identity.key_pem, ReadSecretFile(path + ".key"));
  return identity;
}

}  // namespace muster::bench
