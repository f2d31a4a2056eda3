// The nodes of a cluster, what lets new ones join, and the feature level that all of them know.
#include "server/state/apply/members.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/command_log/log/feature_level.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/presence.h"

namespace muster::server {
namespace {

using internal::v1::AddMember;
using internal::v1::CreateJoinToken;
using internal::v1::FinalizeUpgrade;
using internal::v1::RemoveMember;
using internal::v1::UseJoinToken;

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kHashBytes = 32;
constexpr size_t kPublicKeyBytes = 32;
constexpr size_t kMaxKeyBytes = 1024;
constexpr int64_t kLongestTokenUs = 24 * 3600 * int64_t{1'000'000};
// How long one can read that a token was used, or has expired.
constexpr int64_t kForgetTokenUs = 30 * kLongestTokenUs;

std::string NameOf(uint64_t node) { return absl::StrCat("nodes/", FormatId(node)); }

bool IsRemoved(const ApplyContext& context, uint64_t node) {
  return context.node.removed_members.count(node) != 0;
}

// In the order of the table.
std::vector<uint64_t> Others(ApplyContext& context, uint64_t node) {
  std::vector<uint64_t> others;
  Query query(
      context.db,
      "SELECT id FROM members WHERE join_idx > 0 AND remove_idx = 0 AND id != ? ORDER BY id",
      KeyOf(node));
  while (query.Step()) others.push_back(IdOf(query.Int(0)));
  return others;
}

void MarkRemoved(ApplyContext& context, uint64_t node) {
  context.db.Run("UPDATE members SET remove_idx = ?, remove_us = ? WHERE id = ?", context.index,
                 context.now_us(), KeyOf(node));
  context.node.removed_members.insert(node);
}

// Aborted: what the proposer knew of the members has changed.
absl::Status CheckKeys(const ApplyContext& context, const RemoveMember& command,
                       const std::vector<uint64_t>& others) {
  if (command.key_generation() != context.node.key_generation + 1) {
    return absl::AbortedError("the keys of the cluster were changed meanwhile; try again");
  }
  for (const uint64_t other : others) {
    const auto& copies = command.sealed_keys();
    const bool has_copy = std::any_of(copies.begin(), copies.end(), [other](const auto& copy) {
      return copy.node_id() == other && !copy.sealed().empty() &&
             copy.sealed().size() <= kMaxKeyBytes;
    });
    if (!has_copy) {
      return absl::AbortedError(
          absl::StrCat("node ", FormatId(other), " joined the cluster meanwhile; try again"));
    }
  }
  return absl::OkStatus();
}

// What the removed node had must open nothing that comes after it.
void TakeKeys(ApplyContext& context, const RemoveMember& command,
              const std::vector<uint64_t>& others) {
  context.node.key_generation = command.key_generation();
  for (const auto& copy : command.sealed_keys()) {
    if (std::find(others.begin(), others.end(), copy.node_id()) == others.end()) continue;
    context.db.Run(
        "INSERT OR REPLACE INTO sealed_keys (generation, member, sealed) VALUES (?, ?, ?)",
        command.key_generation(), KeyOf(copy.node_id()), Blob{copy.sealed()});
  }
  context.db.Run("UPDATE join_tokens SET expire_us = min(expire_us, ?), sealed_key = x''",
                 context.now_us());
}

}  // namespace

void RemoveAllMembers(ApplyContext& context) {
  std::vector<uint64_t> nodes;
  {
    Query query(context.db, "SELECT id FROM members WHERE remove_idx = 0 ORDER BY id");
    while (query.Step()) nodes.push_back(IdOf(query.Int(0)));
  }
  for (const uint64_t node : nodes) MarkRemoved(context, node);
}

ApplyResult Apply(ApplyContext& context, const FinalizeUpgrade& command) {
  const uint32_t before = context.node.feature_level;
  if (command.level() <= before) return ResultOf(before);
  context.node.feature_level = command.level();
  if (before < kPresenceLevel && command.level() >= kPresenceLevel) DecideForAll(context);
  context.Changed({.kind = ChangeKind::kMember});
  WriteAudit(
      context, "cluster", 0,
      absl::StrCat("finalized the upgrade from feature level ", before, " to ", command.level()));
  return ResultOf(command.level());
}

ApplyResult Apply(ApplyContext& context, const AddMember& command) {
  if (command.node_id() == 0 || command.display_name().empty() ||
      command.display_name().size() > kMaxNameBytes ||
      command.public_key().size() != kPublicKeyBytes) {
    return Malformed("member");
  }
  if (IsRemoved(context, command.node_id())) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", FormatId(command.node_id()), " was removed from the cluster"));
  }
  bool known = false;
  {
    Query query(context.db, "SELECT 1 FROM members WHERE id = ?", KeyOf(command.node_id()));
    known = query.Step();
  }
  if (known) {
    context.db.Run("UPDATE members SET display_name = ?, public_key = ? WHERE id = ?",
                   command.display_name(), Blob{command.public_key()}, KeyOf(command.node_id()));
  } else {
    context.db.Run(
        "INSERT INTO members (id, display_name, join_idx, join_us, remove_idx, remove_us, "
        "public_key) VALUES (?, ?, ?, ?, 0, 0, ?)",
        KeyOf(command.node_id()), command.display_name(), context.index, context.now_us(),
        Blob{command.public_key()});
  }
  context.Changed({.kind = ChangeKind::kMember});
  WriteAudit(context, NameOf(command.node_id()), 0,
             absl::StrCat(known ? "the node is called " : "the node joined the cluster as ",
                          command.display_name()));
  return ResultOf(command.node_id());
}

ApplyResult Apply(ApplyContext& context, const RemoveMember& command) {
  if (command.node_id() == 0 || command.display_name().size() > kMaxNameBytes) {
    return Malformed("member");
  }
  if (IsRemoved(context, command.node_id())) return ResultOf(command.node_id());
  const std::vector<uint64_t> others = Others(context, command.node_id());
  if (others.empty()) {
    return absl::FailedPreconditionError("it is the last node of the cluster");
  }
  if (auto keys = CheckKeys(context, command, others); !keys.ok()) return keys;
  context.db.Run(
      "INSERT OR IGNORE INTO members (id, display_name, join_idx, join_us, remove_idx, remove_us, "
      "public_key) VALUES (?, ?, 0, 0, 0, 0, x'')",
      KeyOf(command.node_id()), command.display_name());
  MarkRemoved(context, command.node_id());
  TakeKeys(context, command, others);
  context.Changed({.kind = ChangeKind::kMember});
  WriteAudit(context, NameOf(command.node_id()), 0,
             absl::StrCat("removed the node from the cluster; its keys were changed, generation ",
                          command.key_generation()));
  return ResultOf(command.node_id());
}

ApplyResult Apply(ApplyContext& context, const CreateJoinToken& command) {
  if (command.token_id() == 0 || command.token_hash().size() != kHashBytes ||
      command.sealed_key().empty() || command.sealed_key().size() > kMaxKeyBytes ||
      command.ttl_us() <= 0 || command.ttl_us() > kLongestTokenUs) {
    return Malformed("join token");
  }
  {
    Query query(context.db, "SELECT 1 FROM join_tokens WHERE id = ?", KeyOf(command.token_id()));
    if (query.Step()) return AlreadyThere("join token", FormatId(command.token_id()));
  }
  context.db.Run("DELETE FROM join_tokens WHERE expire_us < ?", context.now_us() - kForgetTokenUs);
  context.db.Run("UPDATE join_tokens SET sealed_key = x'' WHERE expire_us <= ?", context.now_us());
  context.db.Run(
      "INSERT INTO join_tokens (id, token_hash, sealed_key, expire_us, use_us) "
      "VALUES (?, ?, ?, ?, 0)",
      KeyOf(command.token_id()), Blob{command.token_hash()}, Blob{command.sealed_key()},
      context.now_us() + command.ttl_us());
  WriteAudit(context, absl::StrCat("joinTokens/", FormatId(command.token_id())), 0,
             "made a token that lets one node join the cluster");
  return ResultOf(command.token_id());
}

ApplyResult Apply(ApplyContext& context, const UseJoinToken& command) {
  int64_t expires = 0;
  {
    Query query(context.db, "SELECT token_hash, expire_us, use_us FROM join_tokens WHERE id = ?",
                KeyOf(command.token_id()));
    if (!query.Step()) return UnknownThing("join token", FormatId(command.token_id()));
    if (query.View(0) != absl::string_view(command.token_hash())) {
      return absl::PermissionDeniedError("the join token is wrong");
    }
    if (query.Int(2) != 0) return absl::FailedPreconditionError("the join token was used already");
    expires = query.Int(1);
  }
  // Also within the minute after a jump: a new token is quickly made.
  if (expires <= context.now_us()) {
    return absl::FailedPreconditionError("the join token has expired");
  }
  context.db.Run("UPDATE join_tokens SET use_us = ?, sealed_key = x'' WHERE id = ?",
                 context.now_us(), KeyOf(command.token_id()));
  WriteAudit(context, absl::StrCat("joinTokens/", FormatId(command.token_id())), 0,
             "a node took the cluster's key with this token");
  return ResultOf(command.token_id());
}

}  // namespace muster::server
