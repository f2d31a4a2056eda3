#include "tests/support/edge_client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/time/clock.h"
#include "common/join_file/join_file.h"
#include "common/status/status_macros.h"

namespace muster::testing {

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

EdgeClientStream::EdgeClientStream(edge::v1::EdgeService::Stub& stub)
    : stream_(stub.Connect(&context_)), reader_([this] { Read(); }) {}

EdgeClientStream::~EdgeClientStream() {
  context_.TryCancel();
  reader_.join();
}

void EdgeClientStream::Read() {
  edge::v1::ConnectResponse response;
  while (stream_->Read(&response)) {
    MutexLock lock(mutex_);
    received_.push_back(std::move(response));
    changed_.NotifyAll();
  }
  const grpc::Status status = stream_->Finish();
  MutexLock lock(mutex_);
  end_ = FromGrpc(status);
  changed_.NotifyAll();
}

bool EdgeClientStream::Send(const edge::v1::ConnectRequest& request) {
  return stream_->Write(request);
}

absl::StatusOr<edge::v1::Welcome> EdgeClientStream::Hello(const std::string& edge_id,
                                                          const std::string& spool_id) {
  edge::v1::ConnectRequest request;
  request.mutable_hello()->set_edge_id(edge_id);
  request.mutable_hello()->set_spool_id(spool_id);
  request.mutable_hello()->set_version("test");
  request.mutable_hello()->set_time_us(absl::ToUnixMicros(absl::Now()));
  request.mutable_hello()->set_protocol(1);
  Send(request);
  ASSIGN_OR_RETURN(edge::v1::ConnectResponse response,
                   WaitFor([](const auto& message) { return message.has_welcome(); }));
  return std::move(*response.mutable_welcome());
}

absl::StatusOr<edge::v1::ConnectResponse> EdgeClientStream::WaitFor(
    const std::function<bool(const edge::v1::ConnectResponse&)>& fits, absl::Duration timeout) {
  const absl::Time end = absl::Now() + timeout;
  MutexLock lock(mutex_);
  for (;;) {
    while (!received_.empty()) {
      edge::v1::ConnectResponse first = std::move(received_.front());
      received_.erase(received_.begin());
      if (fits(first)) return first;
    }
    if (end_.has_value()) {
      return end_->ok() ? absl::UnavailableError("the stream has ended") : *end_;
    }
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("no such message came");
    changed_.WaitFor(mutex_, left);
  }
}

absl::StatusOr<edge::v1::Ack> EdgeClientStream::WaitForAck(edge::v1::Lane lane, uint64_t number) {
  edge::v1::Ack all;
  const auto response = WaitFor([&](const edge::v1::ConnectResponse& message) {
    if (!message.has_ack() || message.ack().lane() != lane) return false;
    all.MergeFrom(message.ack());
    return message.ack().number() >= number;
  });
  RETURN_IF_ERROR(response.status());
  return all;
}

absl::Status EdgeClientStream::WaitForEnd(absl::Duration timeout) {
  const absl::Time end = absl::Now() + timeout;
  MutexLock lock(mutex_);
  while (!end_.has_value()) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("the stream goes on");
    changed_.WaitFor(mutex_, left);
  }
  return *end_;
}

void EdgeClientStream::Cancel() { context_.TryCancel(); }

EdgeClient::EdgeClient(const std::string& address, const EdgeIdentity& identity) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = identity.cluster_root_pem;
  options.pem_cert_chain = identity.chain_pem;
  options.pem_private_key = std::string(identity.key_pem.Reveal());
  grpc::ChannelArguments arguments;
  // Two clients of one process must not share a connection: each has an identity of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 4'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  channel_ = grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
  stub_ = edge::v1::EdgeService::NewStub(channel_);
}

absl::Status EdgeClient::CallEmpty(const std::string& method) {
  // By a queue of its own and not by a callback: gRPC may still be in that when the caller has its
  // answer and lets go of the client.
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  grpc::CompletionQueue queue;
  const auto call = grpc::GenericStub(channel_).PrepareUnaryCall(&context, method, request, &queue);
  call->StartCall();
  call->Finish(&response, &status, &status);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) continue;
  return FromGrpc(status);
}

absl::StatusOr<EdgeIdentity> IdentityOfJoinFile(absl::string_view text) {
  ASSIGN_OR_RETURN(JoinFile file, ParseJoinFile(text));
  return EdgeIdentity{std::move(file.cluster_root_pem), std::move(file.certificate_pem),
                      std::move(file.private_key_pem)};
}

absl::StatusOr<EdgeIdentity> JoinByFile(const std::string& address, absl::string_view join_file,
                                        const std::string& public_url) {
  ASSIGN_OR_RETURN(const JoinFile file, ParseJoinFile(join_file));
  ASSIGN_OR_RETURN(const EdgeIdentity join_identity, IdentityOfJoinFile(join_file));
  ASSIGN_OR_RETURN(const PrivateKey client, PrivateKey::GenerateEcdsaP256());
  ASSIGN_OR_RETURN(const PrivateKey ecdsa, PrivateKey::GenerateEcdsaP256());
  ASSIGN_OR_RETURN(const PrivateKey rsa, PrivateKey::GenerateRsa2048());
  edge::v1::JoinRequest request;
  request.set_join_token(std::string(file.token.Reveal()));
  request.set_public_url(public_url);
  request.set_version("test");
  edge::v1::CertificateRequests& requests = *request.mutable_requests();
  ASSIGN_OR_RETURN(*requests.mutable_client(), MakeCertificateRequest(client, "edge"));
  ASSIGN_OR_RETURN(*requests.mutable_router_ecdsa(), MakeCertificateRequest(ecdsa, "edge"));
  ASSIGN_OR_RETURN(*requests.mutable_router_rsa(), MakeCertificateRequest(rsa, "edge"));
  EdgeClient joiner(address, join_identity);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  edge::v1::JoinResponse response;
  RETURN_IF_ERROR(FromGrpc(joiner.stub().Join(&context, request, &response)));
  ASSIGN_OR_RETURN(Secret key_pem, client.ToPem());
  return EdgeIdentity{response.certificates().cluster_root(), response.certificates().client(),
                      std::move(key_pem)};
}

}  // namespace muster::testing
