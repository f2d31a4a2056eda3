#include "server/command_log/etcd/state_compare.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {
namespace {

using internal::v1::MemberReport;
using internal::v1::StateHashMark;
using Kind = StateVerdict::Kind;

// Five reports that did not come: nobody waits for that node.
constexpr absl::Duration kSilent = absl::Seconds(15);
// Enough of a hash for people.
constexpr size_t kShownBytes = 4;

struct Vote {
  const MemberReport* report;
  std::string hash;
};

bool CanBeCompared(const MemberReport& own, const MemberReport& other) {
  return other.node_id() != own.node_id() && other.log_id() == own.log_id() &&
         other.state_hash_version() == own.state_hash_version();
}

// It will have a hash of that entry in a moment.
bool IsAboutToVote(const MemberReport& own, const MemberReport& other, uint64_t index,
                   absl::Time now) {
  return CanBeCompared(own, other) && other.log_index() < index &&
         other.log_state() == NameOf(LogState::kServing) &&
         now - absl::FromUnixMicros(other.time_us()) < kSilent;
}

std::vector<Vote> VotesAt(const MemberReport& own, const std::vector<MemberReport>& reports,
                          const StateHashMark& mark) {
  std::vector<Vote> votes = {{&own, mark.hash()}};
  for (const MemberReport& report : reports) {
    if (!CanBeCompared(own, report)) continue;
    for (const StateHashMark& other : report.state_hashes()) {
      if (other.log_index() != mark.log_index()) continue;
      votes.push_back({&report, other.hash()});
      break;
    }
  }
  return votes;
}

std::string Describe(const std::vector<Vote>& votes, uint64_t index) {
  return absl::StrCat("after log entry ", index, " the nodes' states have these hashes: ",
                      absl::StrJoin(votes, ", ", [](std::string* out, const Vote& vote) {
                        absl::StrAppend(out, vote.report->display_name(), " (",
                                        vote.report->api_address(), ") ",
                                        absl::BytesToHexString(vote.hash.substr(0, kShownBytes)));
                      }));
}

ptrdiff_t CountOf(const std::vector<Vote>& votes, const std::string& hash) {
  return std::count_if(votes.begin(), votes.end(),
                       [&hash](const Vote& vote) { return vote.hash == hash; });
}

StateVerdict VerdictOf(const std::vector<Vote>& votes, uint64_t index) {
  const ptrdiff_t all = std::ssize(votes);
  if (all == 1) return {Kind::kNothing, index, 0, ""};
  const ptrdiff_t like_own = CountOf(votes, votes.front().hash);
  if (like_own == all) return {Kind::kAgrees, index, 0, ""};
  const auto is_most = [all](ptrdiff_t count) { return all >= 3 && 2 * count > all; };
  Kind kind = is_most(like_own) ? Kind::kMajority : Kind::kUndecided;
  for (const Vote& vote : votes) {
    if (vote.hash != votes.front().hash && is_most(CountOf(votes, vote.hash))) {
      kind = Kind::kMinority;
    }
  }
  return {kind, index, 0, Describe(votes, index)};
}

}  // namespace

StateVerdict CompareStates(const MemberReport& own, const std::vector<MemberReport>& reports,
                           absl::Time now) {
  StateVerdict decided;
  StateVerdict undecided;
  uint64_t agreed_index = 0;
  bool waits = false;
  // The newest first. A difference at any entry is one, but an older entry may have more votes.
  for (auto mark = own.state_hashes().rbegin(); mark != own.state_hashes().rend(); ++mark) {
    const uint64_t index = mark->log_index();
    StateVerdict verdict = VerdictOf(VotesAt(own, reports, *mark), index);
    if (verdict.kind == Kind::kAgrees) agreed_index = std::max(agreed_index, index);
    if (verdict.kind == Kind::kMajority || verdict.kind == Kind::kMinority) {
      if (decided.kind == Kind::kNothing) decided = std::move(verdict);
      continue;
    }
    if (verdict.kind != Kind::kUndecided || undecided.kind == Kind::kUndecided) continue;
    waits = std::any_of(reports.begin(), reports.end(), [&](const MemberReport& report) {
      return IsAboutToVote(own, report, index, now);
    });
    undecided = std::move(verdict);
  }
  StateVerdict verdict;
  if (decided.kind != Kind::kNothing) {
    verdict = std::move(decided);
  } else if (undecided.kind == Kind::kUndecided) {
    if (!waits) verdict = std::move(undecided);
  } else if (agreed_index > 0) {
    verdict = {Kind::kAgrees, agreed_index, 0, ""};
  }
  verdict.agreed_index = agreed_index;
  return verdict;
}

}  // namespace muster::server
