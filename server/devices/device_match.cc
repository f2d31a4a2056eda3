#include "server/devices/device_match.h"

#include <arpa/inet.h>

#include "absl/strings/str_format.h"

namespace muster::server {
namespace {

FilterOnline OnlineForFilter(OnlineState online) {
  switch (online) {
    case OnlineState::kOnline:
      return FilterOnline::kOnline;
    case OnlineState::kOffline:
      return FilterOnline::kOffline;
    case OnlineState::kUnknown:
      return FilterOnline::kUnknown;
    case OnlineState::kNever:
      return FilterOnline::kNever;
  }
  return FilterOnline::kNever;
}

}  // namespace

FilterStatus StatusForFilter(const DeviceStatus& status) {
  FilterStatus answer;
  answer.online = OnlineForFilter(status.online);
  answer.last_check_in_us = status.last_check_in_us;
  if (status.cpu_load_percent.has_value()) {
    answer.cpu_load_percent = static_cast<int>(*status.cpu_load_percent);
  }
  if (status.memory_free_bytes.has_value() && status.memory_total_bytes.value_or(0) > 0) {
    const uint64_t total = *status.memory_total_bytes;
    const uint64_t free = *status.memory_free_bytes;
    const double used = free >= total ? 0.0 : static_cast<double>(total - free);
    // Floating point is good enough here: filters are asked when somebody reads, never in apply.
    answer.memory_used_percent = static_cast<int>(used * 100.0 / static_cast<double>(total));
  }
  return answer;
}

bool FilterMatches(const Filter& filter, const Device& device, int64_t now_us) {
  if (filter.matches_all()) return true;
  const FilterStatus status = StatusForFilter(device.status);
  // Most filters over a fleet are decided by "online"; texts are made only for the rest.
  const FilterVerdict early = filter.MatchStatus(status, now_us);
  if (early != FilterVerdict::kNeedsFacts) return early == FilterVerdict::kYes;
  const std::string id = FormatId(device.id);
  const std::string mac = MacText(device.mac_address);
  const std::string address = AddressText(device.status.source_address);
  // Views into `device` and the three texts above, which outlive the call.
  FilterFacts facts;
  facts.id = id;
  facts.display_name = device.display_name;
  facts.identity = device.identity;
  facts.serial_number = device.serial_number;
  facts.mac_address = mac;
  facts.source_address = address;
  facts.model = device.board;
  facts.routeros_version = device.routeros_version;
  facts.site = device.site;
  facts.labels = &device.labels;
  return filter.Match(status, facts, now_us);
}

std::string MacText(absl::string_view bytes) {
  if (bytes.size() != 6) return "";
  const auto* b = reinterpret_cast<const unsigned char*>(bytes.data());
  return absl::StrFormat("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

std::string AddressText(absl::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  if (bytes.size() == 4) {
    inet_ntop(AF_INET, bytes.data(), text, sizeof(text));
  } else if (bytes.size() == 16) {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof(text));
  }
  return text;
}

}  // namespace muster::server
