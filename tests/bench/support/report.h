// What a benchmark says: a table for people and, as the last line, one line of JSON for programs.
//
// Threads:  not safe.
// Example:
//   {"bench":"edge","quick":true,"figures":{"nginx_ratio":0.93,"basis":"cpu_time"}}
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster::bench {

class Report {
 public:
  Report(absl::string_view bench, bool quick) : bench_(bench), quick_(quick) {}

  // `budget` is the text that stands beside the figure, such as ">= 0.80"; "" where there is none.
  void Figure(absl::string_view key, double value, absl::string_view unit,
              absl::string_view budget);
  void Word(absl::string_view key, absl::string_view value);

  // Table and JSON on stdout. Answers 0, the exit code.
  int Print() const;

 private:
  struct Row {
    std::string key, value, unit, budget;
    bool is_text = false;
  };

  const std::string bench_;
  const bool quick_;
  std::vector<Row> rows_;
};

// Says on stderr what is being done.
void Say(absl::string_view text);

// Says on stderr why nothing could be measured. Answers 1, the exit code.
int CannotMeasure(const absl::Status& why);

// Of `values`, which it sorts; 0 where there are none. `share` is 0.5 for the median.
double Percentile(std::vector<double>& values, double share);

}  // namespace muster::bench
