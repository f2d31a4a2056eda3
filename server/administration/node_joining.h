// How a new node gets into a cluster: a file is made for it, and what opens that is given out once.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   Create waits until its token is applied; Redeem does not.
// Errors:   Create: FailedPrecondition on a node that is alone, InvalidArgument for a lifetime.
//           Redeem: those of muster.node.v1.NodeService.
// Example:  tests/end_to_end/test_joining_nodes.py.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/node_join.pb.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/pki/certificate_issuer.h"
#include "server/state/state.h"

namespace muster::server {

// What a new node needs to know, as this one has it. FailedPrecondition on a node that is alone.
using JoinSecretsReader = std::function<absl::StatusOr<internal::v1::NodeJoinSecrets>()>;

struct NewJoinFile {
  Secret join_file;
  absl::Time expires;
};

class NodeJoining {
 public:
  NodeJoining(const State& state, CommandLog& log, const CertificateIssuer& issuer,
              const Secret& master_key, const Clock& clock, JoinSecretsReader read_secrets)
      : state_(state),
        log_(log),
        issuer_(issuer),
        master_key_(master_key),
        clock_(clock),
        read_secrets_(std::move(read_secrets)) {}

  // `nodes`: HOST:PORT of listeners for edges, one at least. `lifetime` zero: an hour.
  absl::StatusOr<NewJoinFile> Create(const Caller& caller, const AuditedCall& call,
                                     const std::vector<std::string>& nodes,
                                     absl::Duration lifetime);

 private:
  absl::StatusOr<internal::v1::NodeJoinFile> MakeFile(uint64_t token_id,
                                                      const std::vector<std::string>& nodes,
                                                      absl::Time expires) const;

  const State& state_;
  CommandLog& log_;
  const CertificateIssuer& issuer_;
  const Secret& master_key_;
  const Clock& clock_;
  const JoinSecretsReader read_secrets_;
};

// What the state keeps of the key that opens a join file.
std::string SealJoinKey(const Secret& master_key, uint64_t token_id, const Secret& key);

struct JoinTokenUse {
  uint64_t token_id = 0;
  std::string token;
  std::string nonce;
};

// `done` gets the key, once the token is used up; as CommandLog::ProposeAsync.
void RedeemJoinToken(const State& state, CommandLog& log, const Secret& master_key,
                     const JoinTokenUse& use, std::function<void(absl::StatusOr<Secret>)> done);

}  // namespace muster::server
