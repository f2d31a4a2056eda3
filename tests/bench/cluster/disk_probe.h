// What the disk alone takes while a benchmark runs: 4 KiB written and synced, again and again.
//
// Threads:  not safe; a thread of its own writes.
// Owns:     that thread and a file, which is removed.
// Blocks:   Stop, until the sync under way has ended.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace muster::bench {

class DiskProbe {
 public:
  // On the file system of `folder`.
  explicit DiskProbe(const std::string& folder);
  ~DiskProbe();

  // How long each fdatasync took; empty where the file could not be written.
  std::vector<double> Stop();

 private:
  void Run();

  const std::string path_;
  std::atomic<bool> stopping_ = false;
  std::vector<double> milliseconds_;
  std::thread thread_;
};

}  // namespace muster::bench
