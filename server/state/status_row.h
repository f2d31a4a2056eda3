// The last check-in of one device, packed; and what a newer check-in makes of it.
//
// Threads:  values and pure functions.
// Units:    as named; integers only, so that every machine computes the same.
// Example:  state_hash_test.cc.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/state/records.h"

namespace muster::server {

static_assert(std::endian::native == std::endian::little,
              "slabs are written as they lie in memory");

inline constexpr uint16_t kNoEdge = 0xffff;
inline constexpr int kRecentEdges = 3;
// Edges where a device checked in this recently may hold its job.
inline constexpr int64_t kRecentEdgeUs = 600'000'000;
// A router that reports a larger job number talks nonsense. Numbers are microseconds since 1970, so
// this is beyond the year 100,000, and number + 1 never overflows.
inline constexpr uint64_t kMaxNumber = uint64_t{1} << 62;
// The end of the year 9999; what lies behind it, or before 1970, is no time, and sums of times
// within it fit.
inline constexpr int64_t kMaxTimeUs = 253'402'300'799'000'000;

// Written to disk as it lies in memory, 128 bytes: a new field needs new slabs.
struct StatusRow {
  // 0: never checked in.
  int64_t time_us = 0;
  std::array<uint8_t, 16> address{};
  // First 8 bytes of a hash of the boot nonce.
  uint64_t boot_hash = 0;
  uint64_t memory_free_bytes = 0;
  uint64_t memory_total_bytes = 0;
  uint64_t disk_free_bytes = 0;
  uint64_t disk_total_bytes = 0;
  uint64_t sectors_written = 0;
  uint32_t uptime_seconds = 0;
  uint32_t agent_errors = 0;
  uint32_t bad_blocks_millipercent = 0;
  // Seconds since 1970 of the last "address-changed" event.
  uint32_t address_event_s = 0;
  // Newest first; seconds since 1970.
  std::array<uint32_t, kRecentEdges> edge_s{};
  std::array<uint16_t, kRecentEdges> edge{kNoEdge, kNoEdge, kNoEdge};
  uint16_t interval_s = 0;
  uint16_t previous_interval_s = 0;
  // Bits of Present.
  uint16_t present = 0;
  uint16_t cpu_count = 0;
  uint16_t cpu_frequency_mhz = 0;
  uint8_t cpu_load_percent = 0;
  uint8_t address_bytes = 0;
  // Of the boot before that one.
  uint64_t previous_boot_hash = 0;
};
static_assert(sizeof(StatusRow) == 128);

enum Present : uint16_t {
  kHasUptime = 1 << 0,
  kHasCpuLoad = 1 << 1,
  kHasCpuCount = 1 << 2,
  kHasCpuFrequency = 1 << 3,
  kHasMemoryFree = 1 << 4,
  kHasMemoryTotal = 1 << 5,
  kHasDiskFree = 1 << 6,
  kHasDiskTotal = 1 << 7,
  kHasBadBlocks = 1 << 8,
  kHasSectorsWritten = 1 << 9,
  kHasAgentErrors = 1 << 10,
};

// What a check-in changed beside the numbers.
struct RowChange {
  // False: it is not newer than the last one, and nothing was changed. A batch that was held up
  // brings such check-ins; they are no news.
  bool taken = false;
  bool first = false;
  // Another boot nonce than the last one. False where the check-in names no boot (a small body),
  // and for the first boot ever.
  bool new_boot = false;
  // The boot is the one before the last: a router that rebooted can't have it.
  bool boot_returned = false;
  // Worth an event: the address changed, and no such event came within 10 minutes.
  bool address_event = false;
  // The edge had not heard the device within 10 minutes.
  bool new_edge = false;
};

// Why a check-in of a batch with this base time is refused, whatever the state; empty: it is not. A
// function of the item alone, since a start asks it again of each kept entry and must get the same
// answer.
absl::string_view ObjectionTo(const internal::v1::CheckIn& check_in, int64_t base_time_us);

// Takes a check-in that came at `time_us` through edge number `edge`. The row is a function of its
// check-ins alone, in order: that makes the replay at a start exact. ObjectionTo must have had
// none.
RowChange TakeCheckIn(StatusRow& row, const internal::v1::CheckIn& check_in, int64_t time_us,
                      uint16_t edge);

// 0 for none. Only compared; two nonces that collide look like no reboot, once in 2^64.
uint64_t BootHash(const std::string& boot);

// When the device will be called offline: three times the larger of the last two promised
// intervals, and 2 s. 0 where it never checked in.
// Two, because the promise of the reply before may still be what the router lives by.
int64_t DeadlineUs(const StatusRow& row);

// What is known of time when a row is judged.
struct Clocks {
  int64_t state_time_us = 0;
  // After a jump of state time: from when, and until when nobody goes offline.
  int64_t jump_from_us = 0;
  int64_t jump_hold_until_us = 0;
  // Of the row's newest edge: all check-ins up to here are applied; and when that was said.
  int64_t watermark_us = 0;
  int64_t watermark_seen_us = 0;
};
// NEVER, ONLINE, OFFLINE by proof of the watermark, UNKNOWN where its edge says nothing.
OnlineState Judge(const StatusRow& row, const Clocks& clocks);

}  // namespace muster::server
