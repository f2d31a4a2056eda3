#include "tests/support/etcd_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/support/free_port.h"

namespace muster {
namespace {

pid_t Run(const std::vector<std::string>& words, const std::string& log,
          const std::string& input = "/dev/null") {
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process != 0) return process;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(open(input.c_str(), O_RDONLY), STDIN_FILENO);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  setenv("ETCDCTL_API", "3", 1);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

std::string FindInPath(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/"}) {
    if (access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  return "";
}

// etcd can't be asked which port it took.
std::string FreeUrl() { return absl::StrCat("http://127.0.0.1:", FreePort()); }

}  // namespace

std::string EtcdProcesses::Binary() {
  return FindInPath("etcdctl").empty() ? "" : FindInPath("etcd");
}

EtcdProcesses::EtcdProcesses(const std::string& folder, size_t members,
                             std::vector<std::string> more)
    : folder_(folder), more_(std::move(more)), processes_(members, 0) {
  for (size_t member = 0; member < members; ++member) {
    urls_.push_back(FreeUrl());
    peer_urls_.push_back(FreeUrl());
  }
  for (size_t member = 0; member < members; ++member) Start(member);
}

EtcdProcesses::~EtcdProcesses() {
  for (size_t member = 0; member < size(); ++member) Kill(member);
}

std::string EtcdProcesses::DataDir(size_t member) const {
  return absl::StrCat(folder_, "/etcd-", member);
}

void EtcdProcesses::Start(size_t member) {
  std::vector<std::string> cluster;
  for (size_t i = 0; i < size(); ++i) cluster.push_back(absl::StrCat("m", i, "=", peer_urls_[i]));
  std::vector<std::string> words = {Binary(),
                                    absl::StrCat("--name=m", member),
                                    "--data-dir=" + DataDir(member),
                                    "--listen-client-urls=" + urls_[member],
                                    "--advertise-client-urls=" + urls_[member],
                                    "--listen-peer-urls=" + peer_urls_[member],
                                    "--initial-advertise-peer-urls=" + peer_urls_[member],
                                    "--initial-cluster=" + absl::StrJoin(cluster, ","),
                                    "--initial-cluster-state=new"};
  words.insert(words.end(), more_.begin(), more_.end());
  processes_[member] = Run(words, DataDir(member) + ".log");
}

void EtcdProcesses::Kill(size_t member) {
  const pid_t process = std::exchange(processes_[member], 0);
  if (process <= 0) return;
  kill(process, SIGKILL);
  waitpid(process, nullptr, 0);
}

void EtcdProcesses::Freeze(size_t member) { kill(processes_[member], SIGSTOP); }

void EtcdProcesses::Thaw(size_t member) { kill(processes_[member], SIGCONT); }

bool EtcdProcesses::Control(const std::vector<std::string>& arguments,
                            const std::string& input) const {
  const std::string file = folder_ + "/etcdctl.input";
  std::ofstream(file) << input;
  std::vector<std::string> words = {FindInPath("etcdctl"),
                                    "--endpoints=" + absl::StrJoin(urls_, ",")};
  words.insert(words.end(), arguments.begin(), arguments.end());
  int status = 0;
  const pid_t process = Run(words, folder_ + "/etcdctl.log", file);
  return waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void EtcdProcesses::Forget(size_t member) {
  std::error_code error;
  std::filesystem::remove_all(DataDir(member), error);
}

bool EtcdProcesses::Restore(const std::string& snapshot) {
  Forget(0);
  return Control({"snapshot", "restore", snapshot, "--name=m0", "--data-dir=" + DataDir(0),
                  "--initial-cluster=m0=" + peer_urls_[0],
                  "--initial-advertise-peer-urls=" + peer_urls_[0]});
}

}  // namespace muster
