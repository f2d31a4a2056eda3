// The calls of the device protocol, without sockets: which call a request is, whether it may be
// heard, and its reply.
//
// Two steps, because a stranger must not cost more than a head: Hear decides from the head alone,
// so that a forged token is refused before up to 16 KiB of body are read; Take answers.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; everything in CallParts must outlive this object and every call.
// Blocks:   never.
// Errors:   none; what is wrong becomes the reply. 401 for every token that may not be heard, 503
//           where it can't be told, 429 for a device that calls too often (device_pace.h).
// Example:  calls_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "edge-proxy/heartbeats/contact_book.h"
#include "edge-proxy/heartbeats/device_pace.h"
#include "edge-proxy/heartbeats/enrolment_desk.h"
#include "edge-proxy/heartbeats/heartbeat_desk.h"
#include "edge-proxy/heartbeats/metrics.h"
#include "edge-proxy/heartbeats/reply.h"
#include "edge-proxy/heartbeats/script_desk.h"
#include "edge-proxy/heartbeats/token_gate.h"
#include "edge-proxy/http/payload_path.h"

namespace muster::edge {

// The head of a request.
// Views into the connection's reader: they end with the next byte that is read.
struct Asked {
  absl::string_view method;
  absl::string_view target;
  // The value of Authorization, or empty.
  absl::string_view authorization;
};

// A request whose head was heard; its body may follow.
// Holds copies, unlike Asked: it lives until the answer, over reads of the body.
struct Heard {
  Call call = Call::kOther;
  // Set: answer this without reading the body.
  std::optional<Reply> refusal;
  // Of heartbeats and results.
  // `known` is false where the control plane has still to check the secret.
  Caller caller;
  // Behind "Claim ", for installer and enrolment.
  std::string claim;
  // Not checked here: an empty or malformed one is refused when it is looked up.
  // Of /b/VERSION and /agent/VERSION.
  std::string version;
  // Of /v1/payload.
  PayloadPath payload;
  // For `device doctor`, which shows refusals too. A device can't be blamed by strangers: without a
  // token key nobody can make a seal that names it.
  // Whose token it was, as its seal says, also where it was refused; none where it can't be told.
  DeviceId speaker;
};

// One of each for the whole edge; all loops share them.
struct CallParts {
  TokenGate& gate;
  HeartbeatDesk& heartbeats;
  EnrolmentDesk& enrolments;
  const ScriptDesk& scripts;
  ContactBook& contacts;
  DevicePace& pace;
  Metrics& metrics;
  // Corrected by the control plane's offset.
  const Clock& clock;
  // Asked at each call, so that it may change while the edge runs.
  // PEM; what /ca.pem answers.
  std::function<std::string()> router_root;
  // False: /readyz answers 503.
  std::function<bool()> ready;
};

class Calls {
 public:
  explicit Calls(CallParts parts) : parts_(std::move(parts)) {}

  // Answers always; never waits and never keeps `asked`.
  // Looks at the head alone: the token is opened here, before any byte of the body is read.
  Heard Hear(const Asked& asked) const;

  // Must not be called for one that was refused. `body` and `source_address` (4 or 16 bytes) are
  // copied where they are needed after the return.
  // Answers a request that Hear did not refuse. `done` is called once, perhaps before Take returns,
  // perhaps from another thread.
  void Take(const Heard& heard, absl::string_view body, absl::string_view source_address,
            ReplyDone done) const;

  // Repeating would add a second contact. Nothing happens where no token could be read: strangers
  // take no memory.
  // Remembers what a router whose token could be read was answered.
  void Remember(const Heard& heard, const Reply& reply, const ConnectionFacts& connection) const;

 private:
  void HearToken(const Asked& asked, Heard& heard) const;
  void KeepPace(Heard& heard) const;

  const CallParts parts_;
};

}  // namespace muster::edge
