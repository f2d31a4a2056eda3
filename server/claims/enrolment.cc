// The proposer's side of joining: opens what the router holds, makes what a new device needs, and
// seals the token that apply has decided on. Which device it becomes is decided in
// state/apply/enrolment.cc.
#include "server/claims/enrolment.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "routeros/token/token.h"
#include "server/pki/device_secret.h"
#include "server/pki/device_token.h"

namespace muster::server {
namespace {

constexpr size_t kClaimBytes = 16;
constexpr size_t kLeastNonce = 8;
constexpr size_t kMostNonce = 64;

absl::Status Check(const EnrolmentRequest& request) {
  // Edges have decoded these; another size is a mistake of theirs.
  if (request.claim.size() != kClaimBytes) {
    return absl::InvalidArgumentError("a claim must have 16 bytes");
  }
  if (request.nonce.size() < kLeastNonce || request.nonce.size() > kMostNonce) {
    return absl::InvalidArgumentError("a nonce must have 8 to 64 bytes");
  }
  const size_t address = request.source_address.size();
  if (address != 4 && address != 16) {
    return absl::InvalidArgumentError("a source address must have 4 or 16 bytes");
  }
  return absl::OkStatus();
}

}  // namespace

void Enrolment::Enroll(EnrolmentRequest request, Done done) {
  const absl::Status checked = Check(request);
  if (!checked.ok()) return done(checked);
  const Held held = Prove(request.held_token);
  const std::optional<Claim> claim = state_.FindClaimByHash(Hash256(request.claim));
  // Anybody on the Internet can come this far: a guess must not cost an entry of the log. (A router
  // that holds a good token needs no claim that is still known.)
  if (!claim.has_value() && !held.device) {
    EnrolmentAnswer unknown;
    unknown.verdict = internal::v1::ENROLL_VERDICT_CLAIM_UNKNOWN;
    return done(std::move(unknown));
  }
  // Where the device will be: what its secret is sealed for.
  OrganizationId organization;
  if (claim.has_value()) {
    organization = claim->organization;
  } else if (const auto key = state_.FindDeviceKey(held.device)) {
    organization = key->organization;
  }
  const auto key = organization_keys_.Find(organization);
  if (!key.ok()) return done(key.status());
  if (key->has_value() || !organization) {
    return Propose(std::move(request), held, claim, organization, std::move(done));
  }
  log_.ProposeAsync(NewOrganizationKey(organization_keys_.master(), organization),
                    [this, request = std::move(request), held, claim, organization,
                     done = std::move(done)](const absl::StatusOr<Applied>&) mutable {
                      // However that went: without a key the master key seals.
                      Propose(std::move(request), held, claim, organization, std::move(done));
                    });
}

void Enrolment::Propose(EnrolmentRequest request, const Held& held,
                        const std::optional<Claim>& claim, OrganizationId organization, Done done) {
  // The secret is sealed for one device id, so it must be known here whose it will be; apply
  // refuses it where the claim says otherwise by then.
  const bool replaces = claim.has_value() && claim->replaces;
  const DeviceId proposed = replaces ? claim->replaces : MakeId<DeviceId>();
  internal::v1::Command command;
  command.mutable_actor()->set_principal(absl::StrCat("edges/", request.edge_id));
  command.set_method("muster.edge.v1.EdgeService/Enroll");
  internal::v1::EnrollDevice& enroll = *command.mutable_enroll_device();
  auto sealed = SealDeviceSecret(organization_keys_, organization, proposed,
                                 RandomSecret(routeros::kTokenSecretBytes));
  if (!sealed.ok()) return done(sealed.status());
  enroll.set_proposed_sealed_secret(*std::move(sealed));
  enroll.set_edge_id(std::move(request.edge_id));
  enroll.set_claim_hash(Hash256(request.claim));
  enroll.set_nonce_hash(Hash256(request.nonce));
  enroll.set_proposed_device_id(proposed.value);
  *enroll.mutable_facts() = std::move(request.facts);
  enroll.set_source_address(std::move(request.source_address));
  enroll.set_held_device_id(held.device.value);
  enroll.set_held_epoch(held.epoch);
  // A router waits at the edge; no thread does here.
  log_.ProposeAsync(std::move(command),
                    [this, done = std::move(done)](const absl::StatusOr<Applied>& applied) {
                      if (!applied.ok()) return done(applied.status());
                      done(Answer(applied->result.enroll()));
                    });
}

Enrolment::Held Enrolment::Prove(const Secret& token) const {
  if (token.empty()) return {};
  const absl::StatusOr<routeros::TokenContents> contents =
      // Any fault means "no token held": the claim decides then, and nothing is said about the
      // token.
      routeros::OpenToken(keys_.token_keys, keys_.cluster_id, token.Reveal());
  if (!contents.ok()) return {};
  const std::optional<DeviceKeyRecord> key = state_.FindDeviceKey(contents->device);
  // A good seal of an old epoch is no proof: it may come from a backup.
  if (!key.has_value() || key->deleted || contents->epoch < key->least_epoch) return {};
  // A router that has the new text shows the token that came with it.
  const bool is_next = key->next_epoch != 0 && contents->epoch >= key->next_epoch;
  const absl::StatusOr<Secret> secret = OpenDeviceSecret(
      organization_keys_, key->id, is_next ? key->sealed_next_secret : key->sealed_secret);
  if (!secret.ok() || !EqualInConstantTime(secret->Reveal(), contents->secret.Reveal())) return {};
  return {contents->device, contents->epoch};
}

absl::StatusOr<EnrolmentAnswer> Enrolment::Answer(const internal::v1::EnrollResult& result) const {
  EnrolmentAnswer answer;
  answer.verdict = result.verdict();
  if (answer.verdict != internal::v1::ENROLL_VERDICT_OK) return answer;
  answer.device = DeviceId{result.device_id()};
  ASSIGN_OR_RETURN(answer.token,
                   // Sealed anew with a new nonce: the same identity in another text.
                   IssueDeviceToken(keys_, organization_keys_,
                                    {answer.device, OrganizationId{result.token_organization_id()},
                                     result.epoch(), clock_.Now()},
                                    result.sealed_secret()));
  return answer;
}

}  // namespace muster::server
