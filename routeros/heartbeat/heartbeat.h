// Bodies of the device protocol: what a router posts as heartbeat, enrolment and result.
//
// `page` is how text that is no UTF-8 is read; without one its bytes become U+FFFD.
//
// Every value may be a number or a text; keys that Muster doesn't know are skipped. Text never
// refuses a body: bytes of any code page, controls and broken escapes are repaired and counted. A
// number that is out of range or no number is dropped and counted, and the rest is taken.
//
// So tolerant, because text never refuses a beat: a router whose name can't be read is still a
// router that must be seen and mended, and one that is refused backs off and fills its own log.
// Threads:  safe to call from any thread; each thread keeps one parser of its own.
// Errors:   InvalidArgument for broken structure: not a JSON object, a key twice, something behind
//           the end, nesting deeper than kDeepestNesting, more than kLongestBody bytes, or a
//           missing or unusable `p`, `last` (heartbeat), `n`, `st` (result), `nonce` (enrolment).
//           The message names the key, never a value.
// Example:  heartbeat_test.cc. The keys stand in fields.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "routeros/heartbeat/code_page.h"

namespace muster::routeros {

// Above what edge-proxy/http lets through (16 KiB): the limit of a caller without one.
constexpr size_t kLongestBody = 64 * 1024;
constexpr int kDeepestNesting = 16;
// More rows of sensors or probes are left out and counted as dropped numbers.
constexpr size_t kMostHealthRows = 32;
constexpr size_t kMostLinkRows = 16;
constexpr size_t kLongestOutput = 16 * 1024;

// Which facts are there depends on the board: a CHR has no serial number, an x86 has a software id.
// All of them are the router's own word, and clones and restored backups repeat them
// (MikroTik's manual, Backup): a device is known by its token alone.
// What a router is. Texts are clean UTF-8.
struct DeviceFacts {
  std::string identity;
  std::string serial_number;
  std::string software_id;
  // 6 bytes or empty.
  std::string mac_address;
  std::string routeros_version;
  std::string board;
  std::string architecture;
  std::string agent_version;
  bool format_hex = false;
  bool format_escaped = false;
  std::string rights;
  // 32 bytes or empty.
  std::string tunnel_public_key;
  // Router roots that the text pins and the store holds: 8 lower-case hex digits each, ascending,
  // with commas between.
  std::string router_roots;

  friend bool operator==(const DeviceFacts&, const DeviceFacts&) = default;
};

// One sensor: "temperature", 41000, "C".
struct HealthRow {
  std::string sensor;
  int64_t value_milli = 0;
  std::string unit;
};

// What netwatch measured of one link since it last looked; v6 sends none.
struct LinkRow {
  std::string link;
  std::string address;
  std::optional<uint32_t> rtt_us;
  std::optional<uint32_t> jitter_us;
  std::optional<uint32_t> standard_deviation_us;
  std::optional<uint32_t> loss_permille;
};

// How much of a body was not as it should be; the control plane keeps it with the check-in.
struct RepairCounts {
  // Bytes of text that had to be changed.
  uint32_t text_repaired = 0;
  // Numbers that had to be left out, and rows above the limits.
  uint32_t numbers_dropped = 0;
};

// What one beat says. A value that is absent was not sent, or could not be read: it is never a
// zero.
struct Heartbeat {
  uint32_t protocol = 0;
  // Another nonce than before is the evidence of a reboot, by which a running job is LOST.
  std::string boot;
  std::optional<uint64_t> uptime_seconds;
  // Data only, to warn of wrong clocks: "1970-01-02 00:01:03" or "jan/02/1970 00:01:03".
  std::string clock;
  // The highest job number ever started; lower than before means that the configuration went back.
  uint64_t last_number = 0;
  uint64_t running_number = 0;
  std::optional<uint32_t> running_seconds;
  std::optional<uint64_t> agent_errors;
  std::optional<uint32_t> skipped_beats;
  std::optional<uint32_t> cpu_load_percent;
  std::optional<uint32_t> cpu_count;
  std::optional<uint32_t> cpu_frequency_mhz;
  std::optional<uint64_t> memory_free_bytes;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> disk_free_bytes;
  std::optional<uint64_t> disk_total_bytes;
  std::optional<uint32_t> bad_blocks_millipercent;
  std::optional<uint64_t> sectors_written;
  std::vector<HealthRow> health;
  std::vector<LinkRow> links;
  DeviceFacts facts;
  // False for the minimal body that the agent sends when it could not collect: `facts` then holds
  // nothing but the agent's version and formats.
  bool has_facts = false;
  RepairCounts counts;
};

struct Enrolment {
  uint32_t protocol = 0;
  // 8 to 64 bytes.
  std::string nonce;
  // Proves which device the router was, so that it keeps its identity when its line is pasted
  // again.
  // A token that the router still holds, or empty. Never log it.
  std::string token;
  DeviceFacts facts;
  RepairCounts counts;
};

enum class ResultStatus { kOk, kFailed, kRefused };

// What became of a job.
struct JobReport {
  uint32_t protocol = 0;
  uint64_t number = 0;
  ResultStatus status = ResultStatus::kFailed;
  // Before 7.8 this is all that is known of a failure.
  // "parse", "run" or "".
  std::string phase;
  // Decoded, repaired and cleaned; line breaks stay; at most kLongestOutput bytes.
  std::string output;
  bool cut = false;
  std::string error;
  RepairCounts counts;
};

// Each reads one body of its call; keys of the other calls count as unknown. Nothing of `body` is
// kept, and messages hold no value, so they may be logged and shown.
absl::StatusOr<Heartbeat> ParseHeartbeat(absl::string_view body, CodePage page = CodePage::kNone);
absl::StatusOr<Enrolment> ParseEnrolment(absl::string_view body, CodePage page = CodePage::kNone);
absl::StatusOr<JobReport> ParseResult(absl::string_view body, CodePage page = CodePage::kNone);

}  // namespace muster::routeros
