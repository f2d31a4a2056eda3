// Which job is written into which reply. Whoever changes MayBeSent changes the promise of at most
// one start; the router's half of it is in routeros/script/runner_text.cc.
#include "edge-proxy/jobs/job_shelf.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"

namespace muster::edge {
namespace {

constexpr absl::string_view kNothing = "0";
// The router's own word, of any length.
constexpr size_t kVersionShown = 40;
// A router repeats a result for as long as it is not taken; a day is the life of a job by default.
constexpr absl::Duration kSecretsAreKept = absl::Hours(24);
constexpr absl::Duration kStopsAreKept = absl::Hours(1);

JobEvent EventOf(const Job& job, JobEventKind kind, absl::Time now) {
  return JobEvent{.device = job.device,
                  .number = job.number,
                  .kind = kind,
                  .time = now,
                  .times_sent = job.times_sent,
                  .boot_at_first_send = job.boot_at_first_send};
}

}  // namespace

void JobShelf::PutLocked(Job job) {
  // What was sent from here may be more than the control plane has heard of: events are on their
  // way.
  const auto found = jobs_.find(job.device);
  if (found != jobs_.end() && found->second.job.number == job.number) {
    const Job& here = found->second.job;
    if (here.times_sent > job.times_sent) {
      job.times_sent = here.times_sent;
      job.boot_at_first_send = here.boot_at_first_send;
    }
  }
  const DeviceId device = job.device;
  // A router that is fetching parts goes on when the same job is put again.
  std::optional<Reader> in_parts;
  if (found != jobs_.end() && found->second.job.number == job.number) {
    in_parts = found->second.in_parts;
  }
  jobs_.insert_or_assign(device, Lying{.job = std::move(job), .in_parts = std::move(in_parts)});
}

void JobShelf::Put(Job job) {
  MutexLock lock(mutex_);
  PutLocked(std::move(job));
}

void JobShelf::Remove(DeviceId device, uint64_t number, absl::Time now) {
  // Raised in any case, so that a cancelled job ends even where it never lay here.
  JobEvent event{.device = device, .number = number, .kind = JobEventKind::kRemoved, .time = now};
  {
    MutexLock lock(mutex_);
    const auto found = jobs_.find(device);
    if (found != jobs_.end() && found->second.job.number == number) {
      event = EventOf(found->second.job, JobEventKind::kRemoved, now);
      jobs_.erase(found);
    }
  }
  events_.AddJobEvent(std::move(event));
}

void JobShelf::ReplaceAll(std::vector<Job> jobs, absl::Time now) {
  std::vector<JobEvent> removed;
  {
    MutexLock lock(mutex_);
    absl::flat_hash_map<DeviceId, uint64_t> numbers;
    for (Job& job : jobs) {
      // A snapshot has at most one job of a device.
      numbers[job.device] = job.number;
      PutLocked(std::move(job));
    }
    for (auto it = jobs_.begin(); it != jobs_.end();) {
      const auto kept = numbers.find(it->first);
      if (kept != numbers.end() && kept->second == it->second.job.number) {
        ++it;
        continue;
      }
      removed.push_back(EventOf(it->second.job, JobEventKind::kRemoved, now));
      jobs_.erase(it++);
    }
  }
  for (JobEvent& event : removed) events_.AddJobEvent(std::move(event));
}

bool JobShelf::MayBeSent(const Lying& lying, const Asking& asking, absl::Time now) const {
  const Job& job = lying.job;
  // not_after is the first instant at which it is too late.
  if (lying.held || now < job.not_before || now >= job.not_after) return false;
  // Started already, or never to be started again: the highest number counts, not the last.
  if (job.number <= asking.highest_reported || asking.running_number != 0) return false;
  // A minimal body after a failure of the agent names none: no guess at what it could read.
  if (!asking.decodes_hex && !asking.decodes_escaped) return false;
  if (job.times_sent == 0) return true;
  // Another boot may mean that the number was stored and lost again with the power, so it isn't
  // sent a second time.
  return job.times_sent < kMostSends && job.boot_at_first_send == asking.boot;
}

void JobShelf::Stop(DeviceId device, uint64_t number, absl::Time now) {
  MutexLock lock(mutex_);
  // A later stop takes the place of an earlier: a router runs one job.
  stops_[device] = Stopped{.number = number, .told = now};
}

bool JobShelf::IsToStop(const Asking& asking) {
  const auto found = stops_.find(asking.device);
  if (found == stops_.end()) return false;
  if (found->second.number == asking.running_number) return true;
  // It was started and runs no longer, or will never be: another one was started after it.
  if (found->second.number <= asking.highest_reported) stops_.erase(found);
  return false;
}

std::optional<JobShelf::Decision> JobShelf::Send(Lying& lying, const Asking& asking,
                                                 absl::Time now) {
  Job& job = lying.job;
  // Hex where both are decoded: two characters a byte instead of three.
  const Reader reader{.format = asking.decodes_hex ? routeros::PayloadFormat::kHex
                                                   : routeros::PayloadFormat::kEscaped,
                      .routeros_version = asking.routeros_version};
  const absl::StatusOr<size_t> largest = rules_.largest_script(reader);
  if (!largest.ok()) {
    // The job stays, since the next beat may tell; it waits for that until its time is over.
    if (!lying.version_told) {
      LogWarning("jobs", "a job waits: its router names a RouterOS version that can't be read",
                 {{"device", FormatId(job.device)},
                  {"number", absl::StrCat(job.number)},
                  {"version", asking.routeros_version.substr(0, kVersionShown)}});
    }
    lying.version_told = true;
    return std::nullopt;
  }
  // Sizes are those of the filled script: it is what travels.
  const absl::StatusOr<std::string> filled = FillSecrets(job.script, job.secrets);
  if (!filled.ok()) {
    LogWarning("jobs", "a secret can't stand in its script; the job is not sent",
               {{"device", FormatId(job.device)}, {"why", std::string(filled.status().message())}});
    return Decision{.event = EventOf(job, JobEventKind::kUnfit, now),
                    .reply = std::string(kNothing)};
  }
  const std::string& script = *filled;
  const bool whole = script.size() <= *largest;
  Decision decision;
  if (whole) {
    decision.reply = rules_.reply(job.number, script, reader.format);
  } else if (asking.takes_parts) {
    absl::StatusOr<std::string> announced = rules_.announce(job.number, script, reader);
    if (!announced.ok()) return std::nullopt;
    decision.reply = *std::move(announced);
  } else {
    decision.reply = std::string(kNothing);
    decision.event = EventOf(job, JobEventKind::kTooLong, now);
    return decision;
  }
  // Counted when it is written into the reply, whether that arrives or not: a reply that was lost
  // may still have been read.
  if (job.times_sent++ == 0) job.boot_at_first_send = asking.boot;
  // Parts are given only while this says how, so never of a job that was sent whole.
  lying.in_parts = whole ? std::nullopt : std::optional<Reader>(reader);
  if (!job.secrets.empty()) filled_[job.device] = Filled{job.number, job.secrets, now};
  decision.event = EventOf(job, JobEventKind::kSent, now);
  return decision;
}

std::string JobShelf::ReplyTo(const Asking& asking, absl::Time now) {
  std::optional<Decision> decision;
  {
    MutexLock lock(mutex_);
    // A stop goes before a job: nothing can be started while one runs anyway.
    if (IsToStop(asking)) return rules_.stop(asking.running_number);
    const auto found = jobs_.find(asking.device);
    if (found == jobs_.end()) return std::string(kNothing);
    // The control plane sees the same in this beat's check-in, and decides.
    if (asking.went_back) found->second.held = true;
    if (!MayBeSent(found->second, asking, now)) return std::string(kNothing);
    decision = Send(found->second, asking, now);
    if (!decision.has_value()) return std::string(kNothing);
    // The control plane hears of it and decides.
    if (decision->event.kind != JobEventKind::kSent) jobs_.erase(found);
  }
  decision->event.secret_check = asking.secret_check;
  events_.AddJobEvent(std::move(decision->event));
  return std::move(decision->reply);
}

absl::StatusOr<std::string> JobShelf::PartFor(DeviceId device, uint64_t number,
                                              uint32_t part) const {
  std::string script;
  std::vector<JobSecret> secrets;
  Reader reader;
  {
    MutexLock lock(mutex_);
    const auto found = jobs_.find(device);
    if (found == jobs_.end() || found->second.job.number != number ||
        !found->second.in_parts.has_value()) {
      return absl::NotFoundError("no such job");
    }
    // A copy, since Put may replace the job. Every beat takes this lock, so a router that asks for
    // parts again and again must not hold it for as long as 64 KiB take to be filled in.
    script = found->second.job.script;
    secrets = found->second.job.secrets;
    reader = *found->second.in_parts;
  }
  ASSIGN_OR_RETURN(const std::string filled, FillSecrets(script, secrets));
  return rules_.part(number, part, filled, reader);
}

std::vector<JobSecret> JobShelf::SecretsOf(DeviceId device, uint64_t number) const {
  MutexLock lock(mutex_);
  const auto filled = filled_.find(device);
  if (filled != filled_.end() && filled->second.number == number) return filled->second.secrets;
  // The values are in the job here, too.
  // Sent by another edge, or before this one restarted.
  const auto lying = jobs_.find(device);
  if (lying == jobs_.end() || lying->second.job.number != number) return {};
  return lying->second.job.secrets;
}

void JobShelf::DropExpired(absl::Time now) {
  std::vector<JobEvent> expired;
  {
    MutexLock lock(mutex_);
    for (auto it = jobs_.begin(); it != jobs_.end();) {
      const Job& job = it->second.job;
      if (now < job.not_after) {
        ++it;
        continue;
      }
      // One that was sent is the router's now: its end is not for the edge to tell.
      if (job.times_sent == 0) expired.push_back(EventOf(job, JobEventKind::kExpired, now));
      // flat_hash_map's erase answers nothing; the iterator has to move on first.
      jobs_.erase(it++);
    }
    absl::erase_if(filled_,
                   [now](const auto& entry) { return now - entry.second.sent > kSecretsAreKept; });
    absl::erase_if(stops_,
                   [now](const auto& entry) { return now - entry.second.told > kStopsAreKept; });
  }
  for (JobEvent& event : expired) events_.AddJobEvent(std::move(event));
}

size_t JobShelf::size() const {
  MutexLock lock(mutex_);
  return jobs_.size();
}

}  // namespace muster::edge
