// What the edge knows of the devices that it serves: the control plane's record, and what their
// beats said last.
//
// The two have different lives: a record comes and goes with the stream, what beats said stays
// while the process runs and is lost with it. Nothing is written to disk, so a restarted edge knows
// no device until its first snapshot; until then routers are heard, answered `0` and forwarded.
//
// Threads:  safe to call from any thread.
// Blocks:   never.
// Units:    a device takes less than 512 bytes, its contacts included.
// Example:  calls_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "common/sync/mutex.h"
#include "edge-proxy/heartbeats/agent_offer.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::edge {

struct DeviceRecord {
  DeviceId device;
  OrganizationId organization;
  uint32_t least_epoch = 0;
  // A check of another edge's key does not fit here: what one edge knows is worth nothing
  // elsewhere.
  // 16 bytes: what the right secret gives under this edge's key.
  std::string secret_check;
  // 0: the edge's setting.
  uint32_t interval_seconds = 0;
  bool monitor_only = false;
  routeros::CodePage code_page = routeros::CodePage::kNone;
  // Both tokens are good until the router reports the new generation: an update that fails on the
  // way leaves a router that still shows the old one.
  // While a new token is on its way to the router: one of this epoch or above must fit
  // `next_secret_check`. 0: none is.
  uint32_t next_epoch = 0;
  std::string next_secret_check;
  // nullptr: the device keeps what it runs.
  std::shared_ptr<const AgentOffer> offer;
  // The router disables its scheduler entries by that; removing the agent was the job before it.
  // Every beat is answered `X`.
  bool released = false;
};

// A router is told of new agent text at most so often: while it tries one, and for the next 30
// times after one that failed (an hour at this pace), the agent does nothing about it.
inline constexpr absl::Duration kUpdatePause = absl::Minutes(2);

// A floor, not a list of tokens: every token of the device with a lower epoch is refused.
struct Revocation {
  DeviceId device;
  uint32_t least_epoch = 0;
};

// The seal was opened already; this is about the secret in it.
// What a token may do here.
enum class Standing {
  kKnown,        // the secret is right
  kUnknown,      // no record: may be heard, the control plane checks
  kRevoked,      // deleted, or of an old epoch
  kWrongSecret,  // sealed here, but not this device's secret
};

class DeviceTable {
 public:
  // Replaces the record of that device, or adds it; what its beats said stays. Order matters to the
  // caller only: the last one put counts.
  void Put(const DeviceRecord& record);
  // Forgets the record and what beats said; the device is unknown from now on, not refused: that is
  // what a revocation is for.
  void Remove(DeviceId device);
  // A snapshot of the stream: what is not in it is gone, as by Remove.
  // Replaces every record; what beats said stays for devices that stay.
  void ReplaceAll(const std::vector<DeviceRecord>& records);

  // Replaces the set (Welcome brings all of it) or raises one floor (a delta). A floor is never
  // lowered by AddRevocation, so that deltas may come twice.
  void SetRevocations(const std::vector<Revocation>& revocations);
  void AddRevocation(const Revocation& revocation);

  struct Judgement {
    Standing standing = Standing::kUnknown;
    uint32_t interval_seconds = 0;
    bool monitor_only = false;
    routeros::CodePage code_page = routeros::CodePage::kNone;
    bool released = false;
  };
  // Answers from memory in constant time of the secret. The organization stands in the seal and
  // must be the record's: a device that was moved needs a new token.
  Judgement Judge(DeviceId device, OrganizationId organization, uint32_t epoch,
                  absl::string_view secret_check) const;

  // The offer may be one that is not offered now.
  // The agent text that the device should have; nullptr where none is named.
  std::shared_ptr<const AgentOffer> OfferOf(DeviceId device) const;

  // True where the device is offered agent text of `own_version` other than what it says it runs,
  // and was not told so within kUpdatePause: it is to be told now.
  // Notes the moment, so the same beat asked twice is told once.
  bool TakeUpdate(DeviceId device, absl::string_view reported_agent, absl::string_view own_version,
                  absl::Time now);

  // The check that proves to the control plane that this edge serves the device; empty for a device
  // without a record.
  std::string SecretCheckOf(DeviceId device) const;

  // What the device's earlier beats say about this one.
  struct Memory {
    // This beat included.
    uint64_t highest_reported = 0;
    bool went_back = false;
    // The facts differ from those that went upstream in this session.
    bool facts_are_new = true;
    // So does the agent that it names; for beats without facts.
    bool agent_is_new = true;
  };
  // Remembers what the beat says and answers how it differs from the one before. For an unknown
  // device the answer reads as for a first beat.
  // Unknown devices are not remembered.
  Memory RecordBeat(DeviceId device, const routeros::Heartbeat& beat);

  // Nothing is forgotten at once: the next beat of each device finds that its facts are of an older
  // session.
  // A new session, or check-ins were lost: facts have to be sent once more.
  void ForgetSentFacts();

  size_t size() const;

 private:
  struct Row {
    OrganizationId organization;
    uint64_t secret_check[2] = {0, 0};
    uint64_t next_secret_check[2] = {0, 0};
    std::shared_ptr<const AgentOffer> offer;
    uint32_t least_epoch = 0;
    uint32_t next_epoch = 0;
    // 0: never told.
    // Seconds since 1970 when it was told of an update.
    uint32_t update_told = 0;
    uint32_t interval_seconds = 0;
    uint64_t last_reported = 0;
    uint64_t highest_reported = 0;
    uint64_t facts_hash = 0;
    uint32_t facts_session = 0;
    // Small beats carry no other facts, so that these have a hash of their own.
    // Of the agent and its formats, and the session in which they went upstream.
    uint32_t agent_hash = 0;
    bool monitor_only = false;
    routeros::CodePage code_page = routeros::CodePage::kNone;
    bool released = false;
  };
  // With the contacts of a device and the room that hash tables leave: below 512 bytes.
  static_assert(sizeof(Row) <= 120);
  static void Fill(Row& row, const DeviceRecord& record);

  // One lock for all: a beat holds it for a look-up of less than a microsecond.
  mutable Mutex mutex_;
  absl::flat_hash_map<DeviceId, Row> rows_ ABSL_GUARDED_BY(mutex_);
  // Apart from the rows, because deleted devices have no row and must still be refused.
  absl::flat_hash_map<DeviceId, uint32_t> least_epochs_ ABSL_GUARDED_BY(mutex_);
  uint32_t session_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace muster::edge
