// Bytes of an edge become values of server/edges. This is the border between a program that may be
// newer, older or broken and a log that must be readable for ever, so everything has a limit here,
// and what comes out can be applied without another look at its form.
//
// A refused item never stops a batch: the edge repeats a batch until it is acknowledged, and one
// bad item in it would be repeated for ever. It is named in the acknowledgement and left out.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/text/clean.h"
#include "server/grpc_api/edge_convert/edge_convert.h"

namespace muster::server {
namespace {

using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedInputStream;

// Longer than anything that RouterOS has for it; a limit against nonsense, not against names.
constexpr size_t kMaxName = 256;
// The nonce that the agent makes at each boot.
constexpr size_t kMaxBoot = 64;
// The longest pause that a reply can ask for (`W3600`).
constexpr uint32_t kMaxInterval = 3'600;
// Four times what an edge lets through now (16 KiB), for edges of later versions.
constexpr size_t kMaxOutput = size_t{64} << 10;
// What the log keeps of health, links and clock.
// Bytes of Readings, serialized; internal/v1 promises that apply never has to decode them.
constexpr size_t kMaxReadings = 1'024;
// Far above what boards report.
constexpr int kMaxHealth = 64;
constexpr int kMaxLinks = 32;
// As edge_service.proto promises; more are left out, not refused: nothing depends on them.
constexpr size_t kMaxContacts = 20;

// One field of a message on the wire.
struct Field {
  int number = 0;
  WireFormatLite::WireType type = WireFormatLite::WIRETYPE_VARINT;
  uint64_t varint = 0;
  absl::string_view bytes;
};

// Reads the next field of `bytes`; false at the end and where it is broken (see `broken`).
// By protobuf's own reader of the wire. Its WireFormatLite is not in the public API, but generated
// code of every version uses it, and a varint reader of our own would be the worse choice.
class FieldReader {
 public:
  explicit FieldReader(absl::string_view bytes)
      : bytes_(bytes),
        input_(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size())) {}

  bool Next(Field& field) {
    const uint32_t tag = input_.ReadTag();
    // ReadTag answers 0 at the end and for a tag that can't be; only the place tells which.
    if (tag == 0) {
      broken_ = static_cast<size_t>(input_.CurrentPosition()) != bytes_.size();
      return false;
    }
    field.number = WireFormatLite::GetTagFieldNumber(tag);
    field.type = WireFormatLite::GetTagWireType(tag);
    // Field 0 does not exist in protobuf.
    broken_ = field.number == 0 || !ReadValue(tag, field);
    return !broken_;
  }

  bool broken() const { return broken_; }

 private:
  bool ReadValue(uint32_t tag, Field& field) {
    if (field.type == WireFormatLite::WIRETYPE_VARINT) return input_.ReadVarint64(&field.varint);
    // Fixed numbers and groups of fields that a newer edge may send: passed over.
    if (field.type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      return WireFormatLite::SkipField(&input_, tag);
    }
    uint32_t size = 0;
    if (!input_.ReadVarint32(&size)) return false;
    const auto begin = static_cast<size_t>(input_.CurrentPosition());
    // A length is what the sender says; the view must not reach beyond what was received.
    if (size > bytes_.size() - begin || !input_.Skip(static_cast<int>(size))) return false;
    field.bytes = bytes_.substr(begin, size);
    return true;
  }

  const absl::string_view bytes_;
  CodedInputStream input_;
  bool broken_ = false;
};

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a readable ", what));
}

template <typename Message>
bool Parse(absl::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

bool IsAddress(absl::string_view bytes) {
  return bytes.empty() || bytes.size() == 4 || bytes.size() == 16;
}

// A proof of another length stays "not present", and that is never right: a check that is left out
// must not pass.
SecretProof ProofOf(uint64_t device, absl::string_view check) {
  SecretProof proof;
  proof.device = DeviceId{device};
  proof.present = check.size() == proof.check.size();
  if (proof.present) std::copy(check.begin(), check.end(), proof.check.begin());
  return proof;
}

ItemVerdict Refusal(uint32_t item, absl::string_view reason) {
  return {0, item, ItemVerdictCode::kRefused, std::string(reason)};
}

// Empty where the check-in can be taken, else why not.
// The reasons go back to the edge in the acknowledgement, and to its log; none holds a value that a
// router could have written.
absl::string_view ProblemOf(const edge::v1::CheckIn& in) {
  if (in.device_id() == 0) return "no device id";
  if (in.time_us() <= 0) return "no time";
  if (in.interval_seconds() == 0 || in.interval_seconds() > kMaxInterval) {
    return "interval out of range";
  }
  if (!IsAddress(in.source_address())) return "source address of a wrong size";
  if (in.boot().size() > kMaxBoot || in.router_clock().size() > kMaxName) return "text too long";
  if (in.health_size() > kMaxHealth || in.links_size() > kMaxLinks) return "too many readings";
  return "";
}

// Moves what optional numbers are there.
// Field by field and not by copying the message: what the log keeps is a list of its own
// (internal/v1), so that a field of a newer edge can't get into it unseen. Absent stays absent,
// never 0.
void TakeNumbers(const edge::v1::CheckIn& in, internal::v1::CheckIn& out) {
  if (in.has_uptime_seconds()) out.set_uptime_seconds(in.uptime_seconds());
  if (in.has_cpu_load_percent()) out.set_cpu_load_percent(in.cpu_load_percent());
  if (in.has_memory_free_bytes()) out.set_memory_free_bytes(in.memory_free_bytes());
  if (in.has_memory_total_bytes()) out.set_memory_total_bytes(in.memory_total_bytes());
  if (in.has_disk_free_bytes()) out.set_disk_free_bytes(in.disk_free_bytes());
  if (in.has_disk_total_bytes()) out.set_disk_total_bytes(in.disk_total_bytes());
  if (in.has_cpu_count()) out.set_cpu_count(in.cpu_count());
  if (in.has_cpu_frequency_mhz()) out.set_cpu_frequency_mhz(in.cpu_frequency_mhz());
  if (in.has_bad_blocks_millipercent()) {
    out.set_bad_blocks_millipercent(in.bad_blocks_millipercent());
  }
  if (in.has_sectors_written()) out.set_sectors_written(in.sectors_written());
  if (in.has_agent_errors()) out.set_agent_errors(in.agent_errors());
  if (in.has_skipped_beats()) out.set_skipped_beats(in.skipped_beats());
  if (in.has_running_seconds()) out.set_running_seconds(in.running_seconds());
}

void TakeHealth(edge::v1::CheckIn& in, internal::v1::Readings& out) {
  for (edge::v1::HealthReading& reading : *in.mutable_health()) {
    internal::v1::HealthReading& taken = *out.add_health();
    taken.set_sensor(std::move(*reading.mutable_sensor()));
    taken.set_value_milli(reading.value_milli());
    taken.set_unit(std::move(*reading.mutable_unit()));
  }
}

void TakeLinks(edge::v1::CheckIn& in, internal::v1::Readings& out) {
  for (edge::v1::LinkReading& link : *in.mutable_links()) {
    internal::v1::LinkReading& taken = *out.add_links();
    taken.set_link(std::move(*link.mutable_link()));
    taken.set_address(std::move(*link.mutable_address()));
    if (link.has_rtt_us()) taken.set_rtt_us(link.rtt_us());
    if (link.has_jitter_us()) taken.set_jitter_us(link.jitter_us());
    if (link.has_standard_deviation_us()) {
      taken.set_standard_deviation_us(link.standard_deviation_us());
    }
    if (link.has_loss_permille()) taken.set_loss_permille(link.loss_permille());
  }
}

// The last rows go where a router has more of them than the state keeps.
// Serialized once here, so that apply stores bytes. Links go before health, and the clock last: of
// a router with thirty tunnels the temperature is worth more than the thirtieth round trip.
void TakeReadings(edge::v1::CheckIn& in, internal::v1::Readings& scratch,
                  internal::v1::CheckIn& out) {
  scratch.Clear();
  TakeHealth(in, scratch);
  TakeLinks(in, scratch);
  scratch.set_router_clock(std::move(*in.mutable_router_clock()));
  // At most kMaxHealth + kMaxLinks rounds.
  while (scratch.ByteSizeLong() > kMaxReadings) {
    if (scratch.links_size() > 0) {
      scratch.mutable_links()->RemoveLast();
    } else if (scratch.health_size() > 0) {
      scratch.mutable_health()->RemoveLast();
    } else {
      scratch.clear_router_clock();
    }
  }
  scratch.SerializeToString(out.mutable_readings());
}

void TakeRest(edge::v1::CheckIn& in, internal::v1::CheckIn& out) {
  out.set_device_id(in.device_id());
  out.set_interval_seconds(in.interval_seconds());
  out.set_boot(std::move(*in.mutable_boot()));
  out.set_last_number(in.last_number());
  out.set_running_number(in.running_number());
  out.set_source_address(std::move(*in.mutable_source_address()));
  out.set_text_repaired(in.text_repaired());
  out.set_numbers_dropped(in.numbers_dropped());
}

absl::StatusOr<UpMessage> DecodeHello(absl::string_view bytes) {
  edge::v1::Hello wire;
  if (!Parse(bytes, wire)) return Broken("hello");
  UpHello hello;
  hello.edge_id = std::move(*wire.mutable_edge_id());
  hello.spool_id = std::move(*wire.mutable_spool_id());
  // Cut and not refused: it is only shown.
  hello.version = wire.version().substr(0, kMaxName);
  hello.time_us = wire.time_us();
  hello.protocol = wire.protocol();
  hello.router_root_sha256 = CleanText(wire.router_root_sha256().substr(0, kMaxName));
  return UpMessage(std::move(hello));
}

absl::StatusOr<UpMessage> DecodeWatermark(absl::string_view bytes) {
  edge::v1::Watermark wire;
  if (!Parse(bytes, wire)) return Broken("watermark");
  return UpMessage(UpWatermark{wire.time_us(), wire.live_number()});
}

absl::StatusOr<UpMessage> DecodeStateVerdict(absl::string_view bytes) {
  edge::v1::StateVerdict wire;
  if (!Parse(bytes, wire)) return Broken("state verdict");
  return UpMessage(UpStateVerdict{wire.generation(), wire.refusal().substr(0, kMaxName)});
}

absl::StatusOr<UpMessage> DecodeContactAnswer(absl::string_view bytes) {
  edge::v1::ContactAnswer wire;
  // The edge has cleaned these texts; they are cleaned again, as what is shown to operators must
  // not rest on the word of another machine.
  const bool readable = Parse(bytes, wire);
  const size_t address = wire.source_address().size();
  if (!readable || (address != 0 && address != 4 && address != 16)) return Broken("contacts");
  UpContactAnswer answer;
  answer.question = wire.question();
  RouterContacts& contacts = answer.contacts;
  for (const edge::v1::Contact& contact : wire.contacts()) {
    if (contacts.contacts.size() == kMaxContacts) break;
    if (contact.kind() < edge::v1::CONTACT_KIND_CHECK_IN ||
        contact.kind() > edge::v1::CONTACT_KIND_REFUSED) {
      // A kind that is newer than this program.
      continue;
    }
    contacts.contacts.push_back({static_cast<RouterContactKind>(contact.kind()), contact.time_us(),
                                 contact.http_status(),
                                 CleanText(contact.reason().substr(0, kMaxName))});
  }
  contacts.tls_version = CleanText(wire.tls_version().substr(0, kMaxName));
  contacts.tls_cipher = CleanText(wire.tls_cipher().substr(0, kMaxName));
  contacts.tls_group = CleanText(wire.tls_group().substr(0, kMaxName));
  contacts.tls_resumed = wire.tls_resumed();
  contacts.source_address = wire.source_address();
  return UpMessage(std::move(answer));
}

}  // namespace

// Nothing is moved before everything was measured: on false `out` is as it was.
bool TakeFacts(edge::v1::Facts& facts, internal::v1::Facts& out) {
  for (const std::string* text : {&facts.identity(), &facts.serial_number(), &facts.software_id(),
                                  &facts.routeros_version(), &facts.board(), &facts.architecture(),
                                  &facts.agent_version(), &facts.rights(), &facts.router_roots()}) {
    if (text->size() > kMaxName) return false;
  }
  // Sizes that mean something: a MAC address, a WireGuard key, or nothing.
  const size_t mac = facts.mac_address().size();
  const size_t tunnel = facts.tunnel_public_key().size();
  if ((mac != 0 && mac != 6) || (tunnel != 0 && tunnel != 32)) return false;
  out.set_identity(std::move(*facts.mutable_identity()));
  out.set_serial_number(std::move(*facts.mutable_serial_number()));
  out.set_software_id(std::move(*facts.mutable_software_id()));
  out.set_mac_address(std::move(*facts.mutable_mac_address()));
  out.set_routeros_version(std::move(*facts.mutable_routeros_version()));
  out.set_board(std::move(*facts.mutable_board()));
  out.set_architecture(std::move(*facts.mutable_architecture()));
  out.set_agent_version(std::move(*facts.mutable_agent_version()));
  out.set_format_hex(facts.format_hex());
  out.set_format_escaped(facts.format_escaped());
  out.set_rights(std::move(*facts.mutable_rights()));
  out.set_tunnel_public_key(std::move(*facts.mutable_tunnel_public_key()));
  out.set_router_roots(std::move(*facts.mutable_router_roots()));
  return true;
}

absl::StatusOr<UpMessage> UpDecoder::Decode(absl::string_view bytes) {
  FieldReader fields(bytes);
  Field field;
  Field message;
  while (fields.Next(field)) {
    // What lies beyond the oneof of this version is passed over: a newer edge may say more besides.
    if (field.type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED || field.number > 5) continue;
    // protobuf's own parser would merge two messages or keep the last one; neither is what was
    // meant.
    if (message.number != 0) return Broken("message: it says two things");
    message = field;
  }
  if (fields.broken()) return Broken("message");
  switch (message.number) {
    case edge::v1::ConnectRequest::kHelloFieldNumber:
      return DecodeHello(message.bytes);
    case edge::v1::ConnectRequest::kBatchFieldNumber:
      return DecodeBatch(message.bytes);
    case edge::v1::ConnectRequest::kWatermarkFieldNumber:
      return DecodeWatermark(message.bytes);
    case edge::v1::ConnectRequest::kStateVerdictFieldNumber:
      return DecodeStateVerdict(message.bytes);
    case edge::v1::ConnectRequest::kContactAnswerFieldNumber:
      return DecodeContactAnswer(message.bytes);
    default:
      return Broken("message: it says nothing that is known here");
  }
}

absl::StatusOr<UpMessage> UpDecoder::DecodeBatch(absl::string_view bytes) {
  UpBatch batch;
  // Left by the batch before: these vectors are kept for their memory.
  event_proofs_.clear();
  result_proofs_.clear();
  event_refusals_.clear();
  result_refusals_.clear();
  check_ins_ = job_events_ = job_results_ = 0;
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(field)) {
    const bool varint = field.type == WireFormatLite::WIRETYPE_VARINT;
    const bool nested = field.type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    if (field.number == edge::v1::Batch::kLaneFieldNumber && varint) {
      // Capped instead of cut to 32 bits, so that no large number wraps around to a valid lane; the
      // session refuses lanes that it does not know.
      batch.batch.set_lane(static_cast<uint32_t>(std::min<uint64_t>(field.varint, 255)));
    } else if (field.number == edge::v1::Batch::kNumberFieldNumber && varint) {
      batch.batch.set_number(field.varint);
    } else if (field.number == edge::v1::Batch::kCheckInsFieldNumber && nested) {
      TakeCheckIn(field.bytes, batch);
    } else if (field.number == edge::v1::Batch::kJobEventsFieldNumber && nested) {
      TakeJobEvent(field.bytes, batch);
    } else if (field.number == edge::v1::Batch::kJobResultsFieldNumber && nested) {
      TakeJobResult(field.bytes, batch);
    }
  }
  if (fields.broken()) return Broken("batch");
  NumberItems(batch);
  return UpMessage(std::move(batch));
}

// An item's number in the acknowledgement counts through all three lists in the order of the proto,
// whatever the order on the wire. How many check-ins there are is known only at the end, so events
// and results were numbered from 0 and are moved up here. Refused items keep their numbers; proofs
// go with taken items only, in the same order.
void UpDecoder::NumberItems(UpBatch& batch) {
  const uint32_t events_from = check_ins_;
  const uint32_t results_from = check_ins_ + job_events_;
  for (internal::v1::JobEvent& event : *batch.batch.mutable_job_events()) {
    event.set_item(event.item() + events_from);
  }
  for (internal::v1::JobResult& result : *batch.batch.mutable_job_results()) {
    result.set_item(result.item() + results_from);
  }
  for (ItemVerdict& refusal : event_refusals_) refusal.item += events_from;
  for (ItemVerdict& refusal : result_refusals_) refusal.item += results_from;
  batch.proofs.insert(batch.proofs.end(), event_proofs_.begin(), event_proofs_.end());
  batch.proofs.insert(batch.proofs.end(), result_proofs_.begin(), result_proofs_.end());
  std::move(event_refusals_.begin(), event_refusals_.end(), std::back_inserter(batch.refused));
  std::move(result_refusals_.begin(), result_refusals_.end(), std::back_inserter(batch.refused));
  for (ItemVerdict& refusal : batch.refused) refusal.batch_number = batch.batch.number();
}

void UpDecoder::TakeCheckIn(absl::string_view bytes, UpBatch& batch) {
  // Counted before anything can go wrong: a refused item takes a number too.
  const uint32_t item = check_ins_++;
  if (!Parse(bytes, check_in_)) {
    batch.refused.push_back(Refusal(item, "not readable; is all text UTF-8?"));
    return;
  }
  // Added first and taken away again where it won't do, since facts are moved straight into it.
  internal::v1::CheckIn& out = *batch.batch.add_check_ins();
  absl::string_view problem = ProblemOf(check_in_);
  if (problem.empty() && check_in_.has_facts() &&
      !TakeFacts(*check_in_.mutable_facts(), *out.mutable_facts())) {
    problem = "a fact is too long or of a wrong size";
  }
  if (!problem.empty()) {
    batch.batch.mutable_check_ins()->RemoveLast();
    batch.refused.push_back(Refusal(item, problem));
    return;
  }
  // The first one taken gives the base; the others are small differences, two or three bytes in the
  // log where a whole time takes eight. They may be negative.
  if (batch.batch.base_time_us() == 0) batch.batch.set_base_time_us(check_in_.time_us());
  out.set_time_delta_us(check_in_.time_us() - batch.batch.base_time_us());
  out.set_item(item);
  batch.proofs.push_back(ProofOf(check_in_.device_id(), check_in_.secret_check()));
  TakeReadings(check_in_, readings_, out);
  TakeNumbers(check_in_, out);
  TakeRest(check_in_, out);
}

void UpDecoder::TakeJobEvent(absl::string_view bytes, UpBatch& batch) {
  const uint32_t item = job_events_++;
  edge::v1::JobEvent& in = job_event_;
  if (!Parse(bytes, in)) {
    event_refusals_.push_back(Refusal(item, "not readable; is all text UTF-8?"));
    return;
  }
  if (in.device_id() == 0 || in.number() == 0 || in.boot_at_first_send().size() > kMaxBoot) {
    event_refusals_.push_back(Refusal(item, "no device, no number, or text too long"));
    return;
  }
  event_proofs_.push_back(ProofOf(in.device_id(), in.secret_check()));
  internal::v1::JobEvent& out = *batch.batch.add_job_events();
  out.set_device_id(in.device_id());
  out.set_number(in.number());
  out.set_kind(static_cast<uint32_t>(in.kind()));
  out.set_time_us(in.time_us());
  out.set_times_sent(in.times_sent());
  out.set_boot_at_first_send(std::move(*in.mutable_boot_at_first_send()));
  out.set_item(item);
}

void UpDecoder::TakeJobResult(absl::string_view bytes, UpBatch& batch) {
  const uint32_t item = job_results_++;
  edge::v1::JobResult& in = job_result_;
  if (!Parse(bytes, in)) {
    result_refusals_.push_back(Refusal(item, "not readable; is all text UTF-8?"));
    return;
  }
  const bool long_text =
      in.output().size() > kMaxOutput || in.error().size() > kMaxOutput || in.phase().size() > 16;
  // Numbers of jobs begin at 1.
  if (in.device_id() == 0 || in.number() == 0 || long_text) {
    result_refusals_.push_back(Refusal(item, "no device, no number, or text too long"));
    return;
  }
  result_proofs_.push_back(ProofOf(in.device_id(), in.secret_check()));
  internal::v1::JobResult& out = *batch.batch.add_job_results();
  out.set_device_id(in.device_id());
  out.set_number(in.number());
  out.set_status(static_cast<uint32_t>(in.status()));
  out.set_phase(std::move(*in.mutable_phase()));
  out.set_output(std::move(*in.mutable_output()));
  out.set_cut(in.cut());
  out.set_error(std::move(*in.mutable_error()));
  out.set_time_us(in.time_us());
  out.set_item(item);
}

}  // namespace muster::server
