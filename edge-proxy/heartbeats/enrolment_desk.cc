#include "edge-proxy/heartbeats/enrolment_desk.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster::edge {
namespace {

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
    default:
      return "claim-unknown";
  }
}

// A used-up claim still gets the installer: the same router may run its line again, and enrolment
// decides.
Reply InstallerReply(const absl::StatusOr<ClaimAnswer>& answer, std::string installer) {
  if (!answer.ok()) return Away();
  switch (answer->verdict) {
    case ClaimVerdict::kOk:
    case ClaimVerdict::kUsedUp:
      return Reply{.text = std::move(installer)};
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
  const absl::StatusOr<routeros::Enrolment> enrolment = routeros::ParseEnrolment(body);
  if (!enrolment.ok()) return done(Refusal(400, std::string(enrolment.status().message())));
  control_plane_.Enroll(
      {bytes, std::string(source_address)}, *enrolment,
      [this, done = std::move(done)](const absl::StatusOr<EnrolmentAnswer>& answer) {
        if (absl::IsInvalidArgument(answer.status())) return done(Refusal(400, "bad enrolment"));
        if (!answer.ok()) return done(Away());
        if (answer->verdict != ClaimVerdict::kOk) {
          return done(Reply{.text = WordFor(answer->verdict)});
        }
        if (answer->record.device) devices_.Put(answer->record);
        done(Reply{.text = absl::StrCat("T", answer->token.Reveal())});
      });
}

}  // namespace muster::edge
