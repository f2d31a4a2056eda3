// What DuckDbHistory answers. Each query takes the tables of one moment; its numbers go into the
// text as numbers, nothing else does.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "common/status/status_macros.h"
#include "server/history/duckdb/columns.h"
#include "server/history/duckdb/duckdb_history.h"

namespace muster::server {
namespace {

std::string OfOrganization(OrganizationId organization) {
  return organization ? absl::StrCat("organization = ", organization.value) : "true";
}

// Of a range, its ends as far as rows can have them; last_us is in it.
struct Micros {
  explicit Micros(const TimeRange& range)
      : first_us(std::max<int64_t>(0, absl::ToUnixMicros(range.begin))),
        last_us(std::min(duck::kMaxTimeUs, absl::ToUnixMicros(range.end) - 1)) {}

  int64_t first_us;
  int64_t last_us;
};

std::string OfDevice(OrganizationId organization, DeviceId device, const Micros& micros) {
  return absl::Substitute(
      "organization = $0 AND device = $1 AND time BETWEEN make_timestamp($2) AND "
      "make_timestamp($3)",
      organization.value, device.value, micros.first_us, micros.last_us);
}

std::vector<Bucket> EmptyBuckets(absl::Time begin, absl::Duration width, int64_t count) {
  std::vector<Bucket> buckets(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) buckets[static_cast<size_t>(i)].begin = begin + i * width;
  return buckets;
}

absl::StatusOr<int64_t> CountBuckets(const TimeRange& range, absl::Duration width) {
  if (width < absl::Microseconds(1) || absl::Trunc(width, absl::Microseconds(1)) != width ||
      range.end < range.begin) {
    return absl::InvalidArgumentError(
        "history: a bucket needs a width in whole microseconds, and a range an end");
  }
  const double count = absl::Ceil(range.end - range.begin, width) / width;
  if (!(count <= static_cast<double>(History::kMostBuckets))) {
    return absl::InvalidArgumentError(
        absl::StrCat("history: more than ", History::kMostBuckets, " buckets; ask for wider ones"));
  }
  return static_cast<int64_t>(count);
}

}  // namespace

absl::StatusOr<uint64_t> DuckDbHistory::Number(const std::string& sql) const {
  ASSIGN_OR_RETURN(duck::Connection connection, duck::Connection::Make(instance_));
  ASSIGN_OR_RETURN(duck::Result result, connection.Run(sql));
  if (!result.Step()) return absl::InternalError("history: a sum has no rows");
  return result.Get<uint64_t>(0);
}

absl::StatusOr<uint64_t> DuckDbHistory::CountCheckIns(OrganizationId organization) const {
  const std::shared_ptr<const duck::Tables> tables = CurrentTables();
  return Number(absl::StrCat("SELECT sum(n)::UBIGINT FROM (",
                             duck::UnionOf(*tables, "count(*) AS n", OfOrganization(organization)),
                             ")"));
}

absl::StatusOr<uint64_t> DuckDbHistory::SumCpuCount(OrganizationId organization) const {
  const std::shared_ptr<const duck::Tables> tables = CurrentTables();
  return Number(absl::StrCat(
      "SELECT coalesce(sum(n), 0)::UBIGINT FROM (",
      duck::UnionOf(*tables, "sum(cpu_count) AS n", OfOrganization(organization)), ")"));
}

absl::StatusOr<std::vector<CheckInRow>> DuckDbHistory::DeviceSeries(OrganizationId organization,
                                                                    DeviceId device,
                                                                    const TimeRange& range,
                                                                    size_t limit) const {
  const Micros micros(range);
  const std::shared_ptr<const duck::Tables> tables = CurrentTables();
  ASSIGN_OR_RETURN(duck::Connection connection, duck::Connection::Make(instance_));
  ASSIGN_OR_RETURN(duck::Result result,
                   connection.Run(absl::StrCat("FROM (",
                                               duck::UnionOf(*tables, duck::ColumnNames(),
                                                             OfDevice(organization, device, micros),
                                                             micros.first_us, micros.last_us),
                                               ") ORDER BY time LIMIT ", limit)));
  std::vector<CheckInRow> rows;
  result.Visit([&](duckdb_data_chunk chunk, size_t count) { duck::ReadRows(chunk, count, rows); });
  return rows;
}

absl::StatusOr<std::vector<Bucket>> DuckDbHistory::DeviceBuckets(OrganizationId organization,
                                                                 DeviceId device, Metric metric,
                                                                 const TimeRange& range,
                                                                 absl::Duration width) const {
  ASSIGN_OR_RETURN(const int64_t count, CountBuckets(range, width));
  std::vector<Bucket> buckets = EmptyBuckets(range.begin, width, count);
  const Micros micros(range);
  const std::shared_ptr<const duck::Tables> tables = CurrentTables();
  ASSIGN_OR_RETURN(duck::Connection connection, duck::Connection::Make(instance_));
  ASSIGN_OR_RETURN(
      duck::Result result,
      connection.Run(absl::Substitute(
          "SELECT (epoch_us(time) - $0) // $1 AS bucket, count(*), count(metric), "
          "min(metric)::DOUBLE, avg(metric), max(metric)::DOUBLE FROM ($2) GROUP BY bucket",
          absl::ToUnixMicros(range.begin), absl::ToInt64Microseconds(width),
          duck::UnionOf(*tables, absl::StrCat("time, ", duck::ColumnOf(metric), " AS metric"),
                        OfDevice(organization, device, micros), micros.first_us, micros.last_us))));
  while (result.Step()) {
    Bucket& bucket = buckets[static_cast<size_t>(result.Get<int64_t>(0))];
    bucket.check_ins = static_cast<uint64_t>(result.Get<int64_t>(1));
    bucket.readings = static_cast<uint64_t>(result.Get<int64_t>(2));
    if (bucket.readings == 0) continue;
    bucket.least = result.Get<double>(3);
    bucket.mean = result.Get<double>(4);
    bucket.most = result.Get<double>(5);
  }
  return buckets;
}

}  // namespace muster::server
