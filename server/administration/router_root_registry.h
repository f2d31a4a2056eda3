// The roots that routers trust, as the platform's operators see and change them: one takes the
// place of another only when every live router says that it holds it.
//
// What a router trusts is what it reports, never what it was sent: a router that was off, or was
// restored from a backup, counts as what it said last.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   looks at each device of all organizations (about 5 us a device); a change waits
//           until it is applied.
// Errors:   NotFound; FailedPrecondition where routers would fall silent, saying how many, which
//           first, and what to do.
// Example:  tests/api/router_root_service_test.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/pki/router_roots.h"
#include "server/state/state.h"

namespace muster::server {

// A root with what routers and edges say of it.
struct RouterRootReport {
  RouterRoot root;
  std::string sha256;
  absl::Time not_after;
  // Live devices that hold it, and those that have not said so; revoked ones count nowhere.
  size_t trusting = 0;
  size_t lacking = 0;
  // The first ten of these: full names, and "(their title)" for people.
  std::vector<std::string> lacking_devices;
  std::vector<std::string> lacking_titles;
  // Ids of edges whose leaves end in it.
  std::vector<std::string> edges;
};

class RouterRootRegistry {
 public:
  // `on_active` is told the PEM of a root that was activated.
  RouterRootRegistry(const State& state, CommandLog& log, const Secret& master_key,
                     const Clock& clock, std::function<void(const std::string&)> on_active)
      : state_(state),
        log_(log),
        master_key_(master_key),
        clock_(clock),
        on_active_(std::move(on_active)) {}

  // By number.
  absl::StatusOr<std::vector<RouterRootReport>> List() const;
  // With call.validate_only nothing is made, and the answer has a number but no certificate.
  absl::StatusOr<RouterRootReport> Create(const Caller& caller, const AuditedCall& call);
  // `accept_cut_off`: so many devices may fall silent.
  absl::StatusOr<RouterRootReport> Activate(const Caller& caller, const AuditedCall& call,
                                            uint32_t number, size_t accept_cut_off);
  absl::StatusOr<RouterRootReport> Retire(const Caller& caller, const AuditedCall& call,
                                          uint32_t number, size_t accept_cut_off);

 private:
  absl::StatusOr<RouterRootReport> Find(uint32_t number) const;
  void LookAtDevices(std::vector<RouterRootReport>& reports) const;
  void LookAtEdges(std::vector<RouterRootReport>& reports) const;
  absl::Status CheckEdgesFollow() const;

  const State& state_;
  CommandLog& log_;
  const Secret& master_key_;
  const Clock& clock_;
  const std::function<void(const std::string&)> on_active_;
};

}  // namespace muster::server
