#include "tests/bench/support/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace muster::bench {

void Report::Figure(absl::string_view key, double value, absl::string_view unit,
                    absl::string_view budget) {
  const bool whole = value == std::floor(value) || std::abs(value) >= 1000;
  const int digits = whole ? 0 : std::abs(value) >= 10 ? 1 : 3;
  // JSON knows no infinity.
  const std::string text = std::isfinite(value) ? absl::StrFormat("%.*f", digits, value) : "null";
  rows_.push_back({std::string(key), text, std::string(unit), std::string(budget)});
}

void Report::Word(absl::string_view key, absl::string_view value) {
  rows_.push_back({std::string(key), std::string(value), "", "", true});
}

int Report::Print() const {
  std::string table = absl::StrFormat("%-30s %14s  %-10s %s\n", "figure", "measured", "", "budget");
  std::string json = absl::StrCat("{\"bench\":\"", bench_,
                                  "\",\"quick\":", quick_ ? "true" : "false", ",\"figures\":{");
  bool first = true;
  for (const Row& row : rows_) {
    absl::StrAppendFormat(&table, "%-30s %14s  %-10s %s\n", row.key, row.value, row.unit,
                          row.budget);
    const absl::string_view quote = row.is_text ? "\"" : "";
    absl::StrAppend(&json, first ? "" : ",", "\"", row.key, "\":", quote, row.value, quote);
    first = false;
  }
  std::cout << table << json << "}}" << std::endl;
  return 0;
}

void Say(absl::string_view text) { std::cerr << text << std::endl; }

int CannotMeasure(const absl::Status& why) {
  std::cerr << "nothing was measured: " << why.message() << std::endl;
  return 1;
}

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t place = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::min(values.size() - 1, place == 0 ? 0 : place - 1)];
}

}  // namespace muster::bench
