// Any bytes as filter: parsed or refused with a position, and a parsed one judges without a crash
// and agrees with itself when facts are left out.
#include <cstdint>
#include <cstdlib>

#include "server/filter/filter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace muster::server;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Filter> filter = Filter::Parse(text);
  if (!filter.ok()) return 0;
  FilterStatus status;
  status.online = FilterOnline::kOnline;
  status.cpu_load_percent = 50;
  status.last_check_in_us = 1'000'000'000'000'000;
  const std::map<std::string, std::string> labels = {{"a", "b"}, {"ring", "1"}};
  FilterFacts facts;
  facts.id = "0123456789abc";
  facts.identity = "office";
  facts.routeros_version = "7.20.8 (stable)";
  facts.source_address = "203.0.113.7";
  facts.labels = &labels;
  const int64_t now_us = 1'000'000'100'000'000;
  const bool full = filter->Match(status, facts, now_us);
  const FilterVerdict early = filter->MatchStatus(status, now_us);
  if (early == FilterVerdict::kYes && !full) std::abort();
  if (early == FilterVerdict::kNo && full) std::abort();
  return 0;
}
