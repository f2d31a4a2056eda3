// What several services read alike. Errors name the field as the client knows it, for BadRequest;
// texts of the client go into messages only cleaned, since they end in terminals and logs.
#include "server/grpc_api/request_convert.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/event_kinds/event_kinds.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

// Seconds since 1970 of 10000-01-01, where RFC 3339 and protobuf's Timestamp end.
constexpr int64_t kYear10000 = 253402300800;
constexpr int kMostEventKinds = 16;
constexpr size_t kMostQuotedBytes = 64;
constexpr absl::string_view kLabelPrefix = "labels.";

absl::Status ReadMaskPath(const v1::Device& device, const std::string& path, DeviceEdit* edit) {
  if (path == "display_name") {
    edit->display_name = device.display_name();
  } else if (path == "notes") {
    edit->notes = device.notes();
  } else if (path == "site") {
    edit->site = device.site();
  } else if (path == "jobs_held") {
    // One way only: holds come from what a router reports, or a claim that wants approval, never
    // from a client.
    if (device.jobs_held()) {
      return BadField("device.jobs_held", "can only be set to false, which lets held jobs go on");
    }
    edit->release_hold = true;
  } else if (path == "labels") {
    // The whole map, so what is not in it goes.
    edit->all_labels.emplace(device.labels().begin(), device.labels().end());
  } else if (absl::StartsWith(path, kLabelPrefix) && path.size() > kLabelPrefix.size()) {
    // A key may have dots of its own, so everything behind the first one counts.
    const std::string key = path.substr(kLabelPrefix.size());
    const auto found = device.labels().find(key);
    // Named by the mask and not in the map: that is how AIP-134 says "remove".
    if (found == device.labels().end()) {
      edit->remove_labels.push_back(key);
    } else {
      edit->set_labels[key] = found->second;
    }
  } else {
    return BadField("update_mask", absl::StrCat("\"", CleanText(path),
                                                "\" can't be changed; display_name, notes, site, "
                                                "jobs_held, labels and labels.KEY can"));
  }
  return absl::OkStatus();
}

absl::Status UnknownEventKind(const std::string& word) {
  const std::string kinds = absl::StrJoin(
      EventKinds(), ", ",
      [](std::string* out, const EventKindText& known) { absl::StrAppend(out, known.word); });
  // The longest kind has 22 bytes: what is cut off tells nobody anything.
  return BadField("kinds", absl::StrCat("\"", CleanText(word.substr(0, kMostQuotedBytes)),
                                        "\" is no kind of event; there are: ", kinds));
}

// Not many more fit into a request of 1 MiB beside a script, and a label says it better.
constexpr int kMostDevices = 10'000;

// The three fields stand in every request that makes waves.
// None of them given is not the same as all 0: it leaves the choice to the rule, or to the job that
// is repeated. max_failures alone is enough to ask for waves, since 0 is a value for it: the first
// failure stops.
template <typename Request>
absl::StatusOr<std::optional<JobWaves>> ReadWaves(const Request& request) {
  if (request.canary_count() < 0) return BadField("canary_count", "must not be negative");
  if (request.batch_size() < 0) return BadField("batch_size", "must not be negative");
  if (request.max_failures() < 0) return BadField("max_failures", "must not be negative");
  std::optional<JobWaves> waves;
  if (request.canary_count() == 0 && request.batch_size() == 0 && !request.has_max_failures()) {
    return waves;
  }
  waves.emplace();
  waves->canary_count = static_cast<uint32_t>(request.canary_count());
  waves->batch_size = static_cast<uint32_t>(request.batch_size());
  waves->max_failures = static_cast<uint32_t>(request.max_failures());
  return waves;
}

absl::Status ReadDevices(const OrganizationScope& scope, const v1::CreateJobRequest& request,
                         NewJob* job) {
  if (request.devices_size() > kMostDevices) {
    return BadField("devices", absl::StrCat("wants at most ", kMostDevices,
                                            "; use a filter over a label for more"));
  }
  for (const std::string& device : request.devices()) {
    ASSIGN_OR_RETURN(const uint64_t id, ReadOptionalId(scope, "devices", device, "devices"));
    // ReadOptionalId takes an empty text for "not given", which has no place inside a list.
    if (id == 0) return BadField("devices", "holds an empty name");
    job->devices.push_back(DeviceId{id});
  }
  ASSIGN_OR_RETURN(job->device.value, ReadOptionalId(scope, "device", request.device(), "devices"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> ReadOptionalId(const OrganizationScope& scope, absl::string_view field,
                                        absl::string_view text, absl::string_view collection) {
  if (text.empty()) return uint64_t{0};
  ASSIGN_OR_RETURN(const ChildName name, ParseChildName(field, text, collection));
  if (name.organization != scope.slug()) return UnknownResource(text);
  return name.id;
}

absl::StatusOr<Rerun> ReadRerun(const OrganizationScope& scope,
                                const v1::RerunJobRequest& request) {
  Rerun rerun;
  ASSIGN_OR_RETURN(rerun.job.value, ReadOptionalId(scope, "name", request.name(), "jobs"));
  rerun.failed = request.failed();
  rerun.not_started = request.not_started();
  if (request.has_not_after()) {
    ASSIGN_OR_RETURN(rerun.not_after_us, ReadTime("not_after", request.not_after()));
  }
  ASSIGN_OR_RETURN(rerun.waves, ReadWaves(request));
  return rerun;
}

absl::StatusOr<AgentUpgrade> ReadAgentUpgrade(const v1::UpgradeAgentsRequest& request) {
  AgentUpgrade upgrade;
  upgrade.filter_text = request.filter();
  upgrade.urls.assign(request.urls().begin(), request.urls().end());
  if (!v1::Profile_IsValid(request.profile())) {
    return BadField("profile", "wants NORMAL, METERED or SLOW");
  }
  if (request.profile() != v1::PROFILE_UNSPECIFIED) {
    upgrade.profile = static_cast<Profile>(request.profile());
  }
  if (request.has_not_before()) {
    ASSIGN_OR_RETURN(upgrade.not_before_us, ReadTime("not_before", request.not_before()));
  }
  upgrade.ignore_windows = request.ignore_windows();
  ASSIGN_OR_RETURN(upgrade.waves, ReadWaves(request));
  return upgrade;
}

absl::StatusOr<State::EventQuery> ReadEventQuery(const OrganizationScope& scope,
                                                 const v1::ListDeviceEventsRequest& request) {
  State::EventQuery query;
  ASSIGN_OR_RETURN(query.device.value,
                   ReadOptionalId(scope, "device", request.device(), "devices"));
  if (request.kinds_size() > kMostEventKinds) {
    return BadField("kinds", absl::StrCat("wants at most ", kMostEventKinds));
  }
  for (const std::string& kind : request.kinds()) {
    if (!FindEventKind(kind).has_value()) return UnknownEventKind(kind);
    query.kinds.push_back(kind);
  }
  if (request.has_since()) {
    ASSIGN_OR_RETURN(query.since_us, ReadTime("since", request.since()));
  }
  return query;
}

absl::StatusOr<State::JobQuery> ReadJobQuery(const OrganizationScope& scope,
                                             const v1::ListJobsRequest& request) {
  State::JobQuery query;
  ASSIGN_OR_RETURN(query.device.value,
                   ReadOptionalId(scope, "device", request.device(), "devices"));
  query.only_open = request.only_open();
  query.only_failed = request.only_failed();
  query.only_held = request.only_held();
  if (request.has_created_after()) {
    ASSIGN_OR_RETURN(query.created_after_us, ReadTime("created_after", request.created_after()));
  }
  return query;
}

absl::StatusOr<int64_t> ReadTime(absl::string_view field, const google::protobuf::Timestamp& time) {
  if (time.seconds() < 0 || time.seconds() >= kYear10000 || time.nanos() < 0 ||
      time.nanos() > 999999999) {
    return BadField(field, "wants a time from 1970 to 9999");
  }
  // Cut to microseconds, the unit of the state.
  return time.seconds() * 1000000 + time.nanos() / 1000;
}

absl::StatusOr<absl::Duration> ReadDuration(absl::string_view field,
                                            const google::protobuf::Duration& duration) {
  if (duration.seconds() < 0 || duration.seconds() > kYear10000 || duration.nanos() < 0 ||
      duration.nanos() > 999999999) {
    return BadField(field, "wants a duration that is not negative");
  }
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<DeviceEdit> ReadDeviceEdit(const v1::UpdateDeviceRequest& request) {
  if (request.update_mask().paths().empty()) {
    return BadField(
        "update_mask",
        "is needed: any of display_name, notes, site, jobs_held, labels and labels.KEY");
  }
  DeviceEdit edit;
  // Part of the device and not of the mask: a condition, not a change.
  edit.expected_etag = request.device().etag();
  for (const std::string& path : request.update_mask().paths()) {
    RETURN_IF_ERROR(ReadMaskPath(request.device(), path, &edit));
  }
  return edit;
}

absl::StatusOr<NewJob> ReadNewJob(const OrganizationScope& scope,
                                  const v1::CreateJobRequest& request) {
  NewJob job;
  RETURN_IF_ERROR(ReadDevices(scope, request, &job));
  ASSIGN_OR_RETURN(job.waves, ReadWaves(request));
  job.filter_text = request.filter();
  job.script = request.script();
  job.ignore_windows = request.ignore_windows();
  // Whether it is given together with a script, or neither is, the board judges.
  if (!request.script_name().empty()) {
    ASSIGN_OR_RETURN(const NamedChild name,
                     ParseNamedChild("script_name", request.script_name(), "scripts"));
    if (name.organization != scope.slug()) return UnknownResource(request.script_name());
    job.script_name = name.name;
  }
  job.description = request.description();
  if (request.has_not_before()) {
    ASSIGN_OR_RETURN(job.not_before_us, ReadTime("not_before", request.not_before()));
  }
  if (request.has_not_after()) {
    ASSIGN_OR_RETURN(job.not_after_us, ReadTime("not_after", request.not_after()));
  }
  job.idempotent = request.idempotent();
  // Unspecified leaves it to what the script looks like. Any other number is one that this server
  // does not know and must not guess.
  if (request.ends_with() == v1::JOB_END_RESULT || request.ends_with() == v1::JOB_END_REBOOT) {
    job.ends_with = static_cast<JobEnd>(request.ends_with());
  } else if (request.ends_with() != v1::JOB_END_UNSPECIFIED) {
    return BadField("ends_with", "wants RESULT or REBOOT");
  }
  if (request.has_timeout()) {
    ASSIGN_OR_RETURN(job.timeout, ReadDuration("timeout", request.timeout()));
  }
  return job;
}

}  // namespace muster::server
