// One direction only: from the state to the API. Enums of both sides have the same numbers by
// definition, so they are cast.
//
// A field is set where the state knows it. What it does not know stays absent and not 0: programs
// divide by memory_total_bytes.
#include "server/grpc_api/api_convert.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/text/clean.h"
#include "server/access/resource_names.h"
#include "server/claims/claim_book.h"
#include "server/devices/device_match.h"

namespace muster::server {
google::protobuf::Timestamp ToTimestamp(int64_t time_us) {
  google::protobuf::Timestamp time;
  int64_t seconds = time_us / 1000000;
  // Rounds towards the past, as Timestamp's nanos must not be negative.
  int64_t micros = time_us % 1000000;
  if (micros < 0) {
    micros += 1000000;
    --seconds;
  }
  time.set_seconds(seconds);
  time.set_nanos(static_cast<int32_t>(micros) * 1000);
  return time;
}

namespace {

// Fields that are messages stay absent for a time of 0.
#define SET_TIME(message, field, time_us) \
  if ((time_us) != 0) *(message).mutable_##field() = ToTimestamp(time_us)

// Empty for what belongs to the platform.
std::string OrganizationName(absl::string_view slug) {
  return slug.empty() ? "" : absl::StrCat("organizations/", slug);
}

// In the order in which the router said them.
void FillReadings(const DeviceStatus& status, v1::DeviceStatus* out) {
  for (const HealthReading& reading : status.health) {
    v1::HealthReading* row = out->add_health();
    row->set_sensor(reading.sensor);
    row->set_value_milli(reading.value_milli);
    row->set_unit(reading.unit);
  }
  for (const LinkReading& reading : status.links) {
    v1::LinkReading* row = out->add_links();
    row->set_link(reading.link);
    row->set_address(reading.address);
    // A link that answers nothing has no round trip, but a loss.
    if (reading.rtt_us.has_value()) row->set_rtt_us(*reading.rtt_us);
    if (reading.jitter_us.has_value()) row->set_jitter_us(*reading.jitter_us);
    if (reading.standard_deviation_us.has_value())
      row->set_standard_deviation_us(*reading.standard_deviation_us);
    if (reading.loss_permille.has_value()) row->set_loss_permille(*reading.loss_permille);
  }
}

// Three tokens for a field instead of a line that says its name three times, where a slip would
// compile.
#define SET_IF(field) \
  if (status.field.has_value()) out->set_##field(*status.field)

void FillStatus(const DeviceStatus& status, v1::DeviceStatus* out) {
  out->set_online(static_cast<v1::OnlineState>(status.online));
  // Never heard: all that follows would be zeros that look like figures.
  if (status.last_check_in_us == 0) return;
  SET_TIME(*out, last_check_in_time, status.last_check_in_us);
  out->set_source_address(AddressText(status.source_address));
  if (!status.edge.empty()) out->set_edge(absl::StrCat("edges/", status.edge));
  if (status.uptime_seconds.has_value()) {
    out->mutable_uptime()->set_seconds(static_cast<int64_t>(*status.uptime_seconds));
  }
  SET_IF(cpu_load_percent);
  SET_IF(cpu_count);
  SET_IF(cpu_frequency_mhz);
  SET_IF(memory_free_bytes);
  SET_IF(memory_total_bytes);
  SET_IF(disk_free_bytes);
  SET_IF(disk_total_bytes);
  SET_IF(bad_blocks_millipercent);
  SET_IF(sectors_written);
  SET_IF(agent_errors);
  out->set_interval_seconds(static_cast<int32_t>(status.interval_seconds));
  // The router's own words, in its own time zone: for people. The doctor reads it (ClockSkew).
  out->set_router_clock(status.router_clock);
  FillReadings(status, out);
}

// What is most final comes first: a device may be several of these at once, released after it was
// revoked, say.
v1::DeviceState StateOf(const Device& device) {
  if (device.release_time_us != 0) return v1::DEVICE_STATE_RELEASED;
  if (device.delete_time_us != 0) return v1::DEVICE_STATE_DELETED;
  if (device.revoke_time_us != 0) return v1::DEVICE_STATE_REVOKED;
  if (device.release_job) return v1::DEVICE_STATE_RELEASING;
  if (device.hold_kind == HoldKind::kPending) return v1::DEVICE_STATE_PENDING;
  return v1::DEVICE_STATE_ACTIVE;
}

// Words for programs (state, hold_kind) and for people (hold_reason); only the latter may change.
void FillIdentity(const Device& device, absl::string_view slug, v1::Device* out) {
  out->set_state(StateOf(device));
  out->set_hold_kind(std::string(HoldWord(device.hold_kind)));
  out->set_hold_reason(CleanText(device.hold_reason));
  out->set_profile(static_cast<v1::Profile>(device.profile));
  out->mutable_agent_urls()->Assign(device.urls.begin(), device.urls.end());
  // As the router would report it, so that a client compares two texts. Generation 0 is the version
  // alone (device-protocol.md).
  if (!device.offer_version.empty()) {
    out->set_wanted_agent_version(
        device.agent_generation == 0
            ? device.offer_version
            : absl::StrCat(device.offer_version, "+", device.agent_generation));
    out->set_agent_offered(device.offer_open);
  }
  out->set_token_rotating(device.next_epoch != 0);
  SET_TIME(*out, token_revoke_time, device.revoke_time_us);
  if (device.release_job) {
    out->set_release_job(FormatChildName(slug, "jobs", device.release_job.value));
  }
}

}  // namespace

v1::Organization ToMessage(const Organization& organization) {
  v1::Organization out;
  out.set_name(OrganizationName(organization.slug));
  out.set_display_name(organization.display_name);
  SET_TIME(out, create_time, organization.create_time_us);
  out.set_fallback_code_page(static_cast<v1::CodePage>(organization.fallback_code_page));
  return out;
}

v1::ApiKey ToMessage(const ApiKey& key, absl::string_view organization_slug) {
  v1::ApiKey out;
  if (key.id) out.set_name(absl::StrCat("apiKeys/", FormatId(key.id)));
  out.set_organization(OrganizationName(organization_slug));
  out.set_role(static_cast<v1::Role>(key.role));
  out.set_display_name(key.display_name);
  SET_TIME(out, create_time, key.create_time_us);
  SET_TIME(out, expire_time, key.expire_time_us);
  SET_TIME(out, revoke_time, key.revoke_time_us);
  return out;
}

v1::Preregistration ToMessage(const Preregistration& row) {
  v1::Preregistration out;
  out.set_serial_number(row.serial_number);
  out.set_display_name(row.display_name);
  out.set_site(row.site);
  out.mutable_labels()->insert(row.labels.begin(), row.labels.end());
  SET_TIME(out, create_time, row.create_time_us);
  return out;
}

v1::Device ToMessage(const Device& device, absl::string_view organization_slug) {
  v1::Device out;
  FillIdentity(device, organization_slug, &out);
  out.set_name(FormatChildName(organization_slug, "devices", device.id.value));
  out.set_display_name(device.display_name);
  out.set_notes(device.notes);
  out.mutable_labels()->insert(device.labels.begin(), device.labels.end());
  out.set_site(device.site);
  out.set_identity(device.identity);
  out.set_serial_number(device.serial_number);
  out.set_software_id(device.software_id);
  // The state has bytes; people and filters write it with colons.
  out.set_mac_address(MacText(device.mac_address));
  out.set_model(device.board);
  out.set_architecture(device.architecture);
  out.set_routeros_version(device.routeros_version);
  out.set_agent_version(device.agent_version);
  FillStatus(device.status, out.mutable_status());
  SET_TIME(out, create_time, device.create_time_us);
  SET_TIME(out, update_time, device.update_time_us);
  SET_TIME(out, delete_time, device.delete_time_us);
  out.set_monitor_only(device.monitor_only);
  out.set_jobs_held(device.jobs_held);
  out.set_etag(device.etag);
  return out;
}

v1::DeviceEvent ToMessage(const DeviceEvent& event) {
  v1::DeviceEvent out;
  SET_TIME(out, time, event.time_us);
  out.set_kind(event.kind);
  // May quote what a router said.
  out.set_message(CleanText(event.message));
  return out;
}

v1::Claim ToMessage(const Claim& claim, absl::string_view organization_slug) {
  v1::Claim out;
  if (claim.id) out.set_name(FormatChildName(organization_slug, "claims", claim.id.value));
  SET_TIME(out, create_time, claim.create_time_us);
  SET_TIME(out, expire_time, claim.expire_time_us);
  out.set_max_devices(static_cast<int32_t>(claim.max_devices));
  out.set_used_devices(static_cast<int32_t>(claim.used_devices));
  out.set_allowed_source(claim.allowed_source);
  out.set_site(claim.site);
  out.mutable_labels()->insert(claim.labels.begin(), claim.labels.end());
  if (claim.replaces) {
    out.set_replaces_device(FormatChildName(organization_slug, "devices", claim.replaces.value));
  }
  out.set_approve(claim.approve);
  out.set_monitor_only(claim.monitor_only);
  out.set_profile(static_cast<v1::Profile>(claim.profile));
  out.set_etag(EtagOf(claim));
  return out;
}

namespace {

// How many waves there are is not stored, since it follows from three numbers.
v1::JobWaves ToMessage(const JobWaves& waves, uint32_t targets) {
  v1::JobWaves out;
  out.set_canary_count(static_cast<int32_t>(waves.canary_count));
  out.set_batch_size(static_cast<int32_t>(waves.batch_size));
  out.set_max_failures(static_cast<int32_t>(waves.max_failures));
  const uint32_t rest = targets > waves.canary_count ? targets - waves.canary_count : 0;
  // The canaries are a wave of their own; without a batch size all others are the second.
  uint32_t count = waves.canary_count > 0 ? 1 : 0;
  if (waves.batch_size > 0) {
    count += (rest + waves.batch_size - 1) / waves.batch_size;
  } else if (rest > 0) {
    count += 1;
  }
  out.set_wave_count(static_cast<int32_t>(count));
  // Nothing waits for anything: the one wave is open from the start, though the state has counted
  // none.
  const bool at_once = waves.canary_count == 0 && waves.batch_size == 0;
  out.set_open_wave(at_once ? 1 : static_cast<int32_t>(waves.open_wave));
  out.set_failure_count(static_cast<int32_t>(waves.failure_count));
  return out;
}

}  // namespace

v1::Job ToMessage(const Job& job, absl::string_view organization_slug) {
  v1::Job out;
  // None with validate_only: there is no such job.
  if (job.id) out.set_name(FormatChildName(organization_slug, "jobs", job.id.value));
  out.set_script(job.script);
  out.set_description(job.description);
  if (job.device) {
    out.set_device(FormatChildName(organization_slug, "devices", job.device.value));
  }
  out.set_filter(job.filter);
  SET_TIME(out, create_time, job.create_time_us);
  SET_TIME(out, not_before, job.not_before_us);
  SET_TIME(out, not_after, job.not_after_us);
  out.set_idempotent(job.idempotent);
  out.set_ends_with(static_cast<v1::JobEnd>(job.ends_with));
  out.mutable_timeout()->set_seconds(job.timeout_seconds);
  out.set_target_count(static_cast<int32_t>(job.target_count));
  // State 0 is "unspecified"; states without a target are left out, for jobs are listed by the
  // thousand.
  for (int state = 1; state < kJobTargetStates; ++state) {
    if (job.state_counts[state] == 0) continue;
    v1::JobStateCount* count = out.add_state_counts();
    count->set_state(static_cast<v1::JobTargetState>(state));
    count->set_count(static_cast<int32_t>(job.state_counts[state]));
  }
  SET_TIME(out, end_time, job.end_time_us);
  out.set_creator(job.creator);
  if (job.waves.has_value()) *out.mutable_waves() = ToMessage(*job.waves, job.target_count);
  out.set_stop_reason(job.stop_reason);
  out.set_agent_version(job.agent_version);
  out.set_ignore_windows(job.ignore_windows);
  if (!job.script_name.empty()) {
    out.set_script_name(
        absl::StrCat(OrganizationName(organization_slug), "/scripts/", job.script_name));
  }
  return out;
}

v1::JobTarget ToMessage(const JobTargetRow& row, absl::string_view organization_slug) {
  const JobTarget& target = row.target;
  v1::JobTarget out;
  out.set_device(FormatChildName(organization_slug, "devices", target.device.value));
  out.set_device_title(CleanText(row.device_title));
  out.set_wait_reason(CleanText(row.wait_reason));
  out.set_state(static_cast<v1::JobTargetState>(target.state));
  out.set_number(static_cast<int64_t>(target.number));
  out.set_attempt(static_cast<int32_t>(target.attempt));
  // What a script printed may hold anything, escape sequences too; line breaks stay, for it is
  // shown as it was.
  out.set_output(CleanText(target.output, LineBreaks::kKeep));
  out.set_output_cut(target.output_cut);
  // Where it went wrong; the last phase of what succeeded would read like a fault.
  if (target.state != JobTargetState::kSucceeded) out.set_phase(target.phase);
  out.set_error(CleanText(target.error, LineBreaks::kKeep));
  SET_TIME(out, update_time, target.update_time_us);
  out.set_times_sent(static_cast<int32_t>(target.times_sent));
  out.set_wave(static_cast<int32_t>(target.wave));
  return out;
}

v1::Edge ToMessage(const Edge& edge, absl::Time state_time) {
  v1::Edge out;
  out.set_name(absl::StrCat("edges/", edge.id));
  out.set_state(static_cast<v1::EdgeState>(StateOf(edge, state_time)));
  out.set_public_url(edge.public_url);
  out.set_version(edge.version);
  SET_TIME(out, create_time, edge.create_time_us);
  SET_TIME(out, last_watermark_time, edge.watermark_us);
  out.set_device_count(edge.device_count);
  out.set_problem(CleanText(edge.problem));
  SET_TIME(out, problem_time, edge.problem_time_us);
  out.set_router_root_sha256(CleanText(edge.router_root_sha256));
  return out;
}

v1::AuditEntry ToMessage(const AuditEntry& entry, absl::string_view log_id,
                         absl::string_view organization_slug) {
  v1::AuditEntry out;
  SET_TIME(out, time, entry.time_us);
  out.set_actor(entry.actor);
  out.set_method(entry.method);
  out.set_resource(entry.resource);
  out.set_summary(CleanText(entry.summary));
  out.set_request_id(entry.request_id);
  out.mutable_position()->set_log_id(absl::BytesToHexString(log_id));
  out.mutable_position()->set_index(entry.log_index);
  out.set_chain_hash(entry.chain_hash);
  out.set_organization(OrganizationName(organization_slug));
  out.set_sequence(entry.sequence);
  // Both, see the header: the id is what the chain was made over.
  out.set_organization_id(entry.organization.value);
  out.set_previous_hash(entry.previous_hash);
  return out;
}

}  // namespace muster::server
