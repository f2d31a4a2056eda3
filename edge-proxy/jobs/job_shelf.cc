#include "edge-proxy/jobs/job_shelf.h"

#include <optional>

namespace muster::edge {
namespace {

constexpr absl::string_view kNothing = "0";

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
  const auto found = jobs_.find(job.device);
  if (found != jobs_.end() && found->second.job.number == job.number) {
    const Job& here = found->second.job;
    if (here.times_sent > job.times_sent) {
      job.times_sent = here.times_sent;
      job.boot_at_first_send = here.boot_at_first_send;
    }
  }
  const DeviceId device = job.device;
  jobs_.insert_or_assign(device, Lying{.job = std::move(job)});
}

void JobShelf::Put(Job job) {
  MutexLock lock(mutex_);
  PutLocked(std::move(job));
}

void JobShelf::Remove(DeviceId device, uint64_t number, absl::Time now) {
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
  if (lying.held || now < job.not_before || now >= job.not_after) return false;
  if (job.number <= asking.highest_reported || asking.running_number != 0) return false;
  if (!asking.decodes_hex && !asking.decodes_escaped) return false;
  if (job.times_sent == 0) return true;
  return job.times_sent < kMostSends && job.boot_at_first_send == asking.boot;
}

std::string JobShelf::ReplyTo(const Asking& asking, absl::Time now) {
  std::optional<Job> job;
  JobEventKind kind = JobEventKind::kSent;
  {
    MutexLock lock(mutex_);
    const auto found = jobs_.find(asking.device);
    if (found == jobs_.end()) return std::string(kNothing);
    if (asking.went_back) found->second.held = true;
    if (!MayBeSent(found->second, asking, now)) return std::string(kNothing);
    const absl::StatusOr<size_t> largest = rules_.largest_script(asking.routeros_version);
    if (!largest.ok()) return std::string(kNothing);
    Job& lying = found->second.job;
    if (lying.script.size() > *largest) {
      kind = JobEventKind::kTooLong;
    } else {
      if (lying.times_sent++ == 0) lying.boot_at_first_send = asking.boot;
    }
    job = lying;
    if (kind == JobEventKind::kTooLong) jobs_.erase(found);
  }
  JobEvent event = EventOf(*job, kind, now);
  event.secret_check = asking.secret_check;
  events_.AddJobEvent(std::move(event));
  if (kind == JobEventKind::kTooLong) return std::string(kNothing);
  const routeros::PayloadFormat format =
      asking.decodes_hex ? routeros::PayloadFormat::kHex : routeros::PayloadFormat::kEscaped;
  return rules_.reply(job->number, job->script, format);
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
      jobs_.erase(it++);
    }
  }
  for (JobEvent& event : expired) events_.AddJobEvent(std::move(event));
}

size_t JobShelf::size() const {
  MutexLock lock(mutex_);
  return jobs_.size();
}

}  // namespace muster::edge
