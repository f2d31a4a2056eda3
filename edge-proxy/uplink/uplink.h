// Keeps the edge connected to the control plane: one stream, opened again whenever it ends, and the
// calls that routers wait for.
//
// The stream is synchronous gRPC on a thread of its own with a second one that reads: one stream
// needs no reactor, and a write that blocks stops the sending, which is the back-pressure that is
// wanted. Logic is in Session and Outbox, which need no gRPC to be tested.
//
// Threads:  safe to call from any thread. Has two of its own and one per stream.
// Owns:     its threads and channels; everything in UplinkParts must outlive this object.
// Blocks:   Start never; Stop until every open call has been answered (4.5 s at most); on_renewed
//           runs on a thread of the uplink.
// Errors:   calls answer Unavailable while there is no welcomed stream, and what the control plane
//           answers else.
// Example:  uplink_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "edge-proxy/heartbeats/control_plane.h"
#include "edge-proxy/heartbeats/router_roots.h"
#include "edge-proxy/uplink/identity.h"
#include "edge-proxy/uplink/outbox.h"
#include "edge-proxy/uplink/session.h"

namespace muster::edge {

struct UplinkParts {
  // The next one with each attempt, also after a stream that was good.
  // "HOST:PORT", tried in turn.
  std::vector<std::string> controls;
  CorrectedClock& clock;
  const Clock& own_clock;
  Outbox& outbox;
  DeviceTable& devices;
  JobShelf& jobs;
  TokenGate& gate;
  const ContactBook& contacts;
  FastBeats& fast;
  // Of the identity; kept up with what the control plane says and what was renewed.
  RouterRoots& roots;
  // Called with an identity that was renewed; it is to be kept and used.
  std::function<absl::Status(const Identity&)> on_renewed;
};

class Uplink : public ControlPlane {
 public:
  Uplink(UplinkParts parts, Identity identity);
  ~Uplink() override;

  // Once. A control plane that can't be reached is tried again for as long as the edge runs: first
  // within seconds, at last within 30, at random, so that a thousand edges don't come back in one
  // moment.
  void Start();
  // Cheap, and may be called with nothing to send.
  // There is something to send, or it should be looked at.
  void Wake();

  // Ends early only by a welcome.
  // True once the control plane has welcomed this edge, ever or now.
  bool WaitForWelcome(absl::Duration at_most) const;
  bool welcomed_once() const;
  // A stream that was welcomed is open now.
  bool connected() const;

  // Gives up at once where no stream is open.
  // Waits until all that was taken is acknowledged, or the time is over.
  void Flush(absl::Duration at_most);
  // Repeating does nothing. `done` of every call has been called when it returns.
  void Stop();

  void CheckClaim(const ClaimQuestion& question,
                  std::function<void(absl::StatusOr<ClaimAnswer>)> done) override;
  void Enroll(const ClaimQuestion& question, const routeros::Enrolment& enrolment,
              std::function<void(absl::StatusOr<EnrolmentAnswer>)> done) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace muster::edge
