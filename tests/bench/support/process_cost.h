// What a server process has spent: instructions where the machine counts them, else CPU time.
//
// Counts user and kernel, of all threads. Instructions come from perf_event_open (which wants root
// or perf_event_paranoid <= 1) for the threads that are there and those that they start; many
// virtual machines have no counters, and then the kernel's CPU clock of the process is used, which
// is exact to a nanosecond but not immune to a noisy neighbour.
//
// Threads:  not safe.
// Errors:   NotFound where the process is gone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::bench {

enum class CostBasis { kInstructions, kCpuTime };

// "instructions" or "cpu_time": what stands in the figures.
absl::string_view BasisName(CostBasis basis);

// kInstructions where this machine counts instructions of user and kernel.
CostBasis AvailableBasis();

class CostMeter {
 public:
  static absl::StatusOr<CostMeter> Attach(pid_t process, CostBasis basis);
  CostMeter(CostMeter&& other) noexcept;
  CostMeter& operator=(CostMeter&&) = delete;
  ~CostMeter();

  // Instructions, or nanoseconds of CPU time; only differences of two readings mean something.
  absl::StatusOr<double> Read() const;

 private:
  CostMeter() = default;

  std::vector<int> counters_;
  clockid_t clock_ = 0;
};

// CPU nanoseconds (user and kernel) of a process since it began.
absl::StatusOr<double> CpuNanoseconds(pid_t process);

// Of /proc: resident memory now and at its highest, and bytes sent to the disk.
struct ProcessUse {
  double resident_bytes = 0;
  double highest_resident_bytes = 0;
  // Only this process's own share of pages that are shared with others.
  double proportional_bytes = 0;
  double written_bytes = 0;
};
absl::StatusOr<ProcessUse> ReadProcessUse(pid_t process);

}  // namespace muster::bench
