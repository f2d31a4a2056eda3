// The listener for edges: mutual TLS under the cluster root, EdgeService, keepalive.
//
// Threads:  safe to call from any thread; Stop once.
// Owns:     the rules of edges and enrolment, the hub and the gRPC server. What EdgeListenerTerms
//           names must outlive it.
// Blocks:   Stop, up to its deadline.
// Errors:   FailedPrecondition where the address can't be listened on.
// Example:  tests/edges/edge_service_test.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "server/command_log/log/command_log.h"
#include "server/edges/edge_messages.h"
#include "server/pki/certificate_issuer.h"
#include "server/pki/installation.h"
#include "server/state/state.h"

namespace muster::server {

struct EdgeListenerTerms {
  // "0.0.0.0:7451"; port 0 picks a free one.
  std::string address;
  CommandLog& log;
  State& state;
  const Installation& installation;
  const CertificateIssuer& issuer;
  // What it shows; CertificateIssuer::IssueServer.
  const Identity& identity;
  const Clock& clock;
  // What other nodes call on the same port; may be absent. Must outlive the listener.
  grpc::Service* nodes = nullptr;
};

class EdgeListener {
 public:
  virtual ~EdgeListener() = default;

  // Binds the address and takes edges from then on. After failure nothing listens.
  static absl::StatusOr<std::unique_ptr<EdgeListener>> Start(const EdgeListenerTerms& terms);

  // "127.0.0.1:7451", with the port that was picked.
  virtual std::string address() const = 0;
  // Streams of edges that are open.
  virtual size_t stream_count() const = 0;
  // As EdgeHub::AskContacts.
  virtual absl::StatusOr<RouterContacts> AskContacts(DeviceId device, absl::Duration deadline) = 0;
  // As EdgeHub::HoldsEdgeOf.
  virtual bool HoldsEdgeOf(DeviceId device) const = 0;
  // Says farewell on every stream and closes the listener; what is still open at the deadline is
  // cut. To be called before the log is stopped.
  virtual void Stop(absl::Duration deadline) = 0;
};

}  // namespace muster::server
