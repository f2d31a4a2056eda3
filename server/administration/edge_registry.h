// Edge proxies as the platform's operators see them: making the join file, listing, revoking.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables and on a signature; a change waits until it is applied.
// Errors:   InvalidArgument for a bad id or URL; AlreadyExists for an id that is taken; NotFound.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/pki/certificate_issuer.h"
#include "server/state/state.h"

namespace muster::server {

// Numbers are those of muster.v1.EdgeState.
enum class EdgeState { kPending = 1, kConnected = 2, kUnreachable = 3, kRevoked = 4 };

// What an edge is at `state_time`: connected while its watermark moves.
EdgeState StateOf(const Edge& edge, absl::Time state_time);

struct CreatedEdge {
  Edge edge;
  Secret join_file;
};

class EdgeRegistry {
 public:
  // `control` is where edges are told to call, HOST:PORT.
  EdgeRegistry(const State& state, CommandLog& log, const CertificateIssuer& issuer,
               const Secret& master_key, const Clock& clock, std::string control)
      : state_(state),
        log_(log),
        issuer_(issuer),
        master_key_(master_key),
        clock_(clock),
        control_(std::move(control)) {}

  // Makes an edge and the file that it joins with, good once and for an hour. A repetition under
  // the same request id answers the same file. With call.validate_only there is no join file, and
  // nothing is made.
  absl::StatusOr<CreatedEdge> Create(const Caller& caller, const AuditedCall& call,
                                     absl::string_view edge_id, absl::string_view public_url);
  // Lists by id, revoked ones too.
  std::vector<Edge> List(absl::string_view after_id, size_t limit) const;
  // Chooses the edge whose URL goes into a claim's line: the named one, else the one that was made
  // first of those that are not revoked and have a URL. FailedPrecondition where there is none.
  absl::StatusOr<Edge> ChooseForClaim(absl::string_view edge_id) const;
  // Ends its streams within moments and refuses it from now on; its id is never used again.
  // Repeating is harmless.
  absl::StatusOr<Edge> Revoke(const Caller& caller, const AuditedCall& call,
                              absl::string_view edge_id);

 private:
  absl::StatusOr<Edge> Find(absl::string_view edge_id) const;

  const State& state_;
  CommandLog& log_;
  const CertificateIssuer& issuer_;
  const Secret& master_key_;
  const Clock& clock_;
  const std::string control_;
};

}  // namespace muster::server
