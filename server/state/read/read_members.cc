// Reads the nodes of the cluster and what lets new ones join.
#include "server/state/sqlite_state.h"

namespace muster::server {

std::vector<Member> SqliteState::ListMembers() const {
  std::vector<Member> members;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT id, display_name, join_idx, join_us, remove_idx, remove_us FROM members "
              "ORDER BY id");
  while (query.Step()) {
    members.push_back({IdOf(query.Int(0)), query.Text(1), query.Unsigned(2), query.Int(3),
                       query.Unsigned(4), query.Int(5)});
  }
  return members;
}

std::optional<NodeJoinToken> SqliteState::FindJoinToken(uint64_t id) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT token_hash, sealed_key, expire_us, use_us FROM join_tokens WHERE id = ?",
              KeyOf(id));
  if (!query.Step()) return std::nullopt;
  return NodeJoinToken{id, query.Text(0), query.Text(1), query.Int(2), query.Int(3)};
}

}  // namespace muster::server
