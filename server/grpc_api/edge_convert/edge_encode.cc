// Values of server/edges become bytes for an edge. Nothing is decided here: what an edge may know
// of a device, and which secrets go with a job, was decided where the values were made.
//
// These messages hold keys, tokens and secrets in clear: they are for the TLS stream only and must
// never be logged or kept.
#include <type_traits>

#include "server/grpc_api/edge_convert/edge_convert.h"

namespace muster::server {
namespace {

// Of a welcome, or by themselves.
template <typename Message>
void PutSettings(const Message& from, edge::v1::EdgeSettings& wire) {
  wire.set_interval_seconds(from.interval_seconds);
  for (const std::string& pem : from.router_roots) wire.add_router_roots(pem);
}

void Put(const DownWelcome& welcome, edge::v1::ConnectResponse& response) {
  edge::v1::Welcome& wire = *response.mutable_welcome();
  wire.set_cluster_id(welcome.cluster_id);
  wire.set_session_epoch(welcome.session_epoch);
  // From applied state. An edge that has seen higher numbers acknowledged learns by this that the
  // control plane went back, and begins anew under another spool id.
  for (const LaneNumber& lane : welcome.applied) {
    edge::v1::LanePosition& position = *wire.add_applied();
    position.set_lane(static_cast<edge::v1::Lane>(lane.lane));
    position.set_number(lane.number);
  }
  for (const SealingKey& key : welcome.token_keys) {
    edge::v1::TokenKey& token_key = *wire.add_token_keys();
    token_key.set_key_id(key.key_id);
    token_key.set_key(std::string(key.key.Reveal()));
  }
  wire.set_secret_check_key(std::string(welcome.secret_check_key.Reveal()));
  // The whole set each time: an edge that was away has missed an unknown part of it.
  for (const RevokedDevice& revoked : welcome.revocations) {
    edge::v1::Revocation& revocation = *wire.add_revocations();
    revocation.set_device_id(revoked.device.value);
    revocation.set_least_epoch(revoked.least_epoch);
  }
  wire.set_time_offset_us(welcome.time_offset_us);
  PutSettings(welcome, *wire.mutable_settings());
}

void Put(const DownSettings& settings, edge::v1::ConnectResponse& response) {
  PutSettings(settings, *response.mutable_settings());
}

void Put(const DownAck& ack, edge::v1::ConnectResponse& response) {
  edge::v1::Ack& wire = *response.mutable_ack();
  wire.set_lane(static_cast<edge::v1::Lane>(ack.applied.lane));
  wire.set_number(ack.applied.number);
  // Items that were taken are not named; that is nearly all of them.
  for (const ItemVerdict& verdict : ack.verdicts) {
    edge::v1::ItemVerdict& item = *wire.add_verdicts();
    item.set_batch_number(verdict.batch_number);
    item.set_item(verdict.item);
    item.set_code(static_cast<edge::v1::ItemVerdictCode>(verdict.code));
    item.set_reason(verdict.reason);
  }
}

void PutJob(const EdgeJob& job, edge::v1::JobPut& wire) {
  wire.set_device_id(job.device.value);
  wire.set_number(job.number);
  wire.set_script(job.script);
  wire.set_not_before_us(job.not_before_us);
  wire.set_not_after_us(job.not_after_us);
  wire.set_times_sent(job.times_sent);
  wire.set_boot_at_first_send(job.boot_at_first_send);
  wire.set_timeout_seconds(job.timeout_seconds);
  // Beside the script, not in it: the edge fills them in when it answers the router and blanks them
  // in what comes back.
  for (const JobSecret& secret : job.secrets) {
    edge::v1::JobSecret& out = *wire.add_secrets();
    out.set_name(secret.name);
    out.set_value(std::string(secret.value.Reveal()));
  }
}

// One chunk. The outbox keeps chunks below 256 KiB and numbers the generation.
void Put(const DownState& state, edge::v1::ConnectResponse& response) {
  edge::v1::StateChunk& wire = *response.mutable_state();
  wire.set_generation(state.generation);
  wire.set_snapshot(state.snapshot);
  wire.set_last(state.last);
  for (const EdgeDevice& device : state.devices) ToWire(device, *wire.add_records());
  for (const DeviceId device : state.removed_devices) wire.add_removed_devices(device.value);
  for (const EdgeJob& job : state.jobs) PutJob(job, *wire.add_jobs());
  for (const RemovedJob& job : state.removed_jobs) {
    edge::v1::JobRemove& remove = *wire.add_removed_jobs();
    remove.set_device_id(job.device.value);
    remove.set_number(job.number);
  }
  for (const RevokedDevice& revoked : state.revocations) {
    edge::v1::Revocation& revocation = *wire.add_revocations();
    revocation.set_device_id(revoked.device.value);
    revocation.set_least_epoch(revoked.least_epoch);
  }
  for (const RemovedJob& job : state.stopped_jobs) {
    edge::v1::JobRemove& stop = *wire.add_stopped_jobs();
    stop.set_device_id(job.device.value);
    stop.set_number(job.number);
  }
  for (const FastBeats& fast : state.fast_beats) {
    edge::v1::FastBeats& beats = *wire.add_fast_beats();
    beats.set_device_id(fast.device.value);
    beats.set_seconds(fast.seconds);
  }
}

void Put(const DownDrain& drain, edge::v1::ConnectResponse& response) {
  response.mutable_drain()->set_reason(drain.reason);
}

void Put(const DownContactQuestion& question, edge::v1::ConnectResponse& response) {
  response.mutable_contact_question()->set_question(question.question);
  response.mutable_contact_question()->set_device_id(question.device.value);
}

}  // namespace

void ToWire(const EdgeDevice& device, edge::v1::DeviceRecord& record) {
  record.set_device_id(device.device.value);
  record.set_organization_id(device.organization.value);
  record.set_least_epoch(device.least_epoch);
  record.set_secret_check(device.secret_check.data(), device.secret_check.size());
  record.set_interval_seconds(device.interval_seconds);
  record.set_monitor_only(device.monitor_only);
  record.set_code_page(static_cast<edge::v1::CodePage>(device.code_page));
  record.set_released(device.released);
  // Only while a new token is on its way: 0 would be an epoch that no token has.
  if (device.next_epoch != 0) {
    record.set_next_epoch(device.next_epoch);
    record.set_next_secret_check(device.next_secret_check.data(), device.next_secret_check.size());
  }
  // Without an offer the router keeps the text that it runs.
  if (!device.offer.has_value()) return;
  edge::v1::AgentOffer& offer = *record.mutable_agent();
  offer.set_agent_version(device.offer->agent_version);
  offer.set_generation(device.offer->generation);
  offer.set_token(std::string(device.offered_token.Reveal()));
  for (const std::string& url : device.offer->urls) offer.add_urls(url);
  offer.set_profile(static_cast<edge::v1::Profile>(device.offer->profile));
  offer.set_offered(device.offer->offered);
}

std::string EncodeDown(const DownMessage& message) {
  edge::v1::ConnectResponse response;
  // A kind of message without a Put does not compile.
  std::visit([&response](const auto& what) { Put(what, response); }, message);
  return response.SerializeAsString();
}

}  // namespace muster::server
