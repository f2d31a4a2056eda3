#include "server/main/member_entry.h"

#include <utility>

#include "common/sync/deadline.h"
#include "server/command_log/log/feature_level.h"

namespace muster::server {

MemberEntry::MemberEntry(CommandLog& log, const State& state, uint64_t node_id,
                         std::string display_name, std::string public_key)
    : log_(log),
      state_(state),
      node_id_(node_id),
      display_name_(std::move(display_name)),
      public_key_(std::move(public_key)),
      thread_([this] { Run(); }) {}

void MemberEntry::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool MemberEntry::Write() {
  for (const Member& member : state_.ListMembers()) {
    if (member.id != node_id_) continue;
    const bool stands = member.display_name == display_name_ && member.public_key == public_key_;
    if (member.remove_index > 0 || stands) return true;
  }
  const uint32_t level = LevelOfKind(internal::v1::Command::kAddMember);
  if (state_.FeatureLevel() < level || log_.Health().state != LogState::kServing) return false;
  Command command;
  command.mutable_actor()->set_principal("musterd");
  command.set_method("musterd/AddMember");
  command.mutable_add_member()->set_node_id(node_id_);
  command.mutable_add_member()->set_display_name(display_name_);
  command.mutable_add_member()->set_public_key(public_key_);
  return log_.Propose(std::move(command)).ok();
}

void MemberEntry::Run() {
  while (!Write()) {
    const Deadline next(kLook);
    MutexLock lock(mutex_);
    while (!stopping_ && !next.HasPassed()) changed_.WaitFor(mutex_, next.Left());
    if (stopping_) return;
  }
}

}  // namespace muster::server
