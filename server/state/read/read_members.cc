// Reads the nodes of the cluster and what lets new ones join.
#include "server/state/sqlite_state.h"

namespace muster::server {

std::vector<Member> SqliteState::ListMembers() const {
  std::vector<Member> members;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT id, display_name, join_idx, join_us, remove_idx, remove_us, public_key "
              "FROM members ORDER BY id");
  while (query.Step()) {
    members.push_back({IdOf(query.Int(0)), query.Text(1), query.Unsigned(2), query.Int(3),
                       query.Unsigned(4), query.Int(5), query.Text(6)});
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

std::optional<std::string> SqliteState::FindSealedKey(uint32_t generation, uint64_t member) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT sealed FROM sealed_keys WHERE generation = ? AND member = ?", generation,
              KeyOf(member));
  if (!query.Step()) return std::nullopt;
  return query.Text(0);
}

}  // namespace muster::server
