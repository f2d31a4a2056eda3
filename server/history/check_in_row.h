// One check-in as history keeps it: what the router said of itself, and what the edge saw of it.
//
// A reading that is absent was not sent: it is kept as absent and never as zero. Numbers are as
// wide as in the state's StatusRow, and like there what is larger is the largest: each byte counts
// twice, since DuckDB writes its log without compression.
//
// Threads:  values.
// Units:    as named; times in microseconds since 1970.
// Example:  duckdb_history_test.cc, GivesBackEachFieldOfACheckIn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/ids/ids.h"

namespace muster::server {

struct CheckInRow {
  // When it came, by the corrected clock of its edge.
  int64_t time_us = 0;
  OrganizationId organization;
  DeviceId device;
  // The state's number of the edge.
  uint16_t edge = 0;
  // 4 or 16 bytes in network order, or empty. IPv4 written as IPv6 (::ffff:0:0/96) comes back as
  // IPv4.
  std::string source_address;
  // The autonomous system that announced the address.
  std::optional<uint32_t> asn;
  // When the reply promised the next beat.
  uint16_t interval_seconds = 0;

  // BootHash of server/state/status_row.h; none for a small body, which names no boot.
  std::optional<uint64_t> boot_hash;
  std::optional<uint32_t> uptime_seconds;
  std::optional<uint8_t> cpu_load_percent;
  std::optional<uint16_t> cpu_count;
  std::optional<uint16_t> cpu_frequency_mhz;
  std::optional<uint64_t> memory_free_bytes;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> disk_free_bytes;
  std::optional<uint64_t> disk_total_bytes;
  std::optional<uint32_t> bad_blocks_millipercent;
  std::optional<uint64_t> sectors_written;
  std::optional<uint32_t> agent_errors;
  std::optional<uint16_t> skipped_beats;

  // Of jobs: the highest number ever started, and what runs.
  std::optional<uint64_t> last_number;
  std::optional<uint64_t> running_number;
  std::optional<uint32_t> running_seconds;

  // What the edge had to mend in the body.
  uint16_t text_repaired = 0;
  uint16_t numbers_dropped = 0;

  // The board's own sensors and the link that the agent watches: columns, since these are charted.
  std::optional<int32_t> temperature_milli_celsius;
  std::optional<int32_t> voltage_milli;
  std::optional<uint32_t> link_rtt_us;
  std::optional<uint32_t> link_jitter_us;
  std::optional<uint32_t> link_standard_deviation_us;
  std::optional<uint16_t> link_loss_permille;
  // An internal.v1.Readings with the rest of them, serialized; empty where there is no rest.
  std::string more_readings;

  friend bool operator==(const CheckInRow&, const CheckInRow&) = default;
};

}  // namespace muster::server
