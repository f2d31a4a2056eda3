#include "tests/bench/cluster/disk_probe.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/time/clock.h"

namespace muster::bench {
namespace {

constexpr size_t kBlockBytes = 4096;
// So that the file doesn't grow while a log would have been trimmed.
constexpr int kBlocks = 1024;
// Seldom enough to load the disk no more than a quiet program does.
constexpr absl::Duration kPause = absl::Milliseconds(20);

}  // namespace

DiskProbe::DiskProbe(const std::string& folder)
    : path_(folder + "/disk-probe"), thread_([this] { Run(); }) {}

DiskProbe::~DiskProbe() {
  Stop();
  unlink(path_.c_str());
}

std::vector<double> DiskProbe::Stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  return milliseconds_;
}

void DiskProbe::Run() {
  const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  const std::string block(kBlockBytes, 'x');
  for (int i = 0; !stopping_; i = (i + 1) % kBlocks) {
    const absl::Time begin = absl::Now();
    if (pwrite(file, block.data(), block.size(), i * static_cast<off_t>(kBlockBytes)) !=
            static_cast<ssize_t>(kBlockBytes) ||
        fdatasync(file) != 0) {
      break;
    }
    milliseconds_.push_back(absl::ToDoubleMilliseconds(absl::Now() - begin));
    absl::SleepFor(kPause);
  }
  close(file);
}

}  // namespace muster::bench
