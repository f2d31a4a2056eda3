// Bodies of the device protocol: what a router posts as heartbeat, enrolment and result.
//
// `page` is how text that is no UTF-8 is read; without one its bytes become U+FFFD.
//
// Every value may be a number or a text; keys that Muster doesn't know are skipped. Text never
// refuses a body: bytes of any code page, controls and broken escapes are repaired and counted. A
// number that is out of range or no number is dropped and counted, and the rest is taken.
//
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

constexpr size_t kLongestBody = 64 * 1024;
constexpr int kDeepestNesting = 16;
constexpr size_t kMostHealthRows = 32;
constexpr size_t kMostLinkRows = 16;
constexpr size_t kLongestOutput = 16 * 1024;

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

  friend bool operator==(const DeviceFacts&, const DeviceFacts&) = default;
};

struct HealthRow {
  std::string sensor;
  int64_t value_milli = 0;
  std::string unit;
};

struct LinkRow {
  std::string link;
  std::string address;
  std::optional<uint32_t> rtt_us;
  std::optional<uint32_t> jitter_us;
  std::optional<uint32_t> standard_deviation_us;
  std::optional<uint32_t> loss_permille;
};

struct RepairCounts {
  // Bytes of text that had to be changed.
  uint32_t text_repaired = 0;
  // Numbers that had to be left out, and rows above the limits.
  uint32_t numbers_dropped = 0;
};

struct Heartbeat {
  uint32_t protocol = 0;
  std::string boot;
  std::optional<uint64_t> uptime_seconds;
  std::string clock;
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
  // A token that the router still holds, or empty. Never log it.
  std::string token;
  DeviceFacts facts;
  RepairCounts counts;
};

enum class ResultStatus { kOk, kFailed, kRefused };

struct JobReport {
  uint32_t protocol = 0;
  uint64_t number = 0;
  ResultStatus status = ResultStatus::kFailed;
  // "parse", "run" or "".
  std::string phase;
  // Decoded, repaired and cleaned; line breaks stay; at most kLongestOutput bytes.
  std::string output;
  bool cut = false;
  std::string error;
  RepairCounts counts;
};

absl::StatusOr<Heartbeat> ParseHeartbeat(absl::string_view body, CodePage page = CodePage::kNone);
absl::StatusOr<Enrolment> ParseEnrolment(absl::string_view body, CodePage page = CodePage::kNone);
absl::StatusOr<JobReport> ParseResult(absl::string_view body, CodePage page = CodePage::kNone);

}  // namespace muster::routeros
