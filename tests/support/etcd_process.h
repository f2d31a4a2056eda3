// Real etcd processes on loopback, for tests: members of one cluster in a temporary folder.
//
// Threads:  one.
// Owns:     the processes, which end with it (and with the test), and their folder.
// Example:  server/command_log/etcd/etcd_process_test.cc.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace muster {

class EtcdProcesses {
 public:
  // Empty where no etcd is installed.
  static std::string Binary();

  // `folder` must be empty; `members` 1 or 3. `more` are further flags for all.
  EtcdProcesses(const std::string& folder, size_t members, std::vector<std::string> more = {});
  ~EtcdProcesses();

  EtcdProcesses(const EtcdProcesses&) = delete;
  EtcdProcesses& operator=(const EtcdProcesses&) = delete;

  void Start(size_t member);
  // SIGKILL, and waits for its end.
  void Kill(size_t member);
  // SIGSTOP and SIGCONT.
  void Freeze(size_t member);
  void Thaw(size_t member);
  // Runs etcdctl against all members, with `input` to read; false where it fails.
  bool Control(const std::vector<std::string>& arguments, const std::string& input = "") const;
  // Removes what a member has stored; it must not run.
  void Forget(size_t member);
  // Puts a file of `etcdctl snapshot save` in the place of what member 0 has stored.
  bool Restore(const std::string& snapshot);

  // Of the clients.
  const std::vector<std::string>& urls() const { return urls_; }
  size_t size() const { return urls_.size(); }

 private:
  std::string DataDir(size_t member) const;

  const std::string folder_;
  const std::vector<std::string> more_;
  std::vector<std::string> urls_;
  std::vector<std::string> peer_urls_;
  std::vector<pid_t> processes_;
};

}  // namespace muster
