// The keys themselves. Order is that in which the agent writes them (routeros/script), so that a
// look-up mostly hits at once.
#include "routeros/heartbeat/fields.h"

#include <limits>

namespace muster::routeros {
namespace {

// The narrowing below is safe because `high` is compared before a number is taken.
constexpr uint64_t kMost32 = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMost63 = std::numeric_limits<int64_t>::max();
constexpr unsigned kFacts = kInHeartbeat | kInEnrolment;
constexpr unsigned kEveryCall = kInHeartbeat | kInEnrolment | kInResult;

// Each gives the last two members of a Field: how a number is taken, or which text is filled.
#define MUSTER_NUMBER(target) \
  [](Body& body, uint64_t value) { body.target = static_cast<uint32_t>(value); }, nullptr
#define MUSTER_LONG_NUMBER(target) [](Body& body, uint64_t value) { body.target = value; }, nullptr
#define MUSTER_TEXT(target) nullptr, [](Body& body) { return &body.target; }

using enum FieldKind;

constexpr Field kFields[] = {
    // The strict ones (p, last, n): without them a body means nothing. Everything else may be
    // missing.
    {"p", kEveryCall, kStrictNumber, 1, 255, "", "protocol, 1", MUSTER_NUMBER(heartbeat.protocol)},
    {"agent", kFacts, kText, 0, 32, "", "version of the agent's text",
     MUSTER_TEXT(heartbeat.facts.agent_version)},
    {"fmt", kFacts, kText, 0, 32, "", "payload formats it decodes: hex, esc", MUSTER_TEXT(formats)},
    // Compared as text only. Agents write 16 characters.
    {"boot", kInHeartbeat, kText, 0, 64, "", "nonce of this boot", MUSTER_TEXT(heartbeat.boot)},
    {"up", kInHeartbeat, kSeconds, 0, kMost63, "", "uptime",
     MUSTER_LONG_NUMBER(heartbeat.uptime_seconds)},
    {"clock", kInHeartbeat, kText, 0, 64, "", "the router's date and time",
     MUSTER_TEXT(heartbeat.clock)},
    {"last", kInHeartbeat, kStrictNumber, 0, kMost63, "", "highest number it ever started",
     MUSTER_LONG_NUMBER(heartbeat.last_number)},
    {"run", kInHeartbeat, kNumber, 0, kMost63, "", "number that runs now, or 0",
     MUSTER_LONG_NUMBER(heartbeat.running_number)},
    {"run_age", kInHeartbeat, kSeconds, 0, kMost32, "", "for how long it has run",
     MUSTER_NUMBER(heartbeat.running_seconds)},
    {"err", kInHeartbeat, kNumber, 0, kMost63, "", "internal errors of the agent",
     MUSTER_LONG_NUMBER(heartbeat.agent_errors)},
    {"tx", kInHeartbeat, kNumber, 0, kMost32, "", "beats skipped since the last one",
     MUSTER_NUMBER(heartbeat.skipped_beats)},
    {"id", kFacts, kText, 0, 128, "", "identity", MUSTER_TEXT(heartbeat.facts.identity)},
    {"sn", kFacts, kText, 0, 64, "", "serial number", MUSTER_TEXT(heartbeat.facts.serial_number)},
    {"sw", kFacts, kText, 0, 64, "", "software-id or system-id",
     MUSTER_TEXT(heartbeat.facts.software_id)},
    {"mac", kFacts, kText, 0, 32, "", "first MAC address", MUSTER_TEXT(mac_text)},
    {"ver", kFacts, kText, 0, 64, "", "RouterOS version",
     MUSTER_TEXT(heartbeat.facts.routeros_version)},
    {"board", kFacts, kText, 0, 64, "", "board name", MUSTER_TEXT(heartbeat.facts.board)},
    {"arch", kFacts, kText, 0, 32, "", "architecture", MUSTER_TEXT(heartbeat.facts.architecture)},
    {"cpu", kInHeartbeat, kNumber, 0, 100, "%", "CPU load in percent",
     MUSTER_NUMBER(heartbeat.cpu_load_percent)},
    {"cpus", kInHeartbeat, kNumber, 1, 1024, "", "CPU count", MUSTER_NUMBER(heartbeat.cpu_count)},
    {"mhz", kInHeartbeat, kNumber, 0, 100'000, "MHz", "CPU frequency",
     MUSTER_NUMBER(heartbeat.cpu_frequency_mhz)},
    {"mf", kInHeartbeat, kNumber, 0, kMost63, "B", "memory free",
     MUSTER_LONG_NUMBER(heartbeat.memory_free_bytes)},
    {"mt", kInHeartbeat, kNumber, 0, kMost63, "B", "memory total",
     MUSTER_LONG_NUMBER(heartbeat.memory_total_bytes)},
    {"df", kInHeartbeat, kNumber, 0, kMost63, "B", "disk free",
     MUSTER_LONG_NUMBER(heartbeat.disk_free_bytes)},
    {"dt", kInHeartbeat, kNumber, 0, kMost63, "B", "disk total",
     MUSTER_LONG_NUMBER(heartbeat.disk_total_bytes)},
    {"bb", kInHeartbeat, kPercentMilli, 0, 100'000, "%", "bad blocks in percent",
     MUSTER_NUMBER(heartbeat.bad_blocks_millipercent)},
    {"wr", kInHeartbeat, kNumber, 0, kMost63, "", "sectors written since reset",
     MUSTER_LONG_NUMBER(heartbeat.sectors_written)},
    {"health", kInHeartbeat, kRows, 0, kMostHealthRows, "", "sensors: rows of n, v, t", nullptr,
     nullptr},
    {"links", kInHeartbeat, kRows, 0, kMostLinkRows, "", "probes: rows of n, a, rtt, jit, sd, loss",
     nullptr, nullptr},
    {"wg", kFacts, kText, 0, 64, "", "tunnel public key", MUSTER_TEXT(tunnel_key_text)},
    {"rights", kFacts, kText, 0, 256, "", "policies that the agent has",
     MUSTER_TEXT(heartbeat.facts.rights)},
    {"ca", kFacts, kText, 0, 64, "", "router roots that it trusts", MUSTER_TEXT(roots_text)},
    // Raw, since they are compared byte by byte: cleaning would make two different ones alike.
    {"nonce", kInEnrolment, kRawText, 0, 64, "", "the router's own, 8 to 64 characters",
     MUSTER_TEXT(nonce)},
    {"token", kInEnrolment, kRawText, 0, 256, "", "a token that it still holds",
     MUSTER_TEXT(token)},
    {"n", kInResult, kStrictNumber, 1, kMost63, "", "number of the job",
     MUSTER_LONG_NUMBER(result.number)},
    {"st", kInResult, kText, 0, 16, "", "ok, fail or refused", MUSTER_TEXT(status_word)},
    {"ph", kInResult, kText, 0, 16, "", "phase: parse or run", MUSTER_TEXT(result.phase)},
    // Its own limit comes after decoding: as hex it is twice as long.
    {"out", kInResult, kRawText, 0, kLongestBody, "", "output", MUSTER_TEXT(output)},
    {"enc", kInResult, kText, 0, 16, "", "how `out` is written: text, hex or b64",
     MUSTER_TEXT(encoding)},
    {"cut", kInResult, kFlag, 0, 1, "", "1 where the output was cut",
     [](Body& body, uint64_t value) { body.result.cut = value != 0; }, nullptr},
    {"err", kInResult, kText, 0, 1024, "", "text of the error", MUSTER_TEXT(result.error)},
    // The same letters as in a result: a key means something in its place alone.
    {"n", kInHealthRow, kText, 0, 64, "", "sensor", MUSTER_TEXT(health_row.sensor)},
    {"v", kInHealthRow, kText, 0, 32, "", "value", MUSTER_TEXT(health_value)},
    {"t", kInHealthRow, kText, 0, 16, "", "unit", MUSTER_TEXT(health_unit)},
    {"n", kInLinkRow, kText, 0, 64, "", "link", MUSTER_TEXT(link_row.link)},
    {"a", kInLinkRow, kText, 0, 64, "", "address", MUSTER_TEXT(link_row.address)},
    {"rtt", kInLinkRow, kMicroseconds, 0, kMost32, "", "round trip",
     MUSTER_NUMBER(link_row.rtt_us)},
    {"jit", kInLinkRow, kMicroseconds, 0, kMost32, "", "jitter", MUSTER_NUMBER(link_row.jitter_us)},
    {"sd", kInLinkRow, kMicroseconds, 0, kMost32, "", "standard deviation",
     MUSTER_NUMBER(link_row.standard_deviation_us)},
    {"loss", kInLinkRow, kPercentMilli, 0, 100'000, "%", "loss in percent",
     [](Body& body, uint64_t value) {
       body.link_row.loss_permille = static_cast<uint32_t>(value / 100);
     },
     nullptr},
};

#undef MUSTER_NUMBER
#undef MUSTER_LONG_NUMBER
#undef MUSTER_TEXT

// Duplicates are found with one bit per field.
static_assert(std::size(kFields) <= 64);

}  // namespace

absl::Span<const Field> Fields() { return kFields; }

std::optional<size_t> FindField(absl::string_view key, FieldPlace place, size_t hint) {
  // Once around the table from the hint on: a router that writes keys in another order, or twice,
  // is found all the same.
  for (size_t i = 0; i < std::size(kFields); ++i) {
    const size_t at = (hint + i) % std::size(kFields);
    if ((kFields[at].places & place) != 0 && kFields[at].key == key) return at;
  }
  return std::nullopt;
}

}  // namespace muster::routeros
