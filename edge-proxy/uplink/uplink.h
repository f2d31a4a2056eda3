// Keeps the edge connected to the control plane: one stream, opened again whenever it ends, and the
// calls that routers wait for.
//
// Threads:  safe to call from any thread. Has two of its own and one per stream.
// Owns:     its threads and channels; everything in UplinkParts must outlive this object.
// Blocks:   Start never; Stop until every open call has been answered.
// Example:  uplink_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "edge-proxy/heartbeats/control_plane.h"
#include "edge-proxy/uplink/identity.h"
#include "edge-proxy/uplink/outbox.h"
#include "edge-proxy/uplink/session.h"

namespace muster::edge {

struct UplinkParts {
  // "HOST:PORT", tried in turn.
  std::vector<std::string> controls;
  CorrectedClock& clock;
  const Clock& own_clock;
  Outbox& outbox;
  DeviceTable& devices;
  JobShelf& jobs;
  TokenGate& gate;
  const ContactBook& contacts;
  // Called with an identity that was renewed; it is to be kept and used.
  std::function<absl::Status(const Identity&)> on_renewed;
};

class Uplink : public ControlPlane {
 public:
  Uplink(UplinkParts parts, Identity identity);
  ~Uplink() override;

  void Start();
  // There is something to send, or it should be looked at.
  void Wake();

  // True once the control plane has welcomed this edge, ever or now.
  bool WaitForWelcome(absl::Duration at_most) const;
  bool welcomed_once() const;
  bool connected() const;

  // Waits until all that was taken is acknowledged, or the time is over.
  void Flush(absl::Duration at_most);
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
