// Jobs of one organization: making, listing, cancelling.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables; changes wait until they are applied. A job for a filter looks at
//           each device of the organization.
// Errors:   NotFound for what lies in another organization; InvalidArgument and FailedPrecondition
//           for a job that can't be made (errors.h); what the log says of a change.
// Example:  tests/api/job_service_test.cc.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/devices/device_directory.h"
#include "server/filter/filter.h"
#include "server/jobs/job_template.h"
#include "server/state/state.h"

namespace muster::server {

// The agent text that a job brings instead of a script.
struct AgentGoal {
  std::string version;
  std::vector<std::string> urls;
  // Nullopt: as it is.
  std::optional<Profile> profile;
  // The roots that its text pins, as devices report them.
  std::string router_roots;
};

struct NewJob {
  // Exactly one of device, devices and filter_text.
  DeviceId device;
  std::vector<DeviceId> devices;
  std::string filter_text;
  // Exactly one of script and script_name, which is of the library.
  std::string script;
  std::string script_name;
  // The script came from there when an earlier job was made: the name is kept, the text is
  // `script`.
  bool script_is_known = false;
  std::string description;
  // 0: at once.
  int64_t not_before_us = 0;
  // 0: 24 h after it was made.
  int64_t not_after_us = 0;
  bool idempotent = false;
  // Nullopt: as the script looks; refused where that is not clear.
  std::optional<JobEnd> ends_with;
  // Zero: 5 min.
  absl::Duration timeout;
  // Admins only.
  bool ignore_windows = false;
  // Instead of a script.
  std::optional<AgentGoal> agent;
  // Only the three terms count. Nullopt: all devices at once, whatever fails.
  std::optional<JobWaves> waves;
};

// What of an earlier job is made again.
struct Rerun {
  JobId job;
  // Devices on which it failed, or was not started; neither: all.
  bool failed = false;
  bool not_started = false;
  // 0: as long as the first job had.
  int64_t not_after_us = 0;
  // Nullopt: as with the first job.
  std::optional<JobWaves> waves;
};

// How much a release let go on.
struct ReleasedJobs {
  uint32_t devices = 0;
  uint32_t targets = 0;
};

struct CancelledJob {
  Job job;
  uint32_t cancelled = 0;
  uint32_t refused = 0;
  // Told to stop.
  uint32_t stopping = 0;
};

struct JobTargetRow {
  JobTarget target;
  std::string device_title;
  // What a queued one waits for, for people; or empty.
  std::string wait_reason;
};

class JobBoard {
 public:
  // `master_key` opens secrets.
  JobBoard(const State& state, CommandLog& log, const DeviceDirectory& devices,
           const Secret& master_key)
      : state_(state), log_(log), devices_(devices), master_key_(master_key) {}

  // Makes the job for the devices that match now; a repetition under the same request id answers
  // the first job, whatever matches by then. With `validate_only` it checks everything and
  // answers the job without an id, with its number of targets.
  absl::StatusOr<Job> Create(const OrganizationScope& scope, const AuditedCall& call,
                             const NewJob& terms, bool validate_only);

  // Answers the job; viewers get no script text, since scripts say how a network is built.
  absl::StatusOr<Job> Get(const OrganizationScope& scope, JobId id) const;
  // Newest first, without script text; at most `limit`.
  std::vector<Job> List(const OrganizationScope& scope, const State::JobQuery& query, JobId after,
                        size_t limit) const;
  // Lists targets by device, with titles and what they wait for; at most `limit` after `after`.
  // NotFound for a stranger's job.
  absl::StatusOr<std::vector<JobTargetRow>> ListTargets(const OrganizationScope& scope, JobId job,
                                                        DeviceId after, size_t limit) const;
  // State::ListChangedTargets.
  absl::StatusOr<std::vector<JobTargetRow>> ListChangedTargets(const OrganizationScope& scope,
                                                               JobId id, const ChangePlace& after,
                                                               size_t limit) const;
  absl::StatusOr<JobTargetRow> GetTarget(const OrganizationScope& scope, JobId job,
                                         DeviceId device) const;

  // Cancels what was not sent, and keeps the rest from being tried again; with `stop_running`
  // routers that have it are told to stop it. Answers the job afterwards, how many targets it ends,
  // how many it stops and how many it came too late for. With call.validate_only it only counts.
  absl::StatusOr<CancelledJob> Cancel(const OrganizationScope& scope, const AuditedCall& call,
                                      JobId id, bool stop_running);

  // Makes a new job with the script and terms of an earlier one, on its devices that are still
  // there. FailedPrecondition where none is left. Placeholders get the values of today.
  // Windows count as today; PermissionDenied where the earlier job went past them and the caller
  // may not.
  absl::StatusOr<Job> Repeat(const OrganizationScope& scope, const AuditedCall& call,
                             const Rerun& rerun, bool validate_only);
  // Lets held jobs go on: those of the device, or of all devices on which `job` is held.
  // More than 1,000 devices go in several commands; only the first carries the request id.
  absl::StatusOr<ReleasedJobs> Release(const OrganizationScope& scope, const AuditedCall& call,
                                       DeviceId device, JobId job);
  // Cancels what the device has not been sent; `job` none: of all jobs.
  absl::StatusOr<CancelledJob> CancelOnDevice(const OrganizationScope& scope,
                                              const AuditedCall& call, DeviceId device, JobId job,
                                              bool held_only, bool stop_running);

 private:
  // The job that this request id made before.
  absl::StatusOr<std::optional<Job>> FindEarlier(const OrganizationScope& scope,
                                                 const AuditedCall& call) const;
  absl::StatusOr<std::vector<uint64_t>> ChooseMembers(const OrganizationScope& scope,
                                                      const NewJob& terms,
                                                      const JobTemplate& script) const;
  // The script of the library, where one is named.
  absl::Status TakeFromLibrary(const OrganizationScope& scope, NewJob* terms) const;
  // InvalidArgument for placeholders of another form, FailedPrecondition for an unknown secret, or
  // one whose value can't stand in its place.
  absl::StatusOr<JobTemplate> ReadTemplate(const OrganizationScope& scope,
                                           const NewJob& terms) const;
  absl::Status CheckTerms(const NewJob& terms) const;
  // What Release would let go on of these devices.
  ReleasedJobs WouldRelease(const std::set<uint64_t>& devices) const;
  absl::StatusOr<std::vector<DeviceId>> RerunDevices(const OrganizationScope& scope,
                                                     const Rerun& rerun) const;
  JobTargetRow WithTitle(const Job& job, const std::vector<MaintenanceWindow>& windows,
                         JobTarget target) const;
  std::vector<JobTargetRow> WithTitles(const Job& job, std::vector<JobTarget> targets) const;
  absl::StatusOr<Applied> ProposeJob(const OrganizationScope& scope, const AuditedCall& call,
                                     const NewJob& terms, const JobTemplate& script,
                                     const std::vector<uint64_t>& members);

  const State& state_;
  CommandLog& log_;
  const DeviceDirectory& devices_;
  const Secret& master_key_;
};

}  // namespace muster::server
