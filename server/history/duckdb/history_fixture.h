// What tests of this room share: a folder, an open history, and rows that are a function of their
// log index, so that any process can say what must be there.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/history/duckdb/duckdb_history.h"

namespace muster::server {

// A folder that is gone with the object.
class HistoryFolder {
 public:
  HistoryFolder() {
    // In memory where there is such a place: an fsync on a busy disk takes long.
    std::error_code ignored;
    std::string pattern = std::filesystem::is_directory("/dev/shm", ignored)
                              ? "/dev/shm/muster-history-XXXXXX"
                              : testing::TempDir() + "muster-history-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~HistoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline constexpr int64_t kBaseUs = 1'700'000'000'000'000;
inline constexpr uint64_t kDevices = 6;
inline constexpr OrganizationId kOrganization{7};
// Of the writer that is killed: how many entries it appends at most at once, and how many it keeps.
inline constexpr uint64_t kMostEntriesAtOnce = 20;
inline constexpr uint64_t kKeptEntries = 1000;

// The rows of one entry: as many as its index says, one second after the entry before.
inline void AddRowsOf(uint64_t index, std::vector<CheckInRow>& rows) {
  for (uint64_t i = 0; i < index % 8; ++i) {
    CheckInRow& row = rows.emplace_back();
    row.time_us = kBaseUs + static_cast<int64_t>(index * 1'000'000 + i);
    row.organization = kOrganization;
    row.device = DeviceId{1 + (index * 5 + i) % kDevices};
    row.source_address = std::string("\xc0\x00\x02", 3) + static_cast<char>(index & 0xff);
    row.interval_seconds = 30;
    row.cpu_count = static_cast<uint16_t>(1 + i);
    if (index % 3 != 0) row.cpu_load_percent = static_cast<uint8_t>(index % 100);
    if (index % 5 == 0) row.more_readings = absl::StrCat("more of ", index);
  }
}

inline std::vector<CheckInRow> RowsOf(uint64_t first_index, uint64_t last_index) {
  std::vector<CheckInRow> rows;
  for (uint64_t index = first_index; index <= last_index; ++index) AddRowsOf(index, rows);
  return rows;
}

inline TimeRange AllTime() { return {absl::InfinitePast(), absl::InfiniteFuture()}; }
inline absl::Time TimeOf(uint64_t index) {
  return absl::FromUnixMicros(kBaseUs) + absl::Seconds(index);
}

inline DuckDbSettings SettingsFor(const std::string& folder) {
  DuckDbSettings settings;
  settings.folder = folder;
  settings.log_id = "a log of tests";
  settings.memory_bytes = uint64_t{256} << 20;
  settings.lock_patience = absl::Seconds(2);
  return settings;
}

// What DeviceSeries gives of a device where all entries of [first_index, last_index] are kept.
inline std::vector<CheckInRow> ExpectedSeries(DeviceId device, uint64_t first_index,
                                              uint64_t last_index) {
  std::vector<CheckInRow> rows = RowsOf(first_index, last_index);
  std::erase_if(rows, [&](const CheckInRow& row) { return row.device != device; });
  return rows;
}

// Each row of the entries [first_index, last_index] is there, once and as it was, and no other.
inline void ExpectRows(const History& history, uint64_t first_index, uint64_t last_index) {
  const std::vector<CheckInRow> all = RowsOf(first_index, last_index);
  uint64_t cpus = 0;
  for (const CheckInRow& row : all) cpus += *row.cpu_count;
  EXPECT_EQ(history.CountCheckIns({}).value_or(0), all.size());
  EXPECT_EQ(history.SumCpuCount({}).value_or(0), cpus);
  for (uint64_t device = 1; device <= kDevices; ++device) {
    const auto series =
        history.DeviceSeries(kOrganization, DeviceId{device}, AllTime(), 1'000'000'000);
    ASSERT_TRUE(series.ok()) << series.status();
    const std::vector<CheckInRow> expected =
        ExpectedSeries(DeviceId{device}, first_index, last_index);
    ASSERT_EQ(series->size(), expected.size()) << "device " << device;
    const auto [is, was] = std::mismatch(series->begin(), series->end(), expected.begin());
    if (is != series->end()) {
      ADD_FAILURE() << "device " << device << ", row " << is - series->begin() << ": time "
                    << is->time_us << " and not " << was->time_us << ", readings \""
                    << is->more_readings << "\" and not \"" << was->more_readings << "\"";
    }
  }
}

class HistoryFixture : public testing::Test {
 protected:
  std::string folder() const { return folder_.path() + "/history"; }

  absl::StatusOr<std::unique_ptr<DuckDbHistory>> TryOpen() {
    return DuckDbHistory::Open(SettingsFor(folder()));
  }

  std::unique_ptr<DuckDbHistory> Open() {
    auto history = TryOpen();
    EXPECT_TRUE(history.ok()) << history.status();
    return history.ok() ? *std::move(history) : nullptr;
  }

  // The entries up to `last_index`, in appends of `step` entries.
  static void AppendUpTo(History& history, uint64_t last_index, uint64_t step = 10) {
    for (uint64_t index = history.AppliedIndex(); index < last_index;) {
      const uint64_t next = std::min(index + step, last_index);
      const absl::Status appended = history.Append(RowsOf(index + 1, next), next);
      ASSERT_TRUE(appended.ok()) << appended;
      index = next;
    }
  }

  static void SealUpTo(History& history, uint64_t last_index) {
    AppendUpTo(history, last_index);
    ASSERT_TRUE(history.Cut().ok());
    const absl::Status sealed = history.Seal();
    ASSERT_TRUE(sealed.ok()) << sealed;
  }

  std::vector<std::string> SealedNames() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(duck::SealedFolder(folder()))) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  HistoryFolder folder_;
};

}  // namespace muster::server
