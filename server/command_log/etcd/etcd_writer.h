// Makes entries of what is proposed and puts them into etcd, one at a time.
//
// Threads:  one of its own.
// Owns:     the thread; all that is passed in must outlive it.
// Errors:   told to the proposers; see EtcdLog.
// Example:  etcd_log_faults_test.cc.
#pragma once

#include <functional>
#include <thread>

#include "common/sync/deadline.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/etcd/health_cell.h"
#include "server/command_log/etcd/in_flight.h"
#include "server/command_log/log/store.h"
#include "server/command_log/node/applied_mark.h"
#include "server/command_log/node/proposal_queue.h"

namespace muster::server {

class EtcdWriter {
 public:
  struct Parts {
    Store& store;
    Etcd& etcd;
    const EtcdLogOptions& options;
    ProposalQueue& queue;
    AppliedMark& applied;
    HealthCell& health;
    InFlight& in_flight;
    EtcdLogCounts& counts;
    // An entry is in etcd, but the follower doesn't see it.
    std::function<void()> redial;
  };

  explicit EtcdWriter(const Parts& parts) : parts_(parts) {}
  ~EtcdWriter() { Join(); }

  void Start();
  // Waits until what the queue still holds was answered; the queue must be closed.
  void Join();

 private:
  void Run();
  // Answers the proposals, or gives them back where the entry was passed over.
  Proposals Append(Proposals proposals, const Deadline& deadline);
  // Until the entry was applied or passed over, or nothing more can be done; then says why.
  absl::Status PutUntilApplied(absl::string_view entry, const Deadline& deadline);
  std::string MakeEntry(const Proposals& proposals);

  Parts parts_;
  std::thread thread_;
};

}  // namespace muster::server
