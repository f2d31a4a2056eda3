// The jobs that lie at this edge until their router asks: at most one per device.
//
// A job is written into a reply only if its number is above every number that the router has ever
// reported here, the time is between not_before and not_after, the router runs nothing else, the
// agent names a payload format that it decodes, and the script is short enough for its version. It
// is written again only if the router has not rebooted since the first time, and fewer than
// kMostSends times in all. Nothing here makes a job start twice: the router starts a number once.
//
// Threads:  safe to call from any thread; events are added while no lock is held.
// Owns:     nothing; `events` must outlive this object.
// Blocks:   never.
// Example:  job_shelf_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "common/sync/mutex.h"
#include "edge-proxy/jobs/job_events.h"
#include "routeros/script/agent.h"

namespace muster::edge {

constexpr uint32_t kMostSends = 3;

// How jobs are written for routers; the real ones are in routeros/script.
struct PayloadRules {
  // By RouterOS version as the router wrote it; an error for a version that Muster doesn't know.
  std::function<absl::StatusOr<size_t>(absl::string_view version)> largest_script;
  std::function<std::string(uint64_t number, absl::string_view script,
                            routeros::PayloadFormat format)>
      reply;
};

struct Job {
  DeviceId device;
  uint64_t number = 0;
  std::string script;
  absl::Time not_before;
  absl::Time not_after;
  // By all edges together, as far as the control plane knew.
  uint32_t times_sent = 0;
  std::string boot_at_first_send;
};

// A router that asks, as its heartbeat says.
struct Asking {
  DeviceId device;
  std::string secret_check;
  uint64_t highest_reported = 0;
  uint64_t running_number = 0;
  // This beat reported a lower number than the one before.
  bool went_back = false;
  std::string boot;
  bool decodes_hex = false;
  bool decodes_escaped = false;
  std::string routeros_version;
};

class JobShelf {
 public:
  JobShelf(PayloadRules rules, JobEvents& events) : rules_(std::move(rules)), events_(events) {}

  // Replaces the device's job. Putting the same number again keeps what was sent from here, and
  // lifts a hold.
  void Put(Job job);
  // Adds kRemoved, also where it is not here: it will not be sent from here.
  void Remove(DeviceId device, uint64_t number, absl::Time now);
  // Puts all of `jobs` and removes every other.
  void ReplaceAll(std::vector<Job> jobs, absl::Time now);

  // The verb for this router: "J...." or "0".
  std::string ReplyTo(const Asking& asking, absl::Time now);

  // Removes what is past its not_after.
  void DropExpired(absl::Time now);

  size_t size() const;

 private:
  struct Lying {
    Job job;
    // The router's state went back: not sent until the control plane puts it again.
    bool held = false;
  };

  bool MayBeSent(const Lying& lying, const Asking& asking, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutLocked(Job job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PayloadRules rules_;
  JobEvents& events_;
  mutable Mutex mutex_;
  absl::flat_hash_map<DeviceId, Lying> jobs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
