// kill -9 at random moments of appending, sealing and removing: what was answered is there, once.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/sync/deadline.h"
#include "server/history/duckdb/history_fixture.h"

namespace muster::server {
namespace {

constexpr int kRounds = 25;

struct Writer {
  pid_t process = 0;
  int output = -1;
};

Writer Start(const std::string& folder, uint32_t seed) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const std::string number = absl::StrCat(seed);
  const pid_t process = fork();
  if (process == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(MUSTER_CRASH_WRITER, MUSTER_CRASH_WRITER, folder.c_str(), number.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  return {process, ends[0]};
}

// Kills the writer `after` it has answered for the first time; the last index that it answered.
uint64_t LastAnswer(const Writer& writer, absl::Duration after, int& status) {
  std::string text;
  char buffer[4096];
  std::optional<Deadline> end;
  for (;;) {
    if (!text.empty() && !end) end.emplace(after);
    pollfd readable = {writer.output, POLLIN, 0};
    const int wait_ms = end ? static_cast<int>(absl::ToInt64Milliseconds(end->Left())) : 60'000;
    const bool has_output = poll(&readable, 1, std::max(wait_ms, 0)) > 0;
    if (!has_output || (end && end->HasPassed())) kill(writer.process, SIGKILL);
    const ssize_t got = read(writer.output, buffer, sizeof(buffer));
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  close(writer.output);
  waitpid(writer.process, &status, 0);
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  uint64_t index = 0;
  EXPECT_TRUE(!lines.empty() && absl::SimpleAtoi(lines.back(), &index)) << text;
  return index;
}

class HistoryCrashTest : public HistoryFixture {
 protected:
  std::set<std::string> NamesInManifest(const duck::Manifest& manifest) {
    std::set<std::string> names;
    for (const SealedRange& range : manifest.files) names.insert(duck::SealedName(range));
    return names;
  }

  // True where the kill left a file that is no part of history.
  bool HasLeftovers() {
    const auto manifest = duck::ReadManifest(duck::ManifestPath(folder()));
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    const std::vector<std::string> names = SealedNames();
    return std::set<std::string>(names.begin(), names.end()) != NamesInManifest(*manifest);
  }

  // All that must be there is there, and nothing else.
  void CheckFolder(uint64_t answered) {
    const auto history = Open();
    ASSERT_NE(history, nullptr);
    const uint64_t applied = history->AppliedIndex();
    EXPECT_GE(applied, answered);
    EXPECT_LE(applied, answered + kMostEntriesAtOnce);
    EXPECT_FALSE(HasLeftovers());
    const auto manifest = duck::ReadManifest(duck::ManifestPath(folder()));
    const uint64_t first = manifest->files.empty() ? manifest->sealed_through + 1
                                                   : manifest->files.front().first_index;
    if (first > 1) {
      EXPECT_LE(first + kKeptEntries, applied + 1) << "removed too much";
    }
    ExpectRows(*history, first, applied);
  }
};

TEST_F(HistoryCrashTest, LosesAndDoublesNothingAndLeavesNoFile) {
  const uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  int rounds_with_leftovers = 0;
  uint64_t answered = 0;
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    const Writer writer = Start(folder(), static_cast<uint32_t>(random()));
    int status = 0;
    const uint64_t last =
        LastAnswer(writer, absl::Microseconds(static_cast<int64_t>(random() % 200'000)), status);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
    EXPECT_GT(last, answered);
    answered = last;
    rounds_with_leftovers += HasLeftovers() ? 1 : 0;
    CheckFolder(answered);
  }
  std::cout << answered << " entries; " << rounds_with_leftovers << " of " << kRounds
            << " kills left a file that was not finished or just removed\n";
}

TEST_F(HistoryCrashTest, RefusesWhileAnotherProcessHasTheHotFileOpen) {
  const Writer writer = Start(folder(), 1);
  char first;
  ASSERT_EQ(read(writer.output, &first, 1), 1);
  // Without the lock of the folder, as after somebody tidied it up: DuckDB's own lock is left.
  std::filesystem::remove(folder() + "/lock");
  DuckDbSettings settings = SettingsFor(folder());
  settings.lock_patience = absl::Milliseconds(100);
  EXPECT_TRUE(absl::IsAborted(DuckDbHistory::Open(settings).status()));
  int status = 0;
  const uint64_t answered = LastAnswer(writer, absl::ZeroDuration(), status);
  CheckFolder(answered);
}

}  // namespace
}  // namespace muster::server
