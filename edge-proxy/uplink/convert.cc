// Field by field, in both directions. Nothing is decided here but whether a message can be used.
#include "edge-proxy/uplink/convert.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;

constexpr size_t kClusterIdBytes = 16;
constexpr size_t kKeyBytes = 32;
constexpr size_t kLongestScript = 64 * 1024;
// The normal profile's.
constexpr uint32_t kDefaultInterval = 30;

// Texts were cleaned and cut by routeros/heartbeat.
void FillFacts(const routeros::DeviceFacts& facts, wire::Facts& out) {
  out.set_identity(facts.identity);
  out.set_serial_number(facts.serial_number);
  out.set_software_id(facts.software_id);
  out.set_mac_address(facts.mac_address);
  out.set_routeros_version(facts.routeros_version);
  out.set_board(facts.board);
  out.set_architecture(facts.architecture);
  out.set_agent_version(facts.agent_version);
  out.set_format_hex(facts.format_hex);
  out.set_format_escaped(facts.format_escaped);
  out.set_rights(facts.rights);
  out.set_tunnel_public_key(facts.tunnel_public_key);
  out.set_router_roots(facts.router_roots);
}

// An absent value stays absent.
#define MUSTER_COPY(from, field) \
  if (from.has_value()) out.set_##field(*from)

void FillResources(const routeros::Heartbeat& beat, wire::CheckIn& out) {
  MUSTER_COPY(beat.uptime_seconds, uptime_seconds);
  MUSTER_COPY(beat.running_seconds, running_seconds);
  MUSTER_COPY(beat.cpu_load_percent, cpu_load_percent);
  MUSTER_COPY(beat.cpu_count, cpu_count);
  MUSTER_COPY(beat.cpu_frequency_mhz, cpu_frequency_mhz);
  MUSTER_COPY(beat.memory_free_bytes, memory_free_bytes);
  MUSTER_COPY(beat.memory_total_bytes, memory_total_bytes);
  MUSTER_COPY(beat.disk_free_bytes, disk_free_bytes);
  MUSTER_COPY(beat.disk_total_bytes, disk_total_bytes);
  MUSTER_COPY(beat.bad_blocks_millipercent, bad_blocks_millipercent);
  MUSTER_COPY(beat.sectors_written, sectors_written);
  MUSTER_COPY(beat.agent_errors, agent_errors);
  MUSTER_COPY(beat.skipped_beats, skipped_beats);
}

void FillLink(const routeros::LinkRow& link, wire::LinkReading& out) {
  out.set_link(link.link);
  out.set_address(link.address);
  MUSTER_COPY(link.rtt_us, rtt_us);
  MUSTER_COPY(link.jitter_us, jitter_us);
  MUSTER_COPY(link.standard_deviation_us, standard_deviation_us);
  MUSTER_COPY(link.loss_permille, loss_permille);
}

#undef MUSTER_COPY

wire::JobEventKind KindOf(JobEventKind kind) {
  switch (kind) {
    case JobEventKind::kSent:
      return wire::JOB_EVENT_KIND_SENT;
    case JobEventKind::kRemoved:
      return wire::JOB_EVENT_KIND_REMOVED;
    case JobEventKind::kExpired:
      return wire::JOB_EVENT_KIND_EXPIRED;
    case JobEventKind::kTooLong:
      return wire::JOB_EVENT_KIND_TOO_LONG;
    case JobEventKind::kUnfit:
      return wire::JOB_EVENT_KIND_UNFIT;
  }
  return wire::JOB_EVENT_KIND_UNSPECIFIED;
}

wire::JobResultStatus StatusOf(routeros::ResultStatus status) {
  switch (status) {
    case routeros::ResultStatus::kOk:
      return wire::JOB_RESULT_STATUS_OK;
    case routeros::ResultStatus::kFailed:
      return wire::JOB_RESULT_STATUS_FAILED;
    case routeros::ResultStatus::kRefused:
      return wire::JOB_RESULT_STATUS_REFUSED;
  }
  return wire::JOB_RESULT_STATUS_UNSPECIFIED;
}

// A profile that this edge doesn't know is the normal one: more beats than wanted, never fewer.
Profile ProfileOf(wire::Profile profile) {
  switch (profile) {
    case wire::PROFILE_METERED:
      return Profile::kMetered;
    case wire::PROFILE_SLOW:
      return Profile::kSlow;
    default:
      return Profile::kNormal;
  }
}

}  // namespace

wire::CheckIn ToProto(const CheckIn& check_in) {
  wire::CheckIn out;
  const routeros::Heartbeat& beat = check_in.beat;
  out.set_device_id(check_in.device.value);
  // Microseconds since 1970 everywhere on the wire.
  out.set_time_us(absl::ToUnixMicros(check_in.time));
  out.set_secret_check(check_in.secret_check);
  out.set_interval_seconds(check_in.interval_seconds);
  out.set_boot(beat.boot);
  out.set_last_number(beat.last_number);
  out.set_running_number(beat.running_number);
  FillResources(beat, out);
  for (const routeros::HealthRow& row : beat.health) {
    wire::HealthReading* reading = out.add_health();
    reading->set_sensor(row.sensor);
    reading->set_value_milli(row.value_milli);
    reading->set_unit(row.unit);
  }
  for (const routeros::LinkRow& link : beat.links) FillLink(link, *out.add_links());
  out.set_source_address(check_in.source_address);
  out.set_router_clock(beat.clock);
  // Absent: as before.
  if (check_in.with_facts) FillFacts(beat.facts, *out.mutable_facts());
  out.set_text_repaired(beat.counts.text_repaired);
  out.set_numbers_dropped(beat.counts.numbers_dropped);
  out.set_protocol(beat.protocol);
  return out;
}

wire::JobEvent ToProto(const JobEvent& event) {
  wire::JobEvent out;
  out.set_device_id(event.device.value);
  out.set_number(event.number);
  out.set_kind(KindOf(event.kind));
  out.set_time_us(absl::ToUnixMicros(event.time));
  out.set_times_sent(event.times_sent);
  out.set_boot_at_first_send(event.boot_at_first_send);
  out.set_secret_check(event.secret_check);
  return out;
}

wire::JobResult ToProto(const JobResult& result) {
  wire::JobResult out;
  out.set_device_id(result.device.value);
  out.set_number(result.report.number);
  out.set_status(StatusOf(result.report.status));
  out.set_phase(result.report.phase);
  out.set_output(result.report.output);
  out.set_cut(result.report.cut);
  out.set_error(result.report.error);
  out.set_time_us(absl::ToUnixMicros(result.time));
  out.set_secret_check(result.secret_check);
  return out;
}

wire::EnrollRequest ToProto(const ClaimQuestion& question, const routeros::Enrolment& enrolment) {
  wire::EnrollRequest out;
  out.set_claim(question.claim);
  out.set_nonce(enrolment.nonce);
  out.set_token(enrolment.token);
  FillFacts(enrolment.facts, *out.mutable_facts());
  out.set_source_address(question.source_address);
  return out;
}

// Numbers of kinds are the wire's own (contact_book.h).
wire::ContactAnswer ToProto(uint64_t question, const Contacts& contacts) {
  wire::ContactAnswer out;
  out.set_question(question);
  for (const Contact& contact : contacts.contacts) {
    wire::Contact& one = *out.add_contacts();
    one.set_kind(static_cast<wire::ContactKind>(contact.kind));
    one.set_time_us(absl::ToUnixMicros(contact.time));
    one.set_http_status(static_cast<uint32_t>(contact.http_status));
    one.set_reason(contact.reason);
  }
  out.set_tls_version(contacts.connection.tls_version);
  out.set_tls_cipher(contacts.connection.tls_cipher);
  out.set_tls_group(contacts.connection.tls_group);
  out.set_tls_resumed(contacts.connection.tls_resumed);
  out.set_source_address(contacts.connection.source_address);
  return out;
}

// Not checked here: terms are checked when the text is rendered, for one device.
AgentOffer FromProto(const wire::AgentOffer& offer) {
  return AgentOffer{.agent_version = offer.agent_version(),
                    .generation = offer.generation(),
                    .token = Secret(offer.token()),
                    .urls = {offer.urls().begin(), offer.urls().end()},
                    .profile = ProfileOf(offer.profile()),
                    .offered = offer.offered()};
}

absl::StatusOr<DeviceRecord> FromProto(const wire::DeviceRecord& record) {
  // 0 means "none" in every id, and would be a key like any other in the tables.
  if (record.device_id() == 0 || record.organization_id() == 0) {
    return absl::InvalidArgumentError("device record without device or organization");
  }
  // Compared byte by byte later: a short one would be filled up with zeros.
  if (record.secret_check().size() != routeros::kSecretCheckBytes) {
    return absl::InvalidArgumentError("device record: secret_check is not 16 bytes");
  }
  if (record.next_epoch() != 0 &&
      record.next_secret_check().size() != routeros::kSecretCheckBytes) {
    return absl::InvalidArgumentError("device record: next_secret_check is not 16 bytes");
  }
  std::shared_ptr<const AgentOffer> offer;
  // Without a version nothing is offered.
  if (!record.agent().agent_version().empty()) {
    offer = std::make_shared<const AgentOffer>(FromProto(record.agent()));
  }
  return DeviceRecord{.device = DeviceId{record.device_id()},
                      .organization = OrganizationId{record.organization_id()},
                      .least_epoch = record.least_epoch(),
                      .secret_check = record.secret_check(),
                      .interval_seconds = record.interval_seconds(),
                      .monitor_only = record.monitor_only(),
                      // None for a number that this edge doesn't know.
                      .code_page = routeros::CodePageOf(static_cast<uint32_t>(record.code_page())),
                      .next_epoch = record.next_epoch(),
                      .next_secret_check = record.next_secret_check(),
                      .offer = std::move(offer),
                      .released = record.released()};
}

// Secrets come in the clear over mTLS and stay in memory.
absl::StatusOr<Job> FromProto(const wire::JobPut& put) {
  if (put.device_id() == 0 || put.number() == 0) {
    return absl::InvalidArgumentError("job without device or number");
  }
  // The control plane's own limit; sizes of parts and memory rely on it.
  if (put.script().size() > kLongestScript) {
    return absl::InvalidArgumentError(absl::StrCat("job ", put.number(), ": script over 64 KiB"));
  }
  std::vector<JobSecret> secrets;
  for (const wire::JobSecret& secret : put.secrets()) {
    secrets.push_back({secret.name(), Secret(secret.value())});
  }
  return Job{.device = DeviceId{put.device_id()},
             .number = put.number(),
             .script = put.script(),
             .not_before = absl::FromUnixMicros(put.not_before_us()),
             // 0: no end.
             .not_after = put.not_after_us() == 0 ? absl::InfiniteFuture()
                                                  : absl::FromUnixMicros(put.not_after_us()),
             .times_sent = put.times_sent(),
             .boot_at_first_send = put.boot_at_first_send(),
             .secrets = std::move(secrets)};
}

absl::StatusOr<Trust> FromProto(const wire::Welcome& welcome) {
  Trust trust;
  trust.cluster_id = welcome.cluster_id();
  // Part of every token's associated data: with a wrong one none would open.
  if (trust.cluster_id.size() != kClusterIdBytes) {
    return absl::InvalidArgumentError("welcome: cluster_id is not 16 bytes");
  }
  for (const wire::TokenKey& key : welcome.token_keys()) {
    // One bad key refuses all: a fleet of which half the tokens fail is worse than the last good
    // state.
    if (key.key().size() != kKeyBytes) {
      return absl::InvalidArgumentError("welcome: a token key is not 32 bytes");
    }
    trust.token_keys.push_back({.key_id = key.key_id(), .key = Secret(key.key())});
  }
  if (welcome.secret_check_key().size() != kKeyBytes) {
    return absl::InvalidArgumentError("welcome: secret_check_key is not 32 bytes");
  }
  trust.secret_check_key = Secret(welcome.secret_check_key());
  const uint32_t interval = welcome.settings().interval_seconds();
  trust.interval_seconds = interval == 0 ? kDefaultInterval : interval;
  return trust;
}

ClaimAnswer FromProto(const wire::CheckClaimResponse& response) {
  return ClaimAnswer{.verdict = FromProto(response.verdict()),
                     .monitor_only = response.monitor_only(),
                     .profile = ProfileOf(response.profile()),
                     .urls = {response.urls().begin(), response.urls().end()}};
}

ClaimVerdict FromProto(wire::ClaimVerdict verdict) {
  switch (verdict) {
    case wire::CLAIM_VERDICT_OK:
      return ClaimVerdict::kOk;
    case wire::CLAIM_VERDICT_EXPIRED:
      return ClaimVerdict::kExpired;
    case wire::CLAIM_VERDICT_USED_UP:
      return ClaimVerdict::kUsedUp;
    case wire::CLAIM_VERDICT_WRONG_ADDRESS:
      return ClaimVerdict::kWrongAddress;
    case wire::CLAIM_VERDICT_TOKEN_FOREIGN:
      return ClaimVerdict::kTokenForeign;
    default:
      // The safe reading of what this edge doesn't know.
      return ClaimVerdict::kUnknown;
  }
}

}  // namespace muster::edge
