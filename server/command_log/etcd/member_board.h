// What the nodes of a cluster say of themselves: each puts a report under a key of its own in etcd,
// sealed, beside the log and not in it, so that a node that can't apply can say so too.
//
// Threads:  one of its own, which reports; List from any.
// Owns:     the thread; all that is passed in must outlive it.
// Units:    a report each kEvery.
// Errors:   List: as Etcd::List. A report that can't be put is put at the next turn.
// Example:  member_board_test.cc.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "muster/internal/v1/member_report.pb.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"

namespace muster::server {

using internal::v1::MemberReport;

// The last report of each node that has ever made one, by node id. What does not open is left
// out: anybody who can reach etcd can write there.
absl::StatusOr<std::vector<MemberReport>> ReadMemberReports(Etcd& etcd,
                                                            const EtcdLogOptions& options);

class MemberBoard {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(3);

  // Hears after each own report what all nodes said last.
  using Heard =
      std::function<void(const MemberReport& own, const std::vector<MemberReport>& reports)>;

  // Reports from now on; `report` says how this node is, and `heard` (empty: nobody) is told, both
  // on the board's thread.
  MemberBoard(Etcd& etcd, const EtcdLogOptions& options, std::function<MemberReport()> report,
              Heard heard = {});
  ~MemberBoard() { Stop(); }

  void Stop();

  // ReadMemberReports.
  absl::StatusOr<std::vector<MemberReport>> List() const;

  // Takes the report of a node away that was removed.
  absl::Status Forget(uint64_t node_id) const;

 private:
  void Run();

  Etcd& etcd_;
  const EtcdLogOptions& options_;
  const std::function<MemberReport()> report_;
  const Heard heard_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
