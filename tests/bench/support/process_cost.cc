#include "tests/bench/support/process_cost.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace muster::bench {
namespace {

int OpenInstructionCounter(pid_t thread) {
  perf_event_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
  attributes.inherit = 1;
  return static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

std::vector<pid_t> ThreadsOf(pid_t process) {
  std::vector<pid_t> threads;
  DIR* folder = opendir(absl::StrCat("/proc/", process, "/task").c_str());
  if (folder == nullptr) return threads;
  while (const dirent* entry = readdir(folder)) {
    int thread = 0;
    if (absl::SimpleAtoi(entry->d_name, &thread)) threads.push_back(thread);
  }
  closedir(folder);
  return threads;
}

// The number behind `key` in a file of "key: number kB" lines; 0 where it is absent.
double ReadField(const std::string& path, absl::string_view key) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == key && file >> value) return value;
  }
  return 0;
}

}  // namespace

absl::string_view BasisName(CostBasis basis) {
  return basis == CostBasis::kInstructions ? "instructions" : "cpu_time";
}

CostBasis AvailableBasis() {
  const int counter = OpenInstructionCounter(0);
  if (counter < 0) return CostBasis::kCpuTime;
  close(counter);
  return CostBasis::kInstructions;
}

absl::StatusOr<CostMeter> CostMeter::Attach(pid_t process, CostBasis basis) {
  CostMeter meter;
  if (basis == CostBasis::kCpuTime) {
    if (clock_getcpuclockid(process, &meter.clock_) != 0) {
      return absl::NotFoundError(absl::StrCat("no CPU clock of process ", process));
    }
    return meter;
  }
  for (const pid_t thread : ThreadsOf(process)) {
    const int counter = OpenInstructionCounter(thread);
    if (counter < 0) return absl::NotFoundError(absl::StrCat("can't count thread ", thread));
    meter.counters_.push_back(counter);
  }
  if (meter.counters_.empty()) return absl::NotFoundError(absl::StrCat("no process ", process));
  return meter;
}

CostMeter::CostMeter(CostMeter&& other) noexcept
    : counters_(std::exchange(other.counters_, {})), clock_(other.clock_) {}

CostMeter::~CostMeter() {
  for (const int counter : counters_) close(counter);
}

absl::StatusOr<double> CostMeter::Read() const {
  if (counters_.empty()) {
    timespec time{};
    if (clock_gettime(clock_, &time) != 0) return absl::NotFoundError("the process has ended");
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }
  double sum = 0;
  for (const int counter : counters_) {
    uint64_t count = 0;
    if (read(counter, &count, sizeof(count)) != sizeof(count)) {
      return absl::NotFoundError("an instruction counter can't be read");
    }
    sum += static_cast<double>(count);
  }
  return sum;
}

absl::StatusOr<double> CpuNanoseconds(pid_t process) {
  absl::StatusOr<CostMeter> meter = CostMeter::Attach(process, CostBasis::kCpuTime);
  if (!meter.ok()) return meter.status();
  return meter->Read();
}

absl::StatusOr<ProcessUse> ReadProcessUse(pid_t process) {
  const std::string folder = absl::StrCat("/proc/", process);
  ProcessUse use;
  use.resident_bytes = ReadField(folder + "/status", "VmRSS:") * 1024;
  use.highest_resident_bytes = ReadField(folder + "/status", "VmHWM:") * 1024;
  use.proportional_bytes = ReadField(folder + "/smaps_rollup", "Pss:") * 1024;
  use.written_bytes = ReadField(folder + "/io", "write_bytes:");
  if (use.resident_bytes == 0) return absl::NotFoundError(absl::StrCat("no process ", process));
  return use;
}

}  // namespace muster::bench
