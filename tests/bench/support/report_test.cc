#include "tests/bench/support/report.h"

#include <gtest/gtest.h>

#include <iostream>
#include <sstream>

namespace muster::bench {
namespace {

std::string PrintedBy(const Report& report) {
  std::ostringstream text;
  std::streambuf* const before = std::cout.rdbuf(text.rdbuf());
  report.Print();
  std::cout.rdbuf(before);
  return text.str();
}

TEST(ReportTest, EndsWithOneLineOfJson) {
  Report report("edge", true);
  report.Figure("nginx_ratio", 0.9312, "", ">= 0.90");
  report.Word("basis", "cpu_time");
  report.Figure("checkins_per_second", 33334.2, "1/s", "");
  const std::string text = PrintedBy(report);
  const std::string json = R"({"bench":"edge","quick":true,"figures":{"nginx_ratio":0.931,)"
                           R"("basis":"cpu_time","checkins_per_second":33334}})"
                           "\n";
  ASSERT_GE(text.size(), json.size());
  EXPECT_EQ(text.substr(text.size() - json.size()), json);
  EXPECT_NE(text.find(">= 0.90"), std::string::npos);
}

TEST(ReportTest, ANumberThatIsNoneIsNotPrintedAsOne) {
  Report report("edge", false);
  report.Figure("nginx_ratio", 0.0 / 0.0, "", "");
  EXPECT_NE(PrintedBy(report).find("\"nginx_ratio\":null"), std::string::npos);
}

TEST(PercentileTest, TakesTheSmallestValueThatCoversTheShare) {
  std::vector<double> values{5, 1, 4, 2, 3};
  EXPECT_EQ(Percentile(values, 0.5), 3);
  EXPECT_EQ(Percentile(values, 0.99), 5);
  EXPECT_EQ(Percentile(values, 0), 1);
  values.clear();
  EXPECT_EQ(Percentile(values, 0.5), 0);
}

}  // namespace
}  // namespace muster::bench
