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

// A used-up claim still gets the installer: the same router may run its line again, and enrolment
// decides.
Reply InstallerReply(const absl::StatusOr<ClaimAnswer>& answer, std::string installer) {
  // Every error of the control plane is "later": the router keeps its nonce and its claim.
  if (!answer.ok()) return Away();
  switch (answer->verdict) {
    case ClaimVerdict::kOk:
    case ClaimVerdict::kUsedUp:
      return Reply{.text = std::move(installer)};
    // A router sees a failed fetch with a number either way; people see the word.
    case ClaimVerdict::kExpired:
    case ClaimVerdict::kWrongAddress:
      return Refusal(403, WordFor(answer->verdict));
    default:
      return Refusal(401, WordFor(answer->verdict));
  }
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

void EnrolmentDesk::GiveInstaller(absl::string_view version, absl::string_view claim,
                                  absl::string_view source_address, ReplyDone done) {
  const std::string bytes = ClaimBytes(claim);
  if (bytes.empty()) return done(Refusal(401, "claim-unknown"));
  // Rendered also where the answer will be a refusal, so that a bad version is told as such.
  control_plane_.CheckClaim({bytes, std::string(source_address)},
                            [this, version = std::string(version), claim = std::string(claim),
                             done = std::move(done)](const absl::StatusOr<ClaimAnswer>& answer) {
                              absl::StatusOr<std::string> installer =
                                  render_(version, claim, answer.value_or(ClaimAnswer()));
                              if (!installer.ok()) return done(Refusal(400, "bad version"));
                              done(InstallerReply(answer, *std::move(installer)));
                            });
}

void EnrolmentDesk::Enroll(absl::string_view claim, absl::string_view body,
                           absl::string_view source_address, ReplyDone done) {
  const std::string bytes = ClaimBytes(claim);
  if (bytes.empty()) return done(Reply{.text = WordFor(ClaimVerdict::kUnknown)});
  // Without a code page: which organization's it would be is known only after the claim was looked
  // up.
  const absl::StatusOr<routeros::Enrolment> enrolment = routeros::ParseEnrolment(body);
  if (!enrolment.ok()) return done(Refusal(400, std::string(enrolment.status().message())));
  control_plane_.Enroll(
      {bytes, std::string(source_address)}, *enrolment,
      [this, done = std::move(done)](const absl::StatusOr<EnrolmentAnswer>& answer) {
        // Repeating it would not help, so it is no 503.
        if (absl::IsInvalidArgument(answer.status())) return done(Refusal(400, "bad enrolment"));
        if (!answer.ok()) return done(Away());
        if (answer->verdict != ClaimVerdict::kOk) {
          return done(Reply{.text = WordFor(answer->verdict)});
        }
        // Before the reply, so that the first beat meets its record.
        if (answer->record.device) devices_.Put(answer->record);
        done(Reply{.text = absl::StrCat("T", answer->token.Reveal())});
      });
}

}  // namespace muster::edge
