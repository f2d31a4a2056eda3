// What can happen to a device: the one list of kinds of events. The control plane writes events of
// these kinds only and refuses to look for others, the command line completes them.
//
// A word that was released stays: clients compare it, and rows with it lie in states. A new kind is
// a new row in both lists and in docs/api.md. Events of a kind that is not here (a newer program
// wrote them) are shown as they are.
//
// Threads:  pure functions; safe from any thread.
// Example:  event_kinds_test.cc.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace muster {

// In the order of their words. The numbers are kept nowhere.
enum class EventKind {
  kAccepted,
  kAddressChanged,
  kAgentChanged,
  kAgentOfferEnded,
  kAgentOffered,
  kClone,
  kControlPlaneRestored,
  kDeleted,
  kEnrolled,
  kEnrolledAgain,
  kHardwareChanged,
  kIdentityAccepted,
  kIdentityChanged,
  kImpossibleNumber,
  kLateResult,
  kMoved,
  kOrphanResult,
  kPending,
  kPreregistered,
  kRanAlthoughCancelled,
  kRebooted,
  kReleaseFailed,
  kReleased,
  kReleasing,
  kReplaced,
  kResynced,
  kRouterStateWentBack,
  kSecondResult,
  kSerialChanged,
  kSerialKnown,
  kSiteChanged,
  kTokenRevoked,
  kTokenRotated,
  kUnknownNumber,
  kVersionChanged,
  kVersionUnreadable,
};

struct EventKindText {
  EventKind kind;
  // As in DeviceEvent.kind of the public API.
  absl::string_view word;
  // One line for people.
  absl::string_view meaning;
};

// All of them, by word.
absl::Span<const EventKindText> EventKinds();

absl::string_view WordOf(EventKind kind);

// Nullopt where no kind has that word.
std::optional<EventKind> FindEventKind(absl::string_view word);

}  // namespace muster
