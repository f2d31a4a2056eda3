// How an edge becomes one and stays one: Join, Renew, and whether it may still speak.
//
// Threads:  safe to call from any thread; `done` comes on the log's writer thread.
// Owns:     nothing; what it is given must outlive it.
// Blocks:   never; Check and CheckKey read the state.
// Errors:   PermissionDenied for an edge that is unknown or revoked, or a wrong join token;
//           FailedPrecondition for a used or expired token, or another public URL than the one that
//           the edge was created with; InvalidArgument for a request or URL that can't be used.
// Example:  tests/edges/edge_service_test.cc.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"
#include "server/command_log/log/command_log.h"
#include "server/pki/certificate_issuer.h"
#include "server/state/state.h"

namespace muster::server {

struct JoinTerms {
  std::string join_token;
  std::string public_url;
  std::string version;
  // DER.
  std::string client_request;
  std::string router_ecdsa_request;
  std::string router_rsa_request;
};

class EdgeMembership {
 public:
  using Done = std::function<void(absl::StatusOr<EdgeCertificates>)>;

  EdgeMembership(CommandLog& log, const State& state, const CertificateIssuer& issuer,
                 const Secret& master)
      : log_(log), state_(state), issuer_(issuer), master_(master) {}

  // Uses the token up and answers certificates. The same token and requests again within 10 minutes
  // give certificates again (the reply may have been lost); with other requests the token counts as
  // used.
  void Join(const std::string& edge_id, const JoinTerms& terms, Done done);

  // Signs new certificates for an edge that has joined and was not revoked; the public URL stays
  // that of its join. `requests` must outlive the call only.
  void Renew(const std::string& edge_id, const EdgeRequests& requests, Done done);

  // Whether this node has heard of it, revoked or not.
  bool IsKnown(const std::string& edge_id) const { return state_.FindEdge(edge_id).has_value(); }

  // Ok for an edge that has joined and was not revoked.
  absl::Status Check(const std::string& edge_id) const;

  // The edge's key for secret checks.
  absl::StatusOr<Secret> CheckKey(const std::string& edge_id) const;

 private:
  CommandLog& log_;
  const State& state_;
  const CertificateIssuer& issuer_;
  const Secret& master_;
};

}  // namespace muster::server
