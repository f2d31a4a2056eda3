#include "server/jobs/job_members.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr size_t kDevicesNamed = 3;

}  // namespace

void JobMembers::Add(const Device& device) {
  // Before anything is asked of it: it can't lack a label for a job that it doesn't get.
  if (device.monitor_only) return;
  const absl::StatusOr<std::string> text = script_.For(device);
  if (text.ok()) {
    fit_.Add(device, TitleOf(device), text->size());
  } else {
    ++lacking_count_;
    // By reason: a thousand devices without one label are one line.
    std::vector<std::string>& titles = lacking_[std::string(text.status().message())];
    if (titles.size() < kDevicesNamed) titles.push_back(TitleOf(device));
  }
  members_.push_back({device.id.value, device.status.online == OnlineState::kOnline});
}

absl::StatusOr<std::vector<uint64_t>> JobMembers::InOrder(uint32_t canary_count) const {
  // Before the size, since a script that can't be filled in has none.
  if (lacking_count_ > 0) {
    std::vector<std::string> reasons;
    for (const auto& [reason, titles] : lacking_) {
      reasons.push_back(absl::StrCat(reason, " on ", absl::StrJoin(titles, ", ")));
    }
    return ValuesMissing(lacking_count_, absl::StrJoin(reasons, "; "));
  }
  RETURN_IF_ERROR(fit_.Verdict());
  if (members_.empty()) {
    return NoTargets("no device that runs jobs matches the filter; try it with ListDevices");
  }
  std::vector<Member> members = members_;
  const auto by_id = [](const Member& a, const Member& b) { return a.id < b.id; };
  // Sorted first, so that which ones are chosen does not depend on how they were named.
  std::sort(members.begin(), members.end(), by_id);
  members.erase(std::unique(members.begin(), members.end(),
                            [](const Member& a, const Member& b) { return a.id == b.id; }),
                members.end());
  const auto canaries = static_cast<std::ptrdiff_t>(std::min<size_t>(canary_count, members.size()));
  // Nobody learns anything from a canary that is not there.
  std::stable_partition(members.begin(), members.end(), [](const Member& m) { return m.online; });
  std::sort(members.begin(), members.begin() + canaries, by_id);
  std::sort(members.begin() + canaries, members.end(), by_id);
  std::vector<uint64_t> ids;
  ids.reserve(members.size());
  for (const Member& member : members) ids.push_back(member.id);
  return ids;
}

}  // namespace muster::server
