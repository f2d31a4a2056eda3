#include "tests/bench/ingest/fleet.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"

namespace muster::bench {
namespace {

// SplitMix64.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::string Bytes(uint64_t value, size_t count) {
  std::string bytes(count, '\0');
  std::memcpy(bytes.data(), &value, std::min(count, sizeof(value)));
  return bytes;
}

void AddHealth(edge::v1::CheckIn& check_in, const char* sensor, int64_t value, const char* unit) {
  edge::v1::HealthReading& reading = *check_in.add_health();
  reading.set_sensor(sensor);
  reading.set_value_milli(value);
  reading.set_unit(unit);
}

}  // namespace

Fleet::Fleet(size_t devices, size_t edges) : edges_(edges) {
  ids_.reserve(devices);
  for (size_t i = 0; i < devices; ++i) ids_.push_back(Mix(i + 1));
  std::sort(ids_.begin(), ids_.end());
}

Secret Fleet::TokenSecret(size_t device) const {
  const uint64_t id = ids_[device];
  return Secret(Bytes(Mix(id), 8) + Bytes(Mix(Mix(id)), 8));
}

std::string Fleet::Boot(size_t device) const {
  return absl::StrFormat("%08x", static_cast<uint32_t>(ids_[device]));
}

std::string Fleet::Address(size_t device) const {
  // 100.64.0.0/10, so that no two of four million devices share one.
  const uint32_t number = static_cast<uint32_t>(device) & 0x3fffff;
  return {static_cast<char>(100), static_cast<char>(64 + (number >> 16)),
          static_cast<char>(number >> 8), static_cast<char>(number)};
}

void Fleet::FillCheckIn(size_t device, int64_t time_us, edge::v1::CheckIn& check_in) const {
  const uint64_t noise = Mix(ids_[device] ^ static_cast<uint64_t>(time_us));
  check_in.set_device_id(ids_[device]);
  check_in.set_time_us(time_us);
  check_in.set_interval_seconds(kIntervalSeconds);
  check_in.set_boot(Boot(device));
  check_in.set_uptime_seconds(static_cast<uint64_t>(time_us / 1'000'000) % 10'000'000);
  check_in.set_cpu_load_percent(noise % 40);
  check_in.set_cpu_count(4);
  check_in.set_cpu_frequency_mhz(880);
  check_in.set_memory_free_bytes(100'000'000 + noise % 50'000'000);
  check_in.set_memory_total_bytes(268'435'456);
  check_in.set_disk_free_bytes(5'000'000);
  check_in.set_disk_total_bytes(16'777'216);
  check_in.set_bad_blocks_millipercent(0);
  check_in.set_sectors_written(200'000 + noise % 1000);
  AddHealth(check_in, "temperature", 41'000 + static_cast<int64_t>(noise % 9000), "C");
  AddHealth(check_in, "voltage", 24'100, "V");
  edge::v1::LinkReading& link = *check_in.add_links();
  link.set_link("muster-link");
  link.set_address("192.0.2.1");
  link.set_rtt_us(9000 + noise % 4000);
  link.set_jitter_us(900);
  link.set_loss_permille(0);
  check_in.set_agent_errors(0);
  check_in.set_source_address(Address(device));
  check_in.set_router_clock("2026-05-01 12:00:00");
  check_in.set_protocol(1);
}

}  // namespace muster::bench
