// crash-writer DATA_DIR FROM [MAX_FILE_BYTES]; for crash_test: proposes organizations from several
// threads for ever and writes each id that was answered, with the index of its entry, to stdout. It
// is killed, or meets a full disk.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"
#include "server/command_log/local/local_node.h"

namespace {

using namespace muster::server;

constexpr uint64_t kThreads = 4;

// Each thread goes on where the state ends; ids are never proposed twice by one run.
void Write(LocalNode& node, uint64_t thread, uint64_t from) {
  for (uint64_t id = from + thread;; id += kThreads) {
    Command command;
    command.mutable_create_organization()->set_organization_id(id);
    command.mutable_create_organization()->set_slug(absl::StrCat("o", id));
    const auto applied = node.log().Propose(command);
    if (!applied.ok()) continue;
    const std::string line = absl::StrCat(id, " ", applied->position.index, "\n");
    // One write per line: a killed process leaves whole lines.
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t from = 0;
  rlim_t limit = RLIM_INFINITY;
  if (argc < 3 || !absl::SimpleAtoi(argv[2], &from)) return 2;
  if (argc == 4 && !absl::SimpleAtoi(argv[3], &limit)) return 2;
  // Writing beyond the limit fails like a full disk does.
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limits{limit, limit};
  setrlimit(RLIMIT_FSIZE, &limits);
  muster::StartLogging("crash-writer", muster::LogLevel::kWarning);
  if (!muster::InitializeCryptography().ok()) return 1;
  muster::SystemClock clock;
  LocalNodeOptions options;
  options.data_dir = argv[1];
  options.retained_log_bytes = 1 << 16;
  auto node = LocalNode::Open(options, clock);
  if (!node.ok()) {
    fprintf(stderr, "%s\n", node.status().ToString().c_str());
    return 1;
  }
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&node, thread, from] { Write(**node, thread, from); });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}
