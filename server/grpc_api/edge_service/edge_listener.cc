// The second listener of musterd. Apart from the API's for three reasons: it wants a client
// certificate in the handshake, its streams live for weeks and are noticed dead within seconds, and
// it may be reachable from places where the API is not.
#include "server/grpc_api/edge_service/edge_listener.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/claims/claim_book.h"
#include "server/claims/enrolment.h"
#include "server/edges/edge_hub.h"
#include "server/edges/edge_membership.h"
#include "server/grpc_api/edge_service/edge_service.h"

namespace muster::server {
namespace {

// A batch is at most 256 KiB, but 1,000 results of 16 KiB could be asked for one day.
constexpr int kMaxMessageBytes = 4 << 20;

std::shared_ptr<grpc::ServerCredentials> Credentials(const Identity& identity,
                                                     const std::string& cluster_root) {
  // Strangers end in the handshake: no code of ours has seen a byte of theirs. Join files hold a
  // certificate for this reason.
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = cluster_root;
  options.pem_key_cert_pairs.push_back(
      {std::string(identity.key_pem.Reveal()), identity.chain_pem});
  return grpc::SslServerCredentials(options);
}

// Notices a frozen edge in about 3 s, 7 s at worst; lets edges ping as often.
// Milliseconds. PERMIT_WITHOUT_CALLS and MAX_PINGS_WITHOUT_DATA 0: streams may be quiet for long,
// and gRPC would else stop to ask, or call an edge that asks too often an attacker (GOAWAY,
// too_many_pings).
void SetKeepalive(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 4'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 2'000);
}

class GrpcEdgeListener final : public EdgeListener {
 public:
  // The service comes last, since it holds references to the rules before it.
  explicit GrpcEdgeListener(const EdgeListenerTerms& terms)
      : hub_({terms.log, terms.state, terms.installation.master_key, terms.installation.keys,
              terms.clock},
             terms.state),
        membership_(terms.log, terms.state, terms.issuer, terms.installation.master_key),
        claims_(terms.state, terms.log, terms.installation.master_key),
        enrolment_(terms.state, terms.log, terms.installation.master_key, terms.installation.keys,
                   terms.clock),
        look_(terms.log),
        service_({hub_, membership_, claims_, enrolment_, look_, terms.state,
                  terms.installation.master_key, terms.installation.keys, terms.clock,
                  terms.installation.keys.cluster_id}) {}

  ~GrpcEdgeListener() override { Stop(absl::Seconds(1)); }

  absl::Status Listen(const EdgeListenerTerms& terms) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(terms.address,
                             Credentials(terms.identity, terms.installation.keys.cluster_root.pem),
                             &port);
    builder.RegisterService(&service_);
    if (terms.nodes != nullptr) builder.RegisterService(terms.nodes);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    // Without it a second musterd would quietly share the port.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    SetKeepalive(builder);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("can't listen for edges on ", terms.address,
                       "; is another musterd running, or the address not of this machine?"));
    }
    address_ = absl::StrCat(terms.address.substr(0, terms.address.rfind(':')), ":", port);
    return absl::OkStatus();
  }

  std::string address() const override { return address_; }
  size_t stream_count() const override { return hub_.stream_count(); }

  absl::StatusOr<RouterContacts> AskContacts(DeviceId device, absl::Duration deadline) override {
    return hub_.AskContacts(device, deadline);
  }

  bool HoldsEdgeOf(DeviceId device) const override { return hub_.HoldsEdgeOf(device); }

  void Stop(absl::Duration deadline) override {
    if (server_ == nullptr) return;
    // First a farewell on each stream, so that edges go to another node at once instead of finding
    // out; new ones are refused from here on. Half a second more for calls that were let in before
    // that.
    hub_.Drain(deadline);
    server_->Shutdown(absl::ToChronoTime(absl::Now() + absl::Milliseconds(500)));
    // Returns when every call has ended; callbacks of the log may still finish some, which is why
    // the log is stopped only after this.
    server_->Wait();
    server_.reset();
  }

 private:
  EdgeHub hub_;
  EdgeMembership membership_;
  ClaimBook claims_;
  Enrolment enrolment_;
  SecondLook look_;
  EdgeService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<EdgeListener>> EdgeListener::Start(const EdgeListenerTerms& terms) {
  auto listener = std::make_unique<GrpcEdgeListener>(terms);
  const absl::Status listening = listener->Listen(terms);
  if (!listening.ok()) return listening;
  return listener;
}

}  // namespace muster::server
