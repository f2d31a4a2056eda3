#include "common/event_kinds/event_kinds.h"

#include <cstddef>
#include <iterator>

namespace muster {
namespace {

using enum EventKind;

constexpr EventKindText kKinds[] = {
    {kAccepted, "accepted", "an operator accepted a device that was pending; it gets jobs now"},
    {kAddressChanged, "address-changed", "the router comes from another address"},
    {kAgentChanged, "agent-changed", "the router runs another version of the agent"},
    {kAgentOfferEnded, "agent-offer-ended", "an agent is no longer offered to the router"},
    {kAgentOffered, "agent-offered", "the router is offered another agent"},
    {kClone, "clone", "two routers use this identity; jobs are held"},
    {kControlPlaneRestored, "control-plane-restored",
     "the control plane was restored from a backup; jobs are held"},
    {kDeleted, "deleted", "an operator deleted the device; its token is refused"},
    {kEnrolled, "enrolled", "the router joined with a claim"},
    {kEnrolledAgain, "enrolled-again", "the line was run again on the router; it kept its id"},
    {kHardwareChanged, "hardware-changed",
     "another board than the accepted one uses this identity; jobs are held"},
    {kIdentityAccepted, "identity-accepted", "an operator accepted the board; jobs go on"},
    {kIdentityChanged, "identity-changed", "the router's name (/system identity) is another one"},
    {kImpossibleNumber, "impossible-number",
     "the router reports a job number that lies years ahead; it is not believed"},
    {kLateResult, "late-result", "a result of an earlier attempt of a job came late"},
    {kMoved, "moved", "the device came from another organization"},
    {kOrphanResult, "orphan-result", "a result came for a job that the control plane doesn't know"},
    {kPending, "pending", "the device gets no jobs until an operator accepts it"},
    {kPreregistered, "preregistered",
     "the device got the name, site and labels that were imported for its serial number"},
    {kRanAlthoughCancelled, "ran-although-cancelled", "a result came of a job that was cancelled"},
    {kRebooted, "rebooted", "the router came back with another boot"},
    {kReleaseFailed, "release-failed", "the job that takes the agent off did not succeed"},
    {kReleased, "released", "the agent is off the router"},
    {kReleasing, "releasing", "a job takes the agent off the router"},
    {kReplaced, "replaced", "a router joined in the place of this one; jobs are held"},
    {kResynced, "resynced", "an operator took the router's last job as it says; jobs go on"},
    {kRouterStateWentBack, "router-state-went-back",
     "the router reports an older job number than before; jobs are held"},
    {kSecondResult, "second-result", "another result of a job came; the first one stands"},
    {kSerialChanged, "serial-changed", "the router reports another serial number"},
    {kSerialKnown, "serial-known", "another device has the serial number of this one"},
    {kSiteChanged, "site-changed", "the device belongs to another site"},
    {kTokenRevoked, "token-revoked", "every token of the router is refused"},
    {kTokenRotated, "token-rotated", "the router uses its new token; the old one is refused"},
    {kUnknownNumber, "unknown-number",
     "the router reports a job number that the control plane never gave"},
    {kVersionChanged, "version-changed", "the router runs another RouterOS version"},
    {kVersionUnreadable, "version-unreadable",
     "the router reports a version that can't be read; jobs wait"},
};

// So that a kind is found by its number, and lists are in the order of words.
constexpr bool AreInOrder() {
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    if (kKinds[i].kind != static_cast<EventKind>(i)) return false;
    if (i > 0 && kKinds[i - 1].word >= kKinds[i].word) return false;
  }
  return true;
}
static_assert(AreInOrder());
static_assert(kVersionUnreadable == static_cast<EventKind>(std::size(kKinds) - 1));

}  // namespace

absl::Span<const EventKindText> EventKinds() { return kKinds; }

absl::string_view WordOf(EventKind kind) { return kKinds[static_cast<size_t>(kind)].word; }

std::optional<EventKind> FindEventKind(absl::string_view word) {
  for (const EventKindText& known : kKinds) {
    if (known.word == word) return known.kind;
  }
  return std::nullopt;
}

}  // namespace muster
