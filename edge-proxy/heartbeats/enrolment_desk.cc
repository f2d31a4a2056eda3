// Joining: the two calls of a router that has no token yet.
#include "edge-proxy/heartbeats/enrolment_desk.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster::edge {
namespace {

// The line and the installer try again by themselves, for minutes.
constexpr int kRetrySeconds = 10;

Reply Away() { return Later("the control plane is away", kRetrySeconds); }

const char* WordFor(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::kExpired:
      return "claim-expired";
    case ClaimVerdict::kUsedUp:
      return "claim-used";
    case ClaimVerdict::kWrongAddress:
      return "claim-address";
    case ClaimVerdict::kTokenForeign:
      return "token-foreign";
    // An answer that this edge doesn't know reads as a claim that nobody knows.
    default:
      return "claim-unknown";
  }
}

Reply TooMany() {
  Reply reply = Refusal(429, "too many are joining at once");
  reply.retry_after_seconds = kRetrySeconds;
  return reply;
}

// An IPv6 user has a whole /64.
std::string NetworkOf(absl::string_view address) {
  return std::string(address.size() == 16 ? address.substr(0, 8) : address);
}

}  // namespace

std::string ClaimBytes(absl::string_view claim) {
  constexpr size_t kDigits = 32;
  // HexStringToBytes would take anything and give garbage.
  if (claim.size() != kDigits ||
      claim.find_first_not_of("0123456789abcdef") != absl::string_view::npos) {
    return "";
  }
  return absl::HexStringToBytes(claim);
}

bool EnrolmentDesk::BeginQuestion(const std::string& network) {
  MutexLock lock(mutex_);
  if (in_flight_ >= limits_.in_flight) return false;
  size_t& of_network = in_flight_of_[network];
  // Not 0 where it is refused, so no row of nothing stays.
  if (of_network >= limits_.in_flight_per_address) return false;
  ++of_network;
  ++in_flight_;
  return true;
}

void EnrolmentDesk::EndQuestion(const std::string& network) {
  MutexLock lock(mutex_);
  --in_flight_;
  const auto found = in_flight_of_.find(network);
  if (found != in_flight_of_.end() && --found->second == 0) in_flight_of_.erase(found);
}

// A used-up claim still gets the installer: the same router may run its line again, and enrolment
// decides.
Reply EnrolmentDesk::InstallerFor(const absl::StatusOr<ClaimAnswer>& answer,
                                  const std::string& version, const std::string& claim) const {
  // Every error of the control plane is "later": the router keeps its nonce and its claim.
  if (!answer.ok()) return Away();
  switch (answer->verdict) {
    case ClaimVerdict::kOk:
    case ClaimVerdict::kUsedUp:
      break;
    // A router sees a failed fetch with a number either way; people see the word.
    case ClaimVerdict::kExpired:
    case ClaimVerdict::kWrongAddress:
      return Refusal(403, WordFor(answer->verdict));
    default:
      return Refusal(401, WordFor(answer->verdict));
  }
  absl::StatusOr<std::string> installer = render_(version, claim, *answer);
  if (!installer.ok()) return Refusal(400, "bad version");
  return Reply{.text = *std::move(installer)};
}

void EnrolmentDesk::GiveInstaller(absl::string_view version, absl::string_view claim,
                                  absl::string_view source_address, ReplyDone done) {
  const std::string bytes = ClaimBytes(claim);
  if (bytes.empty()) return done(Refusal(401, "claim-unknown"));
  const std::string network = NetworkOf(source_address);
  if (!BeginQuestion(network)) return done(TooMany());
  control_plane_.CheckClaim(
      {bytes, std::string(source_address)},
      [this, network, version = std::string(version), claim = std::string(claim),
       done = std::move(done)](const absl::StatusOr<ClaimAnswer>& answer) {
        EndQuestion(network);
        done(InstallerFor(answer, version, claim));
      });
}

Reply EnrolmentDesk::EnrolmentReply(const absl::StatusOr<EnrolmentAnswer>& answer) {
  // Repeating it would not help, so it is no 503.
  if (absl::IsInvalidArgument(answer.status())) return Refusal(400, "bad enrolment");
  if (!answer.ok()) return Away();
  if (answer->verdict != ClaimVerdict::kOk) return Reply{.text = WordFor(answer->verdict)};
  // Before the reply, so that the first beat meets its record.
  if (answer->record.device) devices_.Put(answer->record);
  return Reply{.text = absl::StrCat("T", answer->token.Reveal())};
}

void EnrolmentDesk::Enroll(absl::string_view claim, absl::string_view body,
                           absl::string_view source_address, ReplyDone done) {
  const std::string bytes = ClaimBytes(claim);
  if (bytes.empty()) return done(Reply{.text = WordFor(ClaimVerdict::kUnknown)});
  // Without a code page: which organization's it would be is known only after the claim was looked
  // up.
  const absl::StatusOr<routeros::Enrolment> enrolment = routeros::ParseEnrolment(body);
  if (!enrolment.ok()) return done(Refusal(400, std::string(enrolment.status().message())));
  const std::string network = NetworkOf(source_address);
  if (!BeginQuestion(network)) return done(TooMany());
  control_plane_.Enroll(
      {bytes, std::string(source_address)}, *enrolment,
      [this, network, done = std::move(done)](const absl::StatusOr<EnrolmentAnswer>& answer) {
        EndQuestion(network);
        done(EnrolmentReply(answer));
      });
}

}  // namespace muster::edge
