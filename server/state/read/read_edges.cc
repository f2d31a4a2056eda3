// Reads edges, and the roots that they show to routers. Rows come from the file, how many devices
// they have from memory, where each check-in moves the count.
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

#define EDGE_COLUMNS                                                                          \
  "number, id, public_url, version, join_token_hash, join_expire_us, sealed_check_key, "      \
  "create_us, join_us, revoke_us, session_epoch, spool_id, watermark_us, watermark_seen_us, " \
  "problem, "                                                                                 \
  "problem_us, router_root"

Edge ReadEdge(const Query& query, const DeviceTable& devices) {
  Edge edge;
  edge.id = query.Text(1);
  edge.public_url = query.Text(2);
  edge.version = query.Text(3);
  edge.join_token_hash = query.Text(4);
  edge.join_expire_time_us = query.Int(5);
  edge.sealed_check_key = query.Text(6);
  edge.create_time_us = query.Int(7);
  edge.join_time_us = query.Int(8);
  edge.revoke_time_us = query.Int(9);
  edge.session_epoch = query.Unsigned(10);
  edge.spool_id = query.Text(11);
  edge.watermark_us = query.Int(12);
  edge.watermark_seen_us = query.Int(13);
  edge.problem = query.Text(14);
  edge.problem_time_us = query.Int(15);
  edge.router_root_sha256 = query.Text(16);
  edge.device_count = devices.CountAtEdge(static_cast<uint16_t>(query.Int(0)));
  return edge;
}

}  // namespace

std::optional<Edge> SqliteState::FindEdge(absl::string_view id) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " EDGE_COLUMNS " FROM edges WHERE id = ?", id);
  if (!query.Step()) return std::nullopt;
  return ReadEdge(query, devices_);
}

std::vector<Edge> SqliteState::ListEdges(absl::string_view after_id, size_t limit) const {
  std::vector<Edge> edges;
  auto db = readers_.Get();
  Query query(*db, "SELECT " EDGE_COLUMNS " FROM edges WHERE id > ? ORDER BY id LIMIT ?", after_id,
              limit);
  while (query.Step()) edges.push_back(ReadEdge(query, devices_));
  return edges;
}

std::vector<RouterRoot> SqliteState::ListRouterRoots() const {
  std::vector<RouterRoot> roots;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT number, pem, sealed_key, active, create_us, activate_us, retire_us "
              "FROM router_roots ORDER BY number");
  while (query.Step()) {
    roots.push_back({static_cast<uint32_t>(query.Int(0)), query.Text(1), query.Text(2),
                     query.Bool(3), query.Int(4), query.Int(5), query.Int(6)});
  }
  return roots;
}

}  // namespace muster::server
