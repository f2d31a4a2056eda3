// The jobs that lie at this edge until their router asks: at most one per device.
//
// A job is written into a reply only if its number is above every number that the router has ever
// reported here, the time is between not_before and not_after, the router runs nothing else, the
// agent names a payload format that it decodes, and the script is short enough for its version; one
// that is longer goes in parts, where the agent takes them. It is written again only if the router
// has not rebooted since the first time, and fewer than kMostSends times in all. Nothing here makes
// a job start twice: the router starts a number once.
//
// The other half of "at most once" is the router's: it stores a number, reads it back, and starts
// only what is above it. So a copy of a job at another edge, or a reply that was lost, is harmless.
// Threads:  safe to call from any thread; events are added while no lock is held.
// Owns:     nothing; `events` must outlive this object.
// Blocks:   never.
// Example:  job_shelf_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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
#include "edge-proxy/jobs/job_secrets.h"
#include "routeros/script/agent.h"

namespace muster::edge {

// By all edges together. A router that has not taken a job from three replies will not take a
// fourth; the control plane calls it LOST and, where it is idempotent, gives it a new number.
constexpr uint32_t kMostSends = 3;

// How a router reads jobs, as its last beat said.
struct Reader {
  routeros::PayloadFormat format = routeros::PayloadFormat::kEscaped;
  // As the router wrote it.
  std::string routeros_version;
};

// How jobs are written for routers; the real ones are in routeros/script. Functions, so that this
// room neither knows the text's forms nor the sizes per version, and tests can bring their own.
//
// Errors:   InvalidArgument for a version that Muster doesn't know.
struct PayloadRules {
  // The longest script that fits into one reply.
  std::function<absl::StatusOr<size_t>(const Reader& reader)> largest_script;
  // "J...": the whole job.
  std::function<std::string(uint64_t number, absl::string_view script,
                            routeros::PayloadFormat format)>
      reply;
  // "L...": that it comes in parts.
  std::function<absl::StatusOr<std::string>(uint64_t number, absl::string_view script,
                                            const Reader& reader)>
      announce;
  // "P...": one part, from 1. NotFound for a part that there isn't.
  std::function<absl::StatusOr<std::string>(uint64_t number, uint32_t part,
                                            absl::string_view script, const Reader& reader)>
      part;
  // "K...": stop this one.
  std::function<std::string(uint64_t number)> stop;
};

struct Job {
  DeviceId device;
  uint64_t number = 0;
  std::string script;
  absl::Time not_before;
  absl::Time not_after;
  // The larger of this and what was sent from here counts.
  // By all edges together, as far as the control plane knew.
  uint32_t times_sent = 0;
  std::string boot_at_first_send;
  std::vector<JobSecret> secrets;
};

// Everything here is the router's own word, and a stolen token can say anything: it can then only
// get its own device's job.
// A router that asks, as its heartbeat says.
struct Asking {
  DeviceId device;
  std::string secret_check;
  uint64_t highest_reported = 0;
  uint64_t running_number = 0;
  // The configuration was restored, or the board replaced: a change that was just rolled back must
  // not be run again by the queue.
  // This beat reported a lower number than the one before.
  bool went_back = false;
  std::string boot;
  bool decodes_hex = false;
  bool decodes_escaped = false;
  // Its agent knows `L`.
  bool takes_parts = false;
  std::string routeros_version;
};

class JobShelf {
 public:
  JobShelf(PayloadRules rules, JobEvents& events) : rules_(std::move(rules)), events_(events) {}

  // An older number than the one that lies here is taken too: the control plane decides which is
  // next.
  // Replaces the device's job. Putting the same number again keeps what was sent from here, and
  // lifts a hold.
  void Put(Job job);
  // Repeating adds the event again, which is harmless and may be needed: the first may be lost.
  // Adds kRemoved, also where it is not here: it will not be sent from here.
  void Remove(DeviceId device, uint64_t number, absl::Time now);
  // A snapshot of the stream. Stops that were asked for stay.
  // Puts all of `jobs` and removes every other.
  void ReplaceAll(std::vector<Job> jobs, absl::Time now);

  // A job that the router may run is to be stopped: "K..." to every beat that says it runs.
  // Forgotten after an hour without being told again.
  void Stop(DeviceId device, uint64_t number, absl::Time now);

  // The verb for this router: "J...", "L...", "K..." or "0".
  // Decides and counts under one lock; two beats at once count as two sendings.
  std::string ReplyTo(const Asking& asking, absl::Time now);

  // Parts are not counted as sendings. Written in the form of the announcement, since a router may
  // be upgraded between two parts, and a part of another size would not fit the others.
  // A part of the job that this router was told of by "L...". NotFound for any other.
  absl::StatusOr<std::string> PartFor(DeviceId device, uint64_t number, uint32_t part) const;

  // What was filled into the job that this edge sent last to the device, for a while after its
  // removal too: its answer may still come. Empty where there was nothing.
  std::vector<JobSecret> SecretsOf(DeviceId device, uint64_t number) const;

  // To be called every second or so.
  // Removes what is past its not_after.
  void DropExpired(absl::Time now);

  size_t size() const;

 private:
  struct Lying {
    Job job;
    // The router's state went back: not sent until the control plane puts it again.
    bool held = false;
    // Said once a job that its router's version can't be read.
    bool version_told = false;
    // Set where it was announced in parts: how they are to be written.
    std::optional<Reader> in_parts;
  };
  // Secrets of a job that was sent.
  struct Filled {
    uint64_t number = 0;
    std::vector<JobSecret> secrets;
    absl::Time sent;
  };
  struct Stopped {
    uint64_t number = 0;
    absl::Time told;
  };
  // What becomes of a job now.
  struct Decision {
    JobEvent event;
    std::string reply;
  };

  bool MayBeSent(const Lying& lying, const Asking& asking, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutLocked(Job job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the device's running job is to be stopped; forgets stops that are over.
  bool IsToStop(const Asking& asking) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Writes the job for this router, or finds that it is too long; nullopt: it stays.
  std::optional<Decision> Send(Lying& lying, const Asking& asking, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PayloadRules rules_;
  JobEvents& events_;
  mutable Mutex mutex_;
  absl::flat_hash_map<DeviceId, Lying> jobs_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<DeviceId, Stopped> stops_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<DeviceId, Filled> filled_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
