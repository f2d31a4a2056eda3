// The API listener: all services of muster.v1, health and reflection, over TLS.
//
// Threads:  safe to call from any thread.
// Owns:     the gRPC server and the services; what it is given must outlive this object.
// Blocks:   Stop waits for running calls, at most until its deadline.
// Errors:   FailedPrecondition where the address can't be bound.
// Example:  tests/api/api_test_server.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "server/administration/node_joining.h"
#include "server/administration/node_view.h"
#include "server/command_log/log/command_log.h"
#include "server/devices/diagnosis.h"
#include "server/grpc_api/gate.h"
#include "server/pki/certificate_issuer.h"
#include "server/state/state.h"

namespace muster::server {

struct ApiServerTerms {
  // "127.0.0.1:7450"; port 0 picks a free one.
  std::string listen;
  // What the listener shows.
  Identity identity;
  // Where join files tell edges to call, HOST:PORT.
  std::string control;
  CallObserver observer;
  // For diagnoses; empty: there is nobody to ask.
  ContactAsker ask_contacts;
  // How the nodes are; empty: there is nobody to ask.
  ClusterAsker ask_cluster;
  ReportForgetter forget_node;
  // What a new node needs; empty: there can be none.
  JoinSecretsReader read_join_secrets;
  // Told the PEM of a router root that was activated.
  std::function<void(const std::string&)> on_router_root = [](const std::string&) {};
};

class ApiServer {
 public:
  virtual ~ApiServer() = default;

  // Builds rules and services, binds the address and serves from then on. After failure nothing
  // listens and nothing is left running.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Start(const ApiServerTerms& terms, State& state,
                                                          CommandLog& log,
                                                          const CertificateIssuer& issuer,
                                                          const Secret& master_key,
                                                          const Clock& clock);

  // HOST:PORT with the port that was bound.
  virtual std::string address() const = 0;

  // Health of the server says SERVING while its reads are worth something; health of the service
  // "writes" while changes are taken, too.
  virtual void ShowHealth(LogState state) = 0;

  // Health says NOT_SERVING, watches end with Unavailable, running calls get until `deadline`.
  // Repeating is harmless.
  virtual void Stop(absl::Duration deadline) = 0;
};

}  // namespace muster::server
