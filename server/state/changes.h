// What watchers and the dispatcher to the edges hear after an entry was applied: that something
// changed, never what. Whoever cares reads the state, so that many changes of one thing cost one
// message, and a slow reader misses steps but never the last state.
//
// Threads:  values.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/ids/ids.h"

namespace muster::server {

enum class ChangeKind : uint8_t {
  // What an edge or an operator may know of a device has changed (not: a check-in came).
  // `edge` empty.
  kDevice,
  // It has come online, gone offline, or nobody knows any more.
  kDeviceOnline,
  // `edge` serves the device from now on: it wants the record.
  kDeviceAtEdge,
  // A tombstone was made, or the least epoch raised: every edge wants to know.
  kDeviceRevoked,
  // Another token is on its way to it: what was known of its secrets counts no more.
  kDeviceRekeyed,
  // Job `number` of `device` shall lie at `edge`: State::FindEdgeJob has it.
  kJobPut,
  // Job `number` of `device` shall lie at `edge` no longer; the edge answers with REMOVED.
  kJobRemove,
  // Job `number` of `device` runs and is to be stopped: `edge` answers `K`.
  kJobStop,
  // `edge` shall let `device` beat fast for `number` seconds.
  kFastBeats,
  // The target (job, device) has changed.
  kJobTarget,
  // The job itself was made, or has ended.
  kJob,
  // `edge` was made, has joined, or was revoked; or has a newer session (older streams must end).
  kEdge,
  // Keys were made or revoked.
  kApiKey,
  // An organization was made or changed: every edge wants its devices' records again.
  kOrganization,
  // A root that routers trust was made, activated or retired: every edge wants to know.
  kRouterRoots,
  // A node was added or removed.
  kMember,
};

struct Change {
  ChangeKind kind = ChangeKind::kDevice;
  OrganizationId organization;
  DeviceId device;
  JobId job;
  uint64_t number = 0;
  std::string edge;
};

// The changes of one entry, in order; a resume token is (log id, index, place).
struct ChangeBatch {
  uint64_t index = 0;
  std::vector<Change> changes;
};

using ChangeListener = std::function<void(const ChangeBatch&)>;

// Ends its subscription when it is destroyed.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

}  // namespace muster::server
