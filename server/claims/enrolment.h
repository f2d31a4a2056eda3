// A router joins: a claim and a nonce become a device and its token.
//
// The proposer makes the device id and the secret and seals the latter; apply decides whether they
// are used, or the device that this claim and nonce (or this held token) already has. The token is
// then sealed anew from the device's secret, so that a repetition gives the same identity.
//
// Threads:  safe to call from any thread; `done` comes on the log's writer thread, or at once.
// Owns:     nothing; what it is given must outlive it.
// Blocks:   Enroll reads the claim; it does not wait for the log.
// Errors:   InvalidArgument for a claim or nonce of a wrong size; what the log says. A claim
//           that is refused is a verdict, not an error.
// Example:  tests/edges/edge_enrolment_test.cc.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/command_log/log/command_log.h"
#include "server/pki/cluster_keys.h"
#include "server/pki/organization_keys.h"
#include "server/state/state.h"

namespace muster::server {

struct EnrolmentRequest {
  std::string edge_id;
  // 16 bytes.
  std::string claim;
  // 8 to 64 bytes.
  std::string nonce;
  // A token that the router still holds, or empty.
  Secret held_token;
  internal::v1::Facts facts;
  // 4 or 16 bytes.
  std::string source_address;
};

struct EnrolmentAnswer {
  internal::v1::EnrollVerdict verdict = internal::v1::ENROLL_VERDICT_UNSPECIFIED;
  // Where the verdict is OK.
  Secret token;
  DeviceId device;
};

class Enrolment {
 public:
  using Done = std::function<void(absl::StatusOr<EnrolmentAnswer>)>;

  Enrolment(const State& state, CommandLog& log, const Secret& master_key, const ClusterKeys& keys,
            const Clock& clock)
      : state_(state),
        log_(log),
        organization_keys_(state, master_key),
        keys_(keys),
        clock_(clock) {}

  // Proposes the enrolment and answers through `done`, once. There is no request id: claim and
  // nonce do that work, over longer than 10 minutes.
  void Enroll(EnrolmentRequest request, Done done);

 private:
  // The device whose token this is, if seal, epoch and secret are right.
  struct Held {
    DeviceId device;
    uint32_t epoch = 0;
  };
  Held Prove(const Secret& token) const;
  // With what is needed, once its organization has a key.
  void Propose(EnrolmentRequest request, const Held& held, const std::optional<Claim>& claim,
               OrganizationId organization, Done done);
  absl::StatusOr<EnrolmentAnswer> Answer(const internal::v1::EnrollResult& result) const;

  const State& state_;
  CommandLog& log_;
  const OrganizationKeys organization_keys_;
  const ClusterKeys& keys_;
  const Clock& clock_;
};

}  // namespace muster::server
