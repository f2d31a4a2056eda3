// Join and Renew: keys made here, certificates from the control plane.
#include "edge-proxy/uplink/join.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/program/options.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"
#include "muster/edge/v1/edge_service.grpc.pb.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;

// Signing waits for a commit of the command log.
constexpr absl::Duration kCallDeadline = absl::Seconds(10);
constexpr absl::Duration kTryAgain = absl::Seconds(1);

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

struct NewKeys {
  Secret client, router_ecdsa, router_rsa;
};

// The name in the request is only for people who look at it: the signer writes its own.
absl::Status AddKey(const absl::StatusOr<PrivateKey>& key, const std::string& name, Secret& pem,
                    std::string* request) {
  RETURN_IF_ERROR(key.status());
  ASSIGN_OR_RETURN(pem, key->ToPem());
  ASSIGN_OR_RETURN(*request, MakeCertificateRequest(*key, name));
  return absl::OkStatus();
}

// Three keys: who the edge is to musterd, and what it shows to routers, ECDSA and RSA.
absl::StatusOr<NewKeys> MakeKeys(const std::string& edge_id, wire::CertificateRequests& requests) {
  NewKeys keys;
  RETURN_IF_ERROR(
      AddKey(PrivateKey::GenerateEcdsaP256(), edge_id, keys.client, requests.mutable_client()));
  RETURN_IF_ERROR(AddKey(PrivateKey::GenerateEcdsaP256(), edge_id, keys.router_ecdsa,
                         requests.mutable_router_ecdsa()));
  RETURN_IF_ERROR(AddKey(PrivateKey::GenerateRsa2048(), edge_id, keys.router_rsa,
                         requests.mutable_router_rsa()));
  return keys;
}

void TakeCertificates(const wire::Certificates& certificates, NewKeys keys, Identity& identity) {
  identity.client_key = std::move(keys.client);
  identity.client_chain = certificates.client();
  identity.router_ecdsa_key = std::move(keys.router_ecdsa);
  identity.router_ecdsa_chain = certificates.router_ecdsa();
  identity.router_rsa_key = std::move(keys.router_rsa);
  identity.router_rsa_chain = certificates.router_rsa();
  identity.cluster_root = certificates.cluster_root();
  identity.router_root = certificates.router_root();
}

// Chains only; whether the leaf is for this edge's host is the control plane's word.
// A control plane that answers nonsense must not replace a good identity.
absl::Status Check(const Identity& identity, absl::Time now) {
  ASSIGN_OR_RETURN(const PrivateKey client, PrivateKey::FromPem(identity.client_key));
  ASSIGN_OR_RETURN(const PrivateKey ecdsa, PrivateKey::FromPem(identity.router_ecdsa_key));
  ASSIGN_OR_RETURN(const PrivateKey rsa, PrivateKey::FromPem(identity.router_rsa_key));
  RETURN_IF_ERROR(CheckChain(identity.client_chain, client, identity.cluster_root, now));
  RETURN_IF_ERROR(CheckChain(identity.router_ecdsa_chain, ecdsa, identity.router_root, now));
  return CheckChain(identity.router_rsa_chain, rsa, identity.router_root, now);
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& control, const std::string& roots,
                                           const Secret& key_pem, const std::string& chain_pem) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = roots;
  options.pem_private_key = std::string(key_pem.Reveal());
  options.pem_cert_chain = chain_pem;
  grpc::ChannelArguments arguments;
  // 4 s + 3 s notice a frozen peer. The server is set to allow such pings, which gRPC else answers
  // with GOAWAY "too_many_pings" (gRPC's doc/keepalive.md).
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 4000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Each channel connects by itself, without the pause that an earlier one has earned.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // State comes in chunks of 256 KiB; more than gRPC's 4 MiB is room, not need.
  arguments.SetMaxReceiveMessageSize(16 << 20);
  return grpc::CreateCustomChannel(control, grpc::SslCredentials(options), arguments);
}

absl::StatusOr<Identity> Join(const std::vector<std::string>& controls, const JoinFile& file,
                              const std::string& public_url, const Deadline& deadline) {
  // Made once: if an answer was lost, the next try asks for the same keys.
  wire::JoinRequest request;
  request.set_join_token(std::string(file.token.Reveal()));
  request.set_public_url(public_url);
  request.set_version(std::string(Version()));
  ASSIGN_OR_RETURN(NewKeys keys, MakeKeys(file.edge_id, *request.mutable_requests()));
  for (size_t attempt = 0;; ++attempt) {
    // Anew for each try, so that none waits in a back-off of the one before.
    const auto channel = MakeChannel(controls[attempt % controls.size()], file.cluster_root_pem,
                                     file.private_key_pem, file.certificate_pem);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallDeadline));
    wire::JoinResponse response;
    const grpc::Status status =
        wire::EdgeService::NewStub(channel)->Join(&context, request, &response);
    if (status.ok()) {
      Identity identity;
      identity.edge_id = response.edge_id();
      identity.cluster_id = response.cluster_id();
      // Ours and not the answer's: the leaves were asked for it.
      identity.public_url = public_url;
      TakeCertificates(response.certificates(), std::move(keys), identity);
      RETURN_IF_ERROR(Check(identity, absl::Now()));
      return identity;
    }
    const absl::Status problem = FromGrpc(status);
    // Any other answer will not change: a used token, a wrong clock.
    if (!absl::IsUnavailable(problem) || deadline.HasPassed()) return problem;
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(kTryAgain));
  }
}

absl::StatusOr<Identity> Renew(const std::shared_ptr<grpc::Channel>& channel, const Identity& old) {
  wire::RenewRequest request;
  ASSIGN_OR_RETURN(NewKeys keys, MakeKeys(old.edge_id, *request.mutable_requests()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallDeadline));
  wire::RenewResponse response;
  RETURN_IF_ERROR(
      FromGrpc(wire::EdgeService::NewStub(channel)->Renew(&context, request, &response)));
  // Ids and URL stay; keys, certificates and roots are new.
  Identity identity = old;
  TakeCertificates(response.certificates(), std::move(keys), identity);
  RETURN_IF_ERROR(Check(identity, absl::Now()));
  return identity;
}

}  // namespace muster::edge
