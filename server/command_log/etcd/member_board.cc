#include "server/command_log/etcd/member_board.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {
namespace {

// The key names the node: one node's report is none of another's.
std::string ContextOf(const std::string& key) { return absl::StrCat("muster/member-report/", key); }

}  // namespace

MemberBoard::MemberBoard(Etcd& etcd, const EtcdLogOptions& options,
                         std::function<MemberReport()> report, Heard heard)
    : etcd_(etcd),
      options_(options),
      report_(std::move(report)),
      heard_(std::move(heard)),
      thread_([this] { Run(); }) {}

void MemberBoard::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void MemberBoard::Run() {
  const std::string key = absl::StrCat(NodesKey(options_), FormatId(options_.node_id));
  for (;;) {
    MemberReport report = report_();
    report.set_node_id(options_.node_id);
    report.set_time_us(absl::ToUnixMicros(absl::Now()));
    const std::string sealed =
        Seal(options_.keys->Newest(), ContextOf(key), report.SerializeAsString());
    // Lost with a member of etcd: the next one follows.
    etcd_.Put(key, sealed, options_.call_timeout).IgnoreError();
    if (heard_) {
      const absl::StatusOr<std::vector<MemberReport>> reports = List();
      if (reports.ok()) heard_(report, *reports);
    }
    const Deadline next(kEvery);
    MutexLock lock(mutex_);
    while (!stopping_ && !next.HasPassed()) changed_.WaitFor(mutex_, next.Left());
    if (stopping_) return;
  }
}

absl::Status MemberBoard::Forget(uint64_t node_id) const {
  return etcd_.Delete(absl::StrCat(NodesKey(options_), FormatId(node_id)), options_.call_timeout);
}

absl::StatusOr<std::vector<MemberReport>> MemberBoard::List() const {
  return ReadMemberReports(etcd_, options_);
}

absl::StatusOr<std::vector<MemberReport>> ReadMemberReports(Etcd& etcd,
                                                            const EtcdLogOptions& options) {
  ASSIGN_OR_RETURN(const auto found, etcd.List(NodesKey(options), options.call_timeout));
  std::vector<MemberReport> reports;
  for (const auto& [key, value] : found) {
    const absl::StatusOr<Secret> plain = Open(options.keys->Newest(), ContextOf(key), value.value);
    MemberReport report;
    if (plain.ok() && report.ParseFromString(std::string(plain->Reveal()))) {
      reports.push_back(std::move(report));
    }
  }
  return reports;
}

}  // namespace muster::server
