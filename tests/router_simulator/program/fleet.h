// Many routers that live in real time on a pool of threads.
//
// Threads:  Start, Stop and the control calls are safe from any thread; each router runs on one
//           thread at a time, its fetches outside of its turn.
// Owns:     the routers; the transport must outlive it.
// Blocks:   Stop until the fetches under way have ended (about a second after the transport
//           was stopped).
// Example:  fleet_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "tests/router_simulator/program/fleet_member.h"

namespace muster::simulator {

struct FleetOptions {
  std::string bootstrap;
  int count = 1;
  absl::Duration interval = absl::Seconds(30);
  std::vector<RouterVersion> versions;
  uint64_t seed = 1;
  std::set<std::string> behaviours;
  int threads = 0;  // 0: as the count asks for
  // The routers' time runs this many times as fast as ours.
  double speed = 1;
  bool quiet = false;
  const routeros::ConsoleDumps* dumps = nullptr;  // must never end
};

class Fleet {
 public:
  Fleet(FleetOptions options, HttpTransport* transport);
  ~Fleet();

  // Switches the routers on, one after the other within one interval, and pastes the line in each.
  void Start();
  void Stop();

  int size() const { return static_cast<int>(members_.size()); }
  FleetCounts Counts() const;

  // Waits until `condition` holds, which is asked after turns of routers; false after `patience`
  // of our time.
  bool WaitUntil(const std::function<bool()>& condition, absl::Duration patience);

  // The control channel. Each answers text for the one who asked; `index` must be below size().
  // What stands in control_channel.h says what they do.
  std::string Reboot(int index, PowerDown how);
  std::string Dump(int index, absl::string_view path);
  std::string Export(int index, bool show_sensitive);
  std::string LogText(int index);
  std::string Describe(int index);
  // Pastes `text` and waits up to 30 s for its end.
  std::string RunText(int index, absl::string_view text);
  std::string SaveState(int index);
  std::string RestoreState(int index);
  std::string RollBack(int index);
  std::string RestoreFrom(int index, int from);
  std::string Netinstall(int index, absl::string_view version);
  std::string Paste(int index, absl::string_view text);
  // A file of one line, as scp leaves it.
  std::string PutFile(int index, absl::string_view name, absl::string_view text);
  std::string RemoveOwner(int index);
  std::string PowerLossIn(int index, int64_t statements);
  std::string LateFlash(int index, absl::Duration delay);
  std::string FullFlash(int index, bool full);
  std::string SlowLink(int index, absl::Duration delay);
  std::string Heal(int index);
  NetworkFaults& network(int index) { return members_[static_cast<size_t>(index)]->network; }
  std::string SetClock(int index, absl::Time time);
  std::string Upgrade(int index, RouterVersion version);

 private:
  struct Wake {
    absl::Duration at;
    int index;
    bool operator>(const Wake& other) const { return at > other.at; }
  };

  RouterOptions OptionsOf(int index) const;
  absl::Duration Now() const;
  void Work();
  // The router whose turn it is; below zero: the end.
  int WaitForWake();
  void Turn(int index);
  void TellTurn(FleetMember& member);
  // True where the member lives: a clone begins when its neighbour has enrolled.
  bool BeginLife(FleetMember& member);
  void Schedule(FleetMember& member, absl::Duration at);

  FleetOptions options_;
  HttpTransport* transport_;
  absl::Time started_;
  std::vector<std::unique_ptr<FleetMember>> members_;
  std::vector<std::thread> threads_;
  Mutex mutex_;
  ConditionVariable first_wake_changed_;
  ConditionVariable leader_left_;
  bool led_ ABSL_GUARDED_BY(mutex_) = false;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<Wake>> wakes_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  ConditionVariable turned_;
  uint64_t turns_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace muster::simulator
