// What DuckDbHistory promises while nothing fails.
#include "server/history/duckdb/duckdb_history.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "server/history/duckdb/history_fixture.h"

namespace muster::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using DuckDbHistoryTest = HistoryFixture;

CheckInRow FullRow() {
  CheckInRow row;
  row.time_us = kBaseUs;
  row.organization = kOrganization;
  row.device = DeviceId{0xfedcba9876543210};
  row.edge = 65534;
  row.source_address = std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\xff\x01", 16);
  row.asn = 4'200'000'000;
  row.interval_seconds = 30;
  row.boot_hash = 0xffffffffffffffff;
  row.uptime_seconds = 4'000'000'000;
  row.cpu_load_percent = 100;
  row.cpu_count = 36;
  row.cpu_frequency_mhz = 1200;
  row.memory_free_bytes = 1;
  row.memory_total_bytes = uint64_t{1} << 63;
  row.disk_free_bytes = 3;
  row.disk_total_bytes = 4;
  row.bad_blocks_millipercent = 5;
  row.sectors_written = 6;
  row.agent_errors = 7;
  row.skipped_beats = 8;
  row.last_number = 9;
  row.running_number = 10;
  row.running_seconds = 11;
  row.text_repaired = 12;
  row.numbers_dropped = 13;
  row.temperature_milli_celsius = -14'000;
  row.voltage_milli = 24'100;
  row.link_rtt_us = 16;
  row.link_jitter_us = 17;
  row.link_standard_deviation_us = 18;
  row.link_loss_permille = 19;
  row.more_readings = std::string("\0\xff rest", 7);
  return row;
}

TEST_F(DuckDbHistoryTest, GivesBackEachFieldOfACheckIn) {
  const auto history = Open();
  const CheckInRow full = FullRow();
  CheckInRow bare;
  bare.time_us = kBaseUs + 1;
  bare.organization = full.organization;
  bare.device = full.device;
  CheckInRow zeros = bare;
  zeros.time_us = kBaseUs + 2;
  zeros.cpu_load_percent = 0;
  zeros.link_loss_permille = 0;
  zeros.source_address = std::string(4, '\0');
  ASSERT_TRUE(history->Append({full, bare, zeros}, 1).ok());
  for (const bool sealed : {false, true}) {
    SCOPED_TRACE(sealed ? "sealed" : "hot");
    const auto series = history->DeviceSeries(full.organization, full.device, AllTime(), 10);
    ASSERT_TRUE(series.ok()) << series.status();
    EXPECT_THAT(*series, ElementsAre(full, bare, zeros));
    ASSERT_TRUE(history->Cut().ok());
    ASSERT_TRUE(history->Seal().ok());
  }
}

TEST_F(DuckDbHistoryTest, TakesEachEntryOnceAndInOrder) {
  const auto history = Open();
  EXPECT_EQ(history->AppliedIndex(), 0u);
  AppendUpTo(*history, 25);
  EXPECT_TRUE(absl::IsFailedPrecondition(history->Append(RowsOf(25, 25), 25)));
  EXPECT_TRUE(absl::IsFailedPrecondition(history->Append(RowsOf(1, 3), 3)));
  EXPECT_EQ(history->AppliedIndex(), 25u);
  ExpectRows(*history, 1, 25);
  // An entry without check-ins moves the index all the same.
  ASSERT_TRUE(history->Append({}, 40).ok());
  EXPECT_EQ(history->AppliedIndex(), 40u);
  ExpectRows(*history, 1, 25);
}

TEST_F(DuckDbHistoryTest, KeepsNothingOfABatchWithARowThatCantBe) {
  const auto history = Open();
  std::vector<CheckInRow> rows = RowsOf(1, 5);
  rows.back().source_address = "12345";
  EXPECT_TRUE(absl::IsInvalidArgument(history->Append(rows, 5)));
  rows.back().source_address.clear();
  rows.back().time_us = -1;
  EXPECT_TRUE(absl::IsInvalidArgument(history->Append(rows, 5)));
  EXPECT_EQ(history->AppliedIndex(), 0u);
  EXPECT_EQ(history->CountCheckIns({}).value_or(99), 0u);
}

TEST_F(DuckDbHistoryTest, HasAllOfItAgainAfterAStart) {
  {
    const auto history = Open();
    SealUpTo(*history, 100);
    AppendUpTo(*history, 150);
    ASSERT_TRUE(history->Cut().ok());
    AppendUpTo(*history, 170);
  }
  const auto history = Open();
  EXPECT_EQ(history->AppliedIndex(), 170u);
  ExpectRows(*history, 1, 170);
  // The cut that was not sealed before the end is sealed now.
  ASSERT_TRUE(history->Seal().ok());
  EXPECT_THAT(SealedNames(), ElementsAre("00000000000000000001-00000000000000000100.duckdb",
                                         "00000000000000000101-00000000000000000150.duckdb"));
  ExpectRows(*history, 1, 170);
}

TEST_F(DuckDbHistoryTest, SealsTheSameRangesWhateverTheBatches) {
  HistoryFolder other_folder;
  const auto history = Open();
  auto other = DuckDbHistory::Open(SettingsFor(other_folder.path() + "/history"));
  ASSERT_TRUE(other.ok()) << other.status();
  for (const uint64_t last_index : {70, 71, 200}) {
    AppendUpTo(*history, last_index, 3);
    ASSERT_TRUE(history->Cut().ok());
    ASSERT_TRUE(history->Cut().ok()) << "twice at the same place is once";
    ASSERT_TRUE(history->Seal().ok());
    AppendUpTo(**other, last_index, 50);
    ASSERT_TRUE((*other)->Cut().ok());
  }
  ASSERT_TRUE((*other)->Seal().ok());
  ASSERT_EQ(history->SealedRanges().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const SealedRange a = history->SealedRanges()[i];
    const SealedRange b = (*other)->SealedRanges()[i];
    EXPECT_EQ(duck::SealedName(a), duck::SealedName(b));
    EXPECT_EQ(a.rows, b.rows);
    EXPECT_EQ(a.first_time_us, b.first_time_us);
    EXPECT_EQ(a.last_time_us, b.last_time_us);
  }
  ExpectRows(*history, 1, 200);
  ExpectRows(**other, 1, 200);
}

TEST_F(DuckDbHistoryTest, SortsWhatItSeals) {
  const auto history = Open();
  SealUpTo(*history, 300);
  auto instance = duck::Instance::Open(folder() + "/elsewhere", {uint64_t{64} << 20, 1, ""});
  ASSERT_TRUE(instance.ok()) << instance.status();
  auto connection = duck::Connection::Make(*instance);
  ASSERT_TRUE(connection.ok());
  ASSERT_TRUE(
      connection
          ->Execute(absl::StrCat(
              "ATTACH ", duck::Quoted(duck::SealedPath(folder(), history->SealedRanges()[0])),
              " AS sealed (READ_ONLY)"))
          .ok());
  auto wrong = connection->Run(
      "SELECT count(*) FROM (SELECT (organization, device, time) AS key, lag(key) OVER (ORDER BY "
      "rowid) AS before FROM sealed.check_ins) WHERE key < before");
  ASSERT_TRUE(wrong.ok()) << wrong.status();
  ASSERT_TRUE(wrong->Step());
  EXPECT_EQ(wrong->Get<int64_t>(0), 0);
}

TEST_F(DuckDbHistoryTest, RemovesWholeRangesThatAreExpired) {
  auto history = Open();
  for (const uint64_t last_index : {100, 200, 300}) SealUpTo(*history, last_index);
  AppendUpTo(*history, 320);
  EXPECT_EQ(history->RemoveBefore(TimeOf(50)).value_or(-1), 0);
  // Of entry 200 there are no rows, so the newest row of the range is of 199.
  EXPECT_EQ(history->RemoveBefore(TimeOf(200)).value_or(-1), 2);
  EXPECT_THAT(SealedNames(), ElementsAre("00000000000000000201-00000000000000000300.duckdb"));
  ExpectRows(*history, 201, 320);
  EXPECT_EQ(history->RemoveBefore(absl::InfiniteFuture()).value_or(-1), 1);
  EXPECT_THAT(SealedNames(), IsEmpty());
  ExpectRows(*history, 301, 320);
  history.reset();
  history = Open();
  SealUpTo(*history, 400);
  EXPECT_THAT(SealedNames(), ElementsAre("00000000000000000301-00000000000000000400.duckdb"));
  ExpectRows(*history, 301, 400);
}

TEST_F(DuckDbHistoryTest, CountsAndSumsByOrganization) {
  const auto history = Open();
  SealUpTo(*history, 100);
  AppendUpTo(*history, 120);
  CheckInRow foreign;
  foreign.time_us = kBaseUs;
  foreign.organization = OrganizationId{8};
  foreign.device = DeviceId{1};
  foreign.cpu_count = 1000;
  ASSERT_TRUE(history->Append({foreign}, 121).ok());
  const uint64_t own = RowsOf(1, 120).size();
  EXPECT_EQ(history->CountCheckIns({}).value_or(0), own + 1);
  EXPECT_EQ(history->CountCheckIns(kOrganization).value_or(0), own);
  EXPECT_EQ(history->CountCheckIns(OrganizationId{8}).value_or(0), 1u);
  EXPECT_EQ(history->SumCpuCount(OrganizationId{8}).value_or(0), 1000u);
  EXPECT_EQ(history->SumCpuCount({}).value_or(0),
            1000 + history->SumCpuCount(kOrganization).value_or(0));
  EXPECT_EQ(history->CountCheckIns(OrganizationId{9}).value_or(99), 0u);
  EXPECT_EQ(history->SumCpuCount(OrganizationId{9}).value_or(99), 0u);
  // The same device number in another organization is another device.
  EXPECT_EQ(history->DeviceSeries(OrganizationId{8}, DeviceId{1}, AllTime(), 100)->size(), 1u);
}

TEST_F(DuckDbHistoryTest, GivesASeriesFromBeginToBeforeEnd) {
  const auto history = Open();
  SealUpTo(*history, 100);
  SealUpTo(*history, 200);
  AppendUpTo(*history, 250);
  std::vector<CheckInRow> expected = ExpectedSeries(DeviceId{3}, 90, 229);
  EXPECT_EQ(*history->DeviceSeries(kOrganization, DeviceId{3}, {TimeOf(90), TimeOf(230)}, 1000),
            expected);
  expected.resize(4);
  EXPECT_EQ(*history->DeviceSeries(kOrganization, DeviceId{3}, {TimeOf(90), TimeOf(230)}, 4),
            expected);
  EXPECT_THAT(*history->DeviceSeries(kOrganization, DeviceId{3}, {TimeOf(9), TimeOf(9)}, 4),
              IsEmpty());
}

TEST_F(DuckDbHistoryTest, ShowsSilenceAsGapsAndNeverAsZeros) {
  const auto history = Open();
  std::vector<CheckInRow> rows;
  const absl::Time begin = absl::FromUnixSeconds(1'700'000'100);
  const auto add = [&](absl::Duration after, std::optional<uint32_t> load) {
    CheckInRow& row = rows.emplace_back();
    row.time_us = absl::ToUnixMicros(begin + after);
    row.organization = kOrganization;
    row.device = DeviceId{1};
    row.cpu_load_percent = load;
  };
  add(absl::Seconds(-1), 99);
  add(absl::ZeroDuration(), 10);
  add(absl::Minutes(5) - absl::Microseconds(1), 30);
  // Then five minutes of silence, and five in which nobody read the load.
  add(absl::Minutes(11), std::nullopt);
  add(absl::Minutes(16), 0);
  add(absl::Minutes(18), 99);
  ASSERT_TRUE(history->Append(rows, 1).ok());
  const auto buckets = history->DeviceBuckets(kOrganization, DeviceId{1}, Metric::kCpuLoadPercent,
                                              {begin, begin + absl::Minutes(18)}, absl::Minutes(5));
  ASSERT_TRUE(buckets.ok()) << buckets.status();
  ASSERT_EQ(buckets->size(), 4u);
  const auto expect = [&](size_t at, uint64_t check_ins, uint64_t readings,
                          std::optional<double> least, std::optional<double> mean,
                          std::optional<double> most) {
    SCOPED_TRACE(at);
    const Bucket& bucket = buckets->at(at);
    EXPECT_EQ(bucket.begin, begin + static_cast<int>(at) * absl::Minutes(5));
    EXPECT_EQ(bucket.check_ins, check_ins);
    EXPECT_EQ(bucket.readings, readings);
    EXPECT_EQ(bucket.least, least);
    EXPECT_EQ(bucket.mean, mean);
    EXPECT_EQ(bucket.most, most);
  };
  expect(0, 2, 2, 10, 20, 30);
  expect(1, 0, 0, std::nullopt, std::nullopt, std::nullopt);
  expect(2, 1, 0, std::nullopt, std::nullopt, std::nullopt);
  expect(3, 1, 1, 0, 0, 0);
}

TEST_F(DuckDbHistoryTest, RefusesBucketsThatCantBe) {
  const auto history = Open();
  const auto ask = [&](TimeRange range, absl::Duration width) {
    return history->DeviceBuckets(kOrganization, DeviceId{1}, Metric::kCpuLoadPercent, range, width)
        .status();
  };
  EXPECT_TRUE(absl::IsInvalidArgument(ask({TimeOf(1), TimeOf(2)}, absl::ZeroDuration())));
  EXPECT_TRUE(absl::IsInvalidArgument(ask({TimeOf(1), TimeOf(2)}, absl::Nanoseconds(100'500))));
  EXPECT_TRUE(absl::IsInvalidArgument(ask({TimeOf(2), TimeOf(1)}, absl::Seconds(1))));
  EXPECT_TRUE(absl::IsInvalidArgument(ask(AllTime(), absl::Minutes(5))));
  EXPECT_TRUE(absl::IsInvalidArgument(ask({TimeOf(0), TimeOf(100'001)}, absl::Seconds(1))));
  EXPECT_TRUE(ask({TimeOf(0), TimeOf(100'000)}, absl::Seconds(1)).ok());
  EXPECT_TRUE(ask({TimeOf(1), TimeOf(1)}, absl::Seconds(1)).ok());
}

TEST_F(DuckDbHistoryTest, HasEachMetric) {
  const auto history = Open();
  ASSERT_TRUE(history->Append({FullRow()}, 1).ok());
  const absl::Time time = absl::FromUnixMicros(kBaseUs);
  const std::vector<std::pair<Metric, double>> expected = {
      {Metric::kUptimeSeconds, 4e9},
      {Metric::kCpuLoadPercent, 100},
      {Metric::kMemoryFreeBytes, 1},
      {Metric::kDiskFreeBytes, 3},
      {Metric::kSectorsWritten, 6},
      {Metric::kAgentErrors, 7},
      {Metric::kTemperatureMilliCelsius, -14e3},
      {Metric::kVoltageMilli, 24100},
      {Metric::kLinkRttUs, 16},
      {Metric::kLinkJitterUs, 17},
      {Metric::kLinkLossPermille, 19}};
  for (const auto& [metric, value] : expected) {
    const auto buckets = history->DeviceBuckets(FullRow().organization, FullRow().device, metric,
                                                {time, time + absl::Seconds(1)}, absl::Seconds(1));
    ASSERT_TRUE(buckets.ok()) << buckets.status();
    EXPECT_EQ(buckets->at(0).mean, value) << static_cast<int>(metric);
  }
}

TEST_F(DuckDbHistoryTest, ReadersSeeEachRowOnceWhileRangesAreSealed) {
  const auto history = Open();
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  std::atomic<int> reads = 0;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        const uint64_t before = history->AppliedIndex();
        const auto count = history->CountCheckIns({});
        const uint64_t after = history->AppliedIndex();
        ASSERT_TRUE(count.ok()) << count.status();
        // Between the two reads of the index one more append may be committed and not counted yet.
        EXPECT_GE(*count, RowsOf(1, before).size());
        EXPECT_LE(*count, RowsOf(1, after + 10).size());
        ++reads;
      }
    });
  }
  threads.emplace_back([&] {
    while (!done) {
      const absl::Status sealed = history->Seal();
      EXPECT_TRUE(sealed.ok()) << sealed;
    }
  });
  for (uint64_t last_index = 50; last_index <= 1000; last_index += 50) {
    AppendUpTo(*history, last_index);
    ASSERT_TRUE(history->Cut().ok());
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(history->Seal().ok());
  EXPECT_EQ(history->SealedRanges().size(), 20u);
  EXPECT_GT(reads, 0);
  ExpectRows(*history, 1, 1000);
}

TEST_F(DuckDbHistoryTest, HasOneOpenerAtATime) {
  auto history = Open();
  DuckDbSettings settings = SettingsFor(folder());
  settings.lock_patience = absl::Milliseconds(100);
  EXPECT_TRUE(absl::IsAborted(DuckDbHistory::Open(settings).status()));
  // The second one waits for a moment.
  std::thread closing([&] {
    absl::SleepFor(absl::Milliseconds(200));
    history.reset();
  });
  settings.lock_patience = absl::Seconds(20);
  EXPECT_TRUE(DuckDbHistory::Open(settings).ok());
  closing.join();
}

}  // namespace
}  // namespace muster::server
