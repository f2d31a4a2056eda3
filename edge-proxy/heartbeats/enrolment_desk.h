// Lets new routers in: the installer for a claim, and the token for an enrolment. The only calls
// that strangers can make the control plane work by, and the only ones that it must answer while a
// router waits.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `control_plane` and `devices` must outlive this object, and every answer must
//           have come before it goes.
// Blocks:   never; the control plane is asked in the background.
// Errors:   none; what is wrong becomes the reply, 503 while the control plane is away, 429 while
//           too many ask (QuestionLimits).
// Example:  calls_test.cc.
#pragma once

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/sync/mutex.h"
#include "edge-proxy/heartbeats/control_plane.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/reply.h"

namespace muster::edge {

// Renders the installer for a claim (32 hex digits) by its terms; InvalidArgument for a version
// that Muster doesn't know.
using RenderInstallerFor = std::function<absl::StatusOr<std::string>(
    absl::string_view version, absl::string_view claim, const ClaimAnswer& terms)>;

// Questions that the control plane has not answered yet. It answers in milliseconds, so these bound
// what strangers can pile up there, and not how fast a site is joined.
struct QuestionLimits {
  size_t in_flight = 512;
  // IPv6: per /64.
  size_t in_flight_per_address = 128;
};

class EnrolmentDesk {
 public:
  EnrolmentDesk(ControlPlane& control_plane, DeviceTable& devices, RenderInstallerFor render,
                const QuestionLimits& limits = {})
      : control_plane_(control_plane),
        devices_(devices),
        render_(std::move(render)),
        limits_(limits) {}

  // Asks at each call; a claim is not used up by it. A malformed claim is refused here.
  // `claim` is the text behind "Claim ". 200 with the installer; 400, 401, 403, 429 or 503.
  // Rendered only for a claim that is good.
  void GiveInstaller(absl::string_view version, absl::string_view claim,
                     absl::string_view source_address, ReplyDone done);

  // A refusal by its word is 200 too: RouterOS throws the body of any other status away (fetch
  // raises), and the installer has to tell the person at the terminal why. The same claim and nonce
  // again gives the same device a fresh token.
  // 200 with "T" + token or an error word; 400, 429 or 503.
  void Enroll(absl::string_view claim, absl::string_view body, absl::string_view source_address,
              ReplyDone done);

 private:
  // False: too many are on their way; else EndQuestion must follow its answer.
  bool BeginQuestion(const std::string& network);
  void EndQuestion(const std::string& network);
  Reply InstallerFor(const absl::StatusOr<ClaimAnswer>& answer, const std::string& version,
                     const std::string& claim) const;
  Reply EnrolmentReply(const absl::StatusOr<EnrolmentAnswer>& answer);

  ControlPlane& control_plane_;
  DeviceTable& devices_;
  const RenderInstallerFor render_;
  const QuestionLimits limits_;
  Mutex mutex_;
  size_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of addresses that have asked and wait.
  absl::flat_hash_map<std::string, size_t> in_flight_of_ ABSL_GUARDED_BY(mutex_);
};

// Upper case is refused: one spelling of a claim, as of a token.
// 16 bytes for 32 lower-case hex digits, else empty.
std::string ClaimBytes(absl::string_view claim);

}  // namespace muster::edge
