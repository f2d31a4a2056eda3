// Claims: what lets routers join an organization.
//
// A claim is 16 random bytes, shown once as 32 lower-case hex digits and stored as their hash.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables; Create and Delete wait until they are applied.
// Errors:   InvalidArgument for terms outside of the limits; NotFound for a claim of another
//           organization, as for one that never was, and for a device to replace that is none.
// Example:  tests/edges/edge_enrolment_test.cc; tests/api for what operators call.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

struct ClaimTerms {
  std::string site;
  std::map<std::string, std::string> labels;
  // 0 means 1; at most 1,000,000.
  int64_t max_devices = 0;
  // Zero means an hour; at most 90 days.
  absl::Duration ttl;
  // A CIDR; empty: any address.
  std::string allowed_source;
  bool monitor_only = false;
  // Its devices wait until they are accepted.
  bool approve = false;
  Profile profile = Profile::kNormal;
  // None: it makes new devices. Else max_devices is 1.
  DeviceId replaces;
  // Where the agent posts, 1 to 4; empty: the edge that renders the installer.
  std::vector<std::string> urls;
};

struct CreatedClaim {
  Claim claim;
  // 32 lower-case hex digits.
  Secret text;
};

// Changes with every use.
std::string EtagOf(const Claim& claim);

// Whether a claim would be taken now.
struct ClaimCheck {
  internal::v1::EnrollVerdict verdict = internal::v1::ENROLL_VERDICT_CLAIM_UNKNOWN;
  // Of a claim that is known, whatever the verdict.
  bool monitor_only = false;
  Profile profile = Profile::kNormal;
  std::vector<std::string> urls;
};

class ClaimBook {
 public:
  static constexpr int64_t kMostDevices = 1'000'000;
  static constexpr absl::Duration kLongestTtl = absl::Hours(24 * 90);
  // An hour is enough to paste a line, and a leaked one is worth little after it.
  static constexpr absl::Duration kUsualTtl = absl::Hours(1);

  ClaimBook(const State& state, CommandLog& log, const Secret& master_key)
      : state_(state), log_(log), master_key_(master_key) {}

  // What Create would refuse, without creating anything.
  absl::Status Check(const OrganizationScope& scope, const ClaimTerms& terms) const;

  // A repetition under the same request id answers the same claim and text.
  absl::StatusOr<CreatedClaim> Create(const OrganizationScope& scope, const AuditedCall& call,
                                      const ClaimTerms& terms);

  // Lists by id; expired and used-up ones too, without their text, which nobody has.
  std::vector<Claim> List(const OrganizationScope& scope, ClaimId after, size_t limit) const;

  // Deletes a claim; devices that joined by it stay, but a router whose reply was lost can't repeat
  // its enrolment. Aborted where `expected_etag` is neither empty nor the claim's.
  absl::Status Delete(const OrganizationScope& scope, const AuditedCall& call, ClaimId id,
                      absl::string_view expected_etag);

  // Judges a claim for the installer: uses nothing up, and promises nothing, since enrolment is
  // judged again in apply. `claim` is the 16 bytes, `source` 4 or 16 bytes.
  ClaimCheck Check(absl::string_view claim, absl::string_view source) const;

 private:
  const State& state_;
  CommandLog& log_;
  const Secret& master_key_;
};

}  // namespace muster::server
