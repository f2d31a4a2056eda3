// Who a device is, as operators decide it: accepted, resynced, moved, released, its tokens; and
// routers that have not joined yet.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables; changes wait until they are applied.
// Errors:   NotFound for a device of another organization, as for one that never was;
//           FailedPrecondition where the device is in no state for it, saying what to do instead.
// Example:  tests/api/device_identity_service_test.cc; the rules in state/identity_rules_test.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/pki/certificate_issuer.h"
#include "server/pki/organization_keys.h"
#include "server/state/state.h"

namespace muster::server {

struct ReleasedDevice {
  Device device;
  // The job that takes the agent off.
  JobId job;
};

class DeviceIdentity {
 public:
  static constexpr size_t kMostImported = 2'000;

  DeviceIdentity(const State& state, CommandLog& log, const Secret& master_key,
                 const CertificateIssuer& issuer)
      : state_(state), log_(log), organization_keys_(state, master_key), issuer_(issuer) {}

  // Each of these answers the device as it is afterwards.
  // Lets a device that waits for acceptance get jobs; without effect where it does not wait.
  absl::StatusOr<Device> Accept(const OrganizationScope& scope, const AuditedCall& call,
                                DeviceId id);
  // Takes the board that reports now for the device's own, and lets its jobs go on.
  // FailedPrecondition where its hardware is not in question.
  absl::StatusOr<Device> AcceptHardware(const OrganizationScope& scope, const AuditedCall& call,
                                        DeviceId id);
  // Takes the job number that the router reports now for its last one, and lets its jobs go on.
  // FailedPrecondition where its state did not go back.
  absl::StatusOr<Device> Resync(const OrganizationScope& scope, const AuditedCall& call,
                                DeviceId id);
  // `to` must be a scope that the same caller entered.
  absl::StatusOr<Device> Move(const OrganizationScope& scope, const AuditedCall& call, DeviceId id,
                              const OrganizationScope& to);
  // A repetition under the same request id answers the same job.
  // Its job waits 7 days for the router, then the release has failed.
  absl::StatusOr<ReleasedDevice> Release(const OrganizationScope& scope, const AuditedCall& call,
                                         DeviceId id);
  // Sends a new token with an agent update; the old one is good until the router has proved the new
  // one.
  absl::StatusOr<Device> RotateToken(const OrganizationScope& scope, const AuditedCall& call,
                                     DeviceId id);
  // Refuses every token of the device at once; only a claim that replaces it lets it in again.
  absl::StatusOr<Device> RevokeToken(const OrganizationScope& scope, const AuditedCall& call,
                                     DeviceId id);
  // Lists what Muster has on the router, one item a line. FailedPrecondition before its first
  // check-in.
  absl::StatusOr<std::string> Preview(const OrganizationScope& scope, DeviceId id) const;
  // Sets how often it beats, by an agent update: the interval stands in the text, replies can't
  // change it.
  absl::StatusOr<Device> SetProfile(const OrganizationScope& scope, const AuditedCall& call,
                                    DeviceId id, Profile profile);
  // None: the edge that renders the text.
  absl::StatusOr<Device> SetUrls(const OrganizationScope& scope, const AuditedCall& call,
                                 DeviceId id, const std::vector<std::string>& urls);

  // Keeps names, sites and labels for routers that have not joined; a row replaces an earlier one
  // of the same serial number. All or nothing: InvalidArgument naming the row. Answers the serial
  // numbers that have joined already, whose rows change nothing.
  absl::StatusOr<std::vector<std::string>> Import(const OrganizationScope& scope,
                                                  const AuditedCall& call,
                                                  const std::vector<Preregistration>& rows,
                                                  bool validate_only);
  std::vector<Preregistration> ListPreregistrations(const OrganizationScope& scope,
                                                    absl::string_view after, size_t limit) const;
  absl::Status DeletePreregistration(const OrganizationScope& scope, const AuditedCall& call,
                                     absl::string_view serial_number);

  // The device, if it is of the organization and no tombstone.
  absl::StatusOr<Device> FindLive(const OrganizationScope& scope, DeviceId id) const;

 private:
  // OK where FindLive finds it, and for a repetition: that gets the first answer, whatever has
  // become of the device since.
  absl::Status CheckLive(const OrganizationScope& scope, const AuditedCall& call,
                         DeviceId id) const;
  // Proposes `command` for the device, then reads it; after a repetition also a tombstone.
  absl::StatusOr<Device> Propose(const OrganizationScope& scope, internal::v1::Command command,
                                 DeviceId id);

  const State& state_;
  CommandLog& log_;
  const OrganizationKeys organization_keys_;
  const CertificateIssuer& issuer_;
};

}  // namespace muster::server
