// Lets new routers in: the installer for a claim, and the token for an enrolment.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `control_plane` and `devices` must outlive this object.
// Blocks:   never; the control plane is asked in the background.
// Example:  calls_test.cc.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge-proxy/heartbeats/control_plane.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/reply.h"

namespace muster::edge {

// Renders the installer for a claim (32 hex digits) by its terms; InvalidArgument for a version
// that Muster doesn't know.
using RenderInstallerFor = std::function<absl::StatusOr<std::string>(
    absl::string_view version, absl::string_view claim, const ClaimAnswer& terms)>;

class EnrolmentDesk {
 public:
  EnrolmentDesk(ControlPlane& control_plane, DeviceTable& devices, RenderInstallerFor render)
      : control_plane_(control_plane), devices_(devices), render_(std::move(render)) {}

  // `claim` is the text behind "Claim ". 200 with the installer; 400, 401, 403 or 503.
  void GiveInstaller(absl::string_view version, absl::string_view claim,
                     absl::string_view source_address, ReplyDone done);

  // 200 with "T" + token or an error word; 400 or 503.
  void Enroll(absl::string_view claim, absl::string_view body, absl::string_view source_address,
              ReplyDone done);

 private:
  ControlPlane& control_plane_;
  DeviceTable& devices_;
  const RenderInstallerFor render_;
};

// 16 bytes for 32 lower-case hex digits, else empty.
std::string ClaimBytes(absl::string_view claim);

}  // namespace muster::edge
