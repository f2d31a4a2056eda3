// kill -9 on a real process under load: what was answered is there, and only once.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/clock/clock.h"
#include "server/command_log/local/local_node.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

constexpr int kRounds = 5;

struct Writer {
  pid_t process = 0;
  int output = -1;
};

Writer Start(const std::string& data_dir, uint64_t from,
             const std::string& max_file_bytes = "1000000000") {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const std::string number = absl::StrCat(from);
  const pid_t process = fork();
  if (process == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(MUSTER_CRASH_WRITER, MUSTER_CRASH_WRITER, data_dir.c_str(), number.c_str(),
          max_file_bytes.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  return {process, ends[0]};
}

// Reads until `lines` lines came, kills, reads the rest; 0: until it ends by itself.
std::string ReadAndKill(const Writer& writer, int lines, int& status) {
  std::string text;
  char buffer[4096];
  bool killed = false;
  for (;;) {
    if (lines > 0 && !killed && std::count(text.begin(), text.end(), '\n') >= lines) {
      kill(writer.process, SIGKILL);
      killed = true;
    }
    const ssize_t got = read(writer.output, buffer, sizeof(buffer));
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  close(writer.output);
  waitpid(writer.process, &status, 0);
  return text;
}

// The ids in the lines, each with the index of its entry.
std::map<uint64_t, uint64_t> ReadAnswers(const std::string& text) {
  std::map<uint64_t, uint64_t> answers;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    uint64_t id = 0;
    uint64_t index = 0;
    EXPECT_TRUE(words.size() == 2 && absl::SimpleAtoi(words[0], &id) &&
                absl::SimpleAtoi(words[1], &index));
    EXPECT_TRUE(answers.emplace(id, index).second) << "answered twice: " << id;
  }
  return answers;
}

std::unique_ptr<LocalNode> Open(const std::string& data_dir) {
  static SystemClock clock;
  LocalNodeOptions options;
  options.data_dir = data_dir;
  options.start_ticker = false;
  auto node = LocalNode::Open(options, clock);
  EXPECT_TRUE(node.ok()) << node.status();
  return *std::move(node);
}

TEST(CrashTest, LosesNoAnsweredCommandAndAppliesNoneTwice) {
  ASSERT_TRUE(InitializeCryptography().ok());
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  TempFolder folder;
  const std::string data_dir = folder.path() + "/data";
  std::map<uint64_t, uint64_t> answered;
  uint64_t from = 1;
  for (int round = 0; round < kRounds; ++round) {
    int status = 0;
    const std::string text =
        ReadAndKill(Start(data_dir, from), 100 + static_cast<int>(random() % 400), status);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
    uint64_t last_index = 0;
    for (const auto& [id, index] : ReadAnswers(text)) {
      ASSERT_TRUE(answered.emplace(id, index).second) << "answered twice: " << id;
      last_index = std::max(last_index, index);
    }
    const std::unique_ptr<LocalNode> node = Open(data_dir);
    EXPECT_GE(node->log().AppliedPosition().index, last_index);
    for (const auto& [id, index] : answered) {
      ASSERT_TRUE(node->state().FindOrganization(OrganizationId{id}).has_value()) << id;
    }
    const auto all = node->state().ListOrganizations("", 1'000'000);
    // The audit has an entry for each, and no more.
    EXPECT_EQ(node->state().ListAudit({}, 0, 1'000'000).size(), all.size());
    for (const Organization& organization : all) from = std::max(from, organization.id.value + 1);
  }
}

TEST(CrashTest, StopsBeforeItAcknowledgesWhatAFullDiskDidNotTake) {
  ASSERT_TRUE(InitializeCryptography().ok());
  TempFolder folder;
  const std::string data_dir = folder.path() + "/data";
  int status = 0;
  const std::string text = ReadAndKill(Start(data_dir, 1, "2000000"), 0, status);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  const std::map<uint64_t, uint64_t> answered = ReadAnswers(text);
  EXPECT_FALSE(answered.empty());
  const std::unique_ptr<LocalNode> node = Open(data_dir);
  for (const auto& [id, index] : answered) {
    ASSERT_TRUE(node->state().FindOrganization(OrganizationId{id}).has_value()) << id;
  }
}

}  // namespace
}  // namespace muster::server
