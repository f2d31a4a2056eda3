#include "server/nodes/node_client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace muster::server {
namespace {

absl::Status FromWire(absl::string_view address, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()),
          absl::StrCat("node at ", address, ": ", status.error_message())};
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const Identity& own,
                                       const std::string& cluster_root_pem) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = cluster_root_pem;
  options.pem_private_key = std::string(own.key_pem.Reveal());
  options.pem_cert_chain = own.chain_pem;
  grpc::ChannelArguments arguments;
  // The address may be no name of the certificate; that it stands for a node is what counts.
  arguments.SetSslTargetNameOverride(std::string(kAnyNode));
  // A node that froze is noticed in 7 s, as edges notice it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 4'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

}  // namespace

absl::StatusOr<node::v1::DescribeNodeResponse> NodeClient::Describe(absl::string_view address,
                                                                    absl::Duration deadline) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
  node::v1::DescribeNodeResponse response;
  RETURN_IF_ERROR(FromWire(address, StubOf(address)->DescribeNode(
                                        &context, node::v1::DescribeNodeRequest(), &response)));
  return response;
}

std::shared_ptr<NodeClient::Stub> NodeClient::StubOf(absl::string_view address) {
  const MutexLock lock(mutex_);
  const auto found = stubs_.find(address);
  if (found != stubs_.end()) return found->second;
  const std::string key(address);
  std::shared_ptr<Stub> stub =
      node::v1::NodeService::NewStub(Connect(key, own_, cluster_root_pem_));
  stubs_.emplace(key, stub);
  return stub;
}

}  // namespace muster::server
