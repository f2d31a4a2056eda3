#include "server/main/fetch_state.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "common/program/process.h"
#include "common/status/status_macros.h"
#include "server/nodes/node_client.h"
#include "server/pki/node_root.h"
#include "server/snapshots/fetch_snapshot.h"

namespace muster::server {
namespace {

class NodeSource final : public SnapshotSource {
 public:
  NodeSource(NodeClient& client, std::function<bool()> wants_end)
      : client_(client), wants_end_(std::move(wants_end)) {}

  absl::Status Fetch(const std::string& address, const std::string& id, uint64_t offset,
                     const std::function<absl::Status(const SnapshotChunk&)>& take) override {
    return client_.FetchSnapshot(
        address, id, offset,
        [&take](node::v1::FetchSnapshotResponse response) {
          return take({response.snapshot_id(), response.file_bytes(), response.state_bytes(),
                       response.offset(), std::move(*response.mutable_content()),
                       response.checksum()});
        },
        wants_end_);
  }

 private:
  NodeClient& client_;
  const std::function<bool()> wants_end_;
};

// Those that served when they reported last; the freshest reports first, and who has the least to
// do before who ticks.
absl::StatusOr<std::vector<SnapshotPeer>> PeersOf(const StateWish& wish) {
  ASSIGN_OR_RETURN(std::vector<MemberReport> reports, wish.members());
  std::erase_if(reports, [&wish](const MemberReport& report) {
    return report.node_id() == wish.node_id || report.edge_address().empty() ||
           report.log_state() != NameOf(LogState::kServing) ||
           (!report.log_id().empty() && report.log_id() != wish.log_id);
  });
  // A ticking node counts as if it had reported a little earlier than the others.
  const auto freshness = [](const MemberReport& report) {
    return report.time_us() -
           (report.ticking() ? absl::ToInt64Microseconds(2 * MemberBoard::kEvery) : 0);
  };
  std::sort(reports.begin(), reports.end(), [&](const MemberReport& a, const MemberReport& b) {
    return freshness(a) > freshness(b);
  });
  std::vector<SnapshotPeer> peers;
  for (const MemberReport& report : reports) {
    peers.push_back({report.display_name(), report.edge_address()});
  }
  return peers;
}

}  // namespace

absl::Status FetchState(const StateWish& wish, const Clock& clock) {
  ASSIGN_OR_RETURN(
      Identity own,
      IssueFirstNode(wish.master_keys.front(),
                     {wish.root.cluster_id(), wish.root.certificate_pem(), wish.root.sealed_key()},
                     wish.node_id, clock));
  NodeClient client(std::move(own), wish.root.certificate_pem());
  NodeSource source(client, SignalIsPending);
  FetchTerms terms;
  terms.data_dir = wish.data_dir;
  terms.master_key = wish.master_keys.back();
  terms.cluster_id = wish.root.cluster_id();
  terms.log_id = wish.log_id;
  terms.have_index = wish.have_index;
  // Who has a state goes on with old reads and tries again; who has none can't do anything else.
  if (wish.have_index > 0) terms.patience = absl::Seconds(3);
  terms.peers = [&wish] { return PeersOf(wish); };
  terms.wants_end = SignalIsPending;
  terms.pause = absl::SleepFor;
  return FetchSnapshot(terms, source, clock).status();
}

}  // namespace muster::server
