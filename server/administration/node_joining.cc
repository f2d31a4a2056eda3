// The key of a join file's sealed part lies in the state, sealed once more under the master key; it
// goes out with the command that uses the token up, and is gone from the state with it.
#include "server/administration/node_joining.h"

#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/feature_level.h"
#include "server/errors/errors.h"
#include "server/pki/node_join_file.h"

namespace muster::server {
namespace {

constexpr absl::Duration kUsualLifetime = absl::Hours(1);
constexpr absl::Duration kShortestLifetime = absl::Minutes(1);
constexpr absl::Duration kLongestLifetime = absl::Hours(24);
constexpr size_t kTokenBytes = 32;
constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 16;

std::string KeyContext(uint64_t token_id) {
  return absl::StrCat("node-join-key/", FormatId(token_id));
}

}  // namespace

absl::StatusOr<internal::v1::NodeJoinFile> NodeJoining::MakeFile(
    uint64_t token_id, const std::vector<std::string>& nodes, absl::Time expires) const {
  ASSIGN_OR_RETURN(Identity identity, issuer_.IssueNodeJoin(token_id, expires));
  internal::v1::NodeJoinFile file;
  file.set_format(1);
  file.set_cluster_id(issuer_.keys().cluster_id);
  file.set_token_id(token_id);
  file.set_token(RandomBytes(kTokenBytes));
  file.set_expire_time_us(absl::ToUnixMicros(expires));
  file.set_cluster_root_pem(issuer_.keys().cluster_root.pem);
  file.set_certificate_pem(identity.chain_pem);
  file.set_key_pem(std::string(identity.key_pem.Reveal()));
  for (const std::string& node : nodes) file.add_nodes(node);
  return file;
}

absl::StatusOr<NewJoinFile> NodeJoining::Create(const Caller& caller, const AuditedCall& call,
                                                const std::vector<std::string>& nodes,
                                                absl::Duration lifetime) {
  if (lifetime == absl::ZeroDuration()) lifetime = kUsualLifetime;
  if (lifetime < kShortestLifetime || lifetime > kLongestLifetime) {
    return BadField("ttl", "wants 1 minute to 24 hours");
  }
  if (!read_secrets_) return absl::FailedPreconditionError("this server knows of no nodes");
  ASSIGN_OR_RETURN(const internal::v1::NodeJoinSecrets secrets, read_secrets_());
  RETURN_IF_ERROR(CheckFeatureLevel(state_.FeatureLevel(),
                                    LevelOfKind(internal::v1::Command::kCreateJoinToken)));
  NewJoinFile token;
  token.expires = clock_.Now() + lifetime;
  if (call.validate_only) return token;
  const uint64_t id = RandomId();
  const Secret key = RandomSecret(kKeyBytes);
  ASSIGN_OR_RETURN(internal::v1::NodeJoinFile file, MakeFile(id, nodes, token.expires));
  SealNodeJoin(key, secrets, file);
  token.join_file = FormatNodeJoinFile(file);
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  internal::v1::CreateJoinToken& create = *command.mutable_create_join_token();
  create.set_token_id(id);
  create.set_token_hash(Hash256(file.token()));
  create.set_sealed_key(SealJoinKey(master_key_, id, key));
  create.set_ttl_us(absl::ToInt64Microseconds(lifetime));
  KeepAnswer(master_key_, call, token.join_file.Reveal(), &command);
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  if (!applied.repeated) return token;
  ASSIGN_OR_RETURN(token.join_file,
                   OpenKeptAnswer(master_key_, call, applied.result.sealed_answer()));
  if (const auto kept = state_.FindJoinToken(applied.result.resource_id())) {
    token.expires = absl::FromUnixMicros(kept->expire_time_us);
  }
  return token;
}

std::string SealJoinKey(const Secret& master_key, uint64_t token_id, const Secret& key) {
  return Seal(master_key, KeyContext(token_id), key.Reveal());
}

void RedeemJoinToken(const State& state, CommandLog& log, const Secret& master_key,
                     const JoinTokenUse& use, std::function<void(absl::StatusOr<Secret>)> done) {
  if (use.token.size() != kTokenBytes || use.nonce.size() != kNonceBytes) {
    return done(absl::InvalidArgumentError("a token has 32 bytes and a nonce 16"));
  }
  internal::v1::Command command;
  command.mutable_actor()->set_principal(absl::StrCat("joinTokens/", FormatId(use.token_id)));
  command.set_method("muster.node.v1.NodeService/RedeemJoinToken");
  command.mutable_request()->set_request_id(absl::BytesToHexString(use.nonce));
  command.mutable_request()->set_digest(Hash256(use.token));
  // Sealed as it lies in the state: a repetition of this very attempt gets it from here.
  if (const auto token = state.FindJoinToken(use.token_id)) {
    command.mutable_request()->set_sealed_answer(token->sealed_key);
  }
  command.mutable_use_join_token()->set_token_id(use.token_id);
  command.mutable_use_join_token()->set_token_hash(Hash256(use.token));
  log.ProposeAsync(std::move(command), [&master_key, id = use.token_id, done = std::move(done)](
                                           const absl::StatusOr<Applied>& applied) {
    if (!applied.ok()) return done(applied.status());
    done(Open(master_key, KeyContext(id), applied->result.sealed_answer()));
  });
}

}  // namespace muster::server
