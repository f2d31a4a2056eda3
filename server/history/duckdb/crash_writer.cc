// For crash_test: fills a history until it is killed, with another thread that seals and removes.
// Usage: muster-history-crash-writer FOLDER SEED
// Prints a line with the index after each append that was answered.
#include <unistd.h>

#include <random>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "server/history/duckdb/history_fixture.h"

namespace muster::server {
namespace {

[[noreturn]] void SealForEver(DuckDbHistory& history) {
  for (;;) {
    absl::Status done = history.Seal();
    const uint64_t applied = history.AppliedIndex();
    if (done.ok() && applied > kKeptEntries) {
      done = history.RemoveBefore(TimeOf(applied - kKeptEntries)).status();
    }
    if (!done.ok()) DieLoudly("crash-writer", done.ToString());
    absl::SleepFor(absl::Milliseconds(1));
  }
}

void AppendForEver(DuckDbHistory& history, std::mt19937 random) {
  for (;;) {
    const uint64_t first_index = history.AppliedIndex() + 1;
    const uint64_t last_index = first_index + random() % kMostEntriesAtOnce;
    absl::Status done = history.Append(RowsOf(first_index, last_index), last_index);
    if (!done.ok()) DieLoudly("crash-writer", done.ToString());
    const std::string line = absl::StrCat(last_index, "\n");
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
    if (random() % 16 == 0) done = history.Cut();
    if (!done.ok()) DieLoudly("crash-writer", done.ToString());
  }
}

int Main(const std::string& folder, uint32_t seed) {
  auto history = DuckDbHistory::Open(SettingsFor(folder));
  if (!history.ok()) DieLoudly("crash-writer", history.status().ToString());
  std::thread([&] { SealForEver(**history); }).detach();
  AppendForEver(**history, std::mt19937(seed));
  return 0;
}

}  // namespace
}  // namespace muster::server

int main(int argc, char** argv) {
  uint32_t seed = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[2], &seed)) return 2;
  muster::StartLogging("crash-writer", muster::LogLevel::kWarning);
  return muster::server::Main(argv[1], seed);
}
