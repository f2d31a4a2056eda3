// Edges: made, joined, revoked; their sessions and watermarks. A session is the fence between two
// streams of one edge: only the newest hello may have its batches taken, and the lanes of its spool
// id say where each goes on.
#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/job_queue.h"

namespace muster::server {
namespace {

using internal::v1::Result;

constexpr size_t kHashBytes = 32;
constexpr size_t kSpoolIdBytes = 16;
constexpr size_t kMaxTextBytes = 512;
// Below kNoEdge (65,535), since rows of devices have 16 bits for an edge.
constexpr size_t kMaxEdges = 60'000;
// An edge makes a spool id when its process starts and when the control plane went back; an older
// one that comes back is a second process under one identity.
constexpr int kKeptSpools = 32;
constexpr absl::string_view kUsedTwice = "edge identity used twice: an earlier spool id came back";

struct EdgeRow {
  EdgeCore core;
  std::string public_url;
  std::string join_token_hash;
  int64_t join_expire_us = 0;
  int64_t join_us = 0;
};

absl::StatusOr<EdgeRow> FindLive(ApplyContext& context, const std::string& id) {
  const auto core = context.edges.Find(id);
  if (!core.has_value()) return UnknownThing("edge", id);
  if (core->revoked) {
    return absl::FailedPreconditionError(absl::StrCat("the edge ", id, " was revoked"));
  }
  EdgeRow row;
  row.core = *core;
  Query query(context.db,
              "SELECT public_url, join_token_hash, join_expire_us, join_us FROM edges "
              "WHERE number = ?",
              core->number);
  if (!query.Step()) return UnknownThing("edge", id);
  row.public_url = query.Text(0);
  row.join_token_hash = query.Text(1);
  row.join_expire_us = query.Int(2);
  row.join_us = query.Int(3);
  return row;
}

void Tell(ApplyContext& context, const std::string& id) {
  context.Changed({.kind = ChangeKind::kEdge, .edge = id});
}

std::string NameOf(const std::string& id) { return absl::StrCat("edges/", id); }

// Numbers of the lanes of this spool id, from 0 where it is new: the edge goes on behind what it
// has been told is applied.
void LoadLanes(ApplyContext& context, EdgeCore& edge) {
  edge.lanes.fill(0);
  Query query(context.db,
              "SELECT lane, number FROM lanes WHERE edge = ? AND spool_id = ? ORDER BY lane",
              edge.number, Blob{edge.spool_id});
  while (query.Step()) {
    const int64_t lane = query.Int(0);
    if (lane > 0 && lane < kLanes) edge.lanes[static_cast<size_t>(lane)] = query.Unsigned(1);
  }
}

bool SpoolIsKnown(ApplyContext& context, uint16_t edge, const std::string& spool_id) {
  Query query(context.db, "SELECT 1 FROM lanes WHERE edge = ? AND spool_id = ? LIMIT 1", edge,
              Blob{spool_id});
  return query.Step();
}

// Lane 0 only remembers that the spool id was seen. Old ones go, the oldest first.
void RememberSpool(ApplyContext& context, const EdgeCore& edge) {
  context.db.Run(
      "INSERT INTO lanes (edge, spool_id, lane, number, seen_us) VALUES (?1, ?2, 0, 0, ?3) "
      "ON CONFLICT (edge, spool_id, lane) DO UPDATE SET seen_us = ?3",
      edge.number, Blob{edge.spool_id}, context.now_us());
  context.db.Run(
      // The spool id as second key of the order: equal times must give the same rows on every node.
      "DELETE FROM lanes WHERE edge = ?1 AND spool_id NOT IN (SELECT spool_id FROM lanes "
      "WHERE edge = ?1 AND lane = 0 ORDER BY seen_us DESC, spool_id LIMIT ?2)",
      edge.number, kKeptSpools);
}

void SaveProblem(ApplyContext& context, const EdgeCore& edge, absl::string_view problem) {
  context.db.Run("UPDATE edges SET problem = ?, problem_us = ? WHERE number = ?", problem,
                 problem.empty() ? 0 : context.now_us(), edge.number);
}

void SaveSession(ApplyContext& context, const EdgeCore& edge,
                 const internal::v1::EdgeSession& command) {
  context.db.Run(
      "UPDATE edges SET session_epoch = ?, spool_id = ?, version = ?, router_root = ? "
      "WHERE number = ?",
      edge.session_epoch, Blob{edge.spool_id}, command.version(), command.router_root_sha256(),
      edge.number);
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const internal::v1::CreateEdge& command) {
  if (!IsSlug(command.edge_id()) || command.public_url().size() > kMaxTextBytes ||
      command.join_token_hash().size() != kHashBytes || command.join_ttl_us() <= 0 ||
      command.join_ttl_us() > kMaxTimeUs || command.sealed_check_key().empty() ||
      command.sealed_check_key().size() > kMaxTextBytes || context.edges.size() >= kMaxEdges) {
    return Malformed("edge");
  }
  if (context.edges.Find(command.edge_id()).has_value()) {
    return AlreadyThere("edge", command.edge_id());
  }
  EdgeCore core;
  // Never used again: rows of devices and holders name it.
  core.number = static_cast<uint16_t>(context.edges.size());
  core.id = command.edge_id();
  context.db.Run(
      "INSERT INTO edges (number, id, public_url, version, join_token_hash, join_expire_us, "
      "sealed_check_key, create_us, join_us, revoke_us, session_epoch, spool_id, watermark_us, "
      "watermark_seen_us) VALUES (?, ?, ?, '', ?, ?, ?, ?, 0, 0, 0, x'', 0, 0)",
      core.number, core.id, command.public_url(), Blob{command.join_token_hash()},
      context.now_us() + command.join_ttl_us(), Blob{command.sealed_check_key()}, context.now_us());
  context.edges.Set(core);
  Tell(context, core.id);
  WriteAudit(context, NameOf(core.id), 0, "created the edge");
  return ResultOf(core.number);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::JoinEdge& command) {
  const auto edge = FindLive(context, command.edge_id());
  if (!edge.ok()) return edge.status();
  // Hashes are compared, not tokens, so there is nothing to learn from the time it takes.
  if (command.join_token_hash() != edge->join_token_hash) {
    return absl::PermissionDeniedError("the join token is wrong; make a new edge");
  }
  // A repetition whose reply was lost does not come here: its request id answers it (requests.h).
  if (edge->join_us != 0) {
    return absl::FailedPreconditionError("the join token was used; revoke and make a new edge");
  }
  if (edge->join_expire_us <= context.now_us() && !context.TimeIsDoubtful()) {
    return absl::FailedPreconditionError("the join token has expired; make a new edge");
  }
  if (!edge->public_url.empty() && command.public_url() != edge->public_url) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the edge was created with public URL ", edge->public_url, ", not ", command.public_url()));
  }
  if (command.public_url().size() > kMaxTextBytes || command.version().size() > kMaxTextBytes) {
    return Malformed("join");
  }
  context.db.Run("UPDATE edges SET join_us = ?, public_url = ?, version = ? WHERE number = ?",
                 context.now_us(), command.public_url(), command.version(), edge->core.number);
  Tell(context, command.edge_id());
  WriteAudit(context, NameOf(command.edge_id()), 0, "the edge joined");
  return ResultOf(edge->core.number);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::RenewEdge& command) {
  const auto edge = FindLive(context, command.edge_id());
  if (!edge.ok()) return edge.status();
  // Nothing changes in the state: the command is there for the audit, and for a revocation that
  // comes before it.
  WriteAudit(context, NameOf(command.edge_id()), 0, "renewed the edge's certificates");
  return ResultOf(edge->core.number);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::RevokeEdge& command) {
  auto core = context.edges.Find(command.edge_id());
  if (!core.has_value()) return UnknownThing("edge", command.edge_id());
  if (core->revoked) return ResultOf(core->number);
  core->revoked = true;
  // Fences every open stream at once: their batches carry a lower epoch.
  core->session_epoch = context.index;
  context.edges.Set(*core);
  context.db.Run("UPDATE edges SET revoke_us = ?, session_epoch = ? WHERE number = ?",
                 context.now_us(), core->session_epoch, core->number);
  // What lies there will not be acknowledged any more; a job that lies nowhere else runs into its
  // not_after, because this edge may still have sent it.
  context.db.Run("DELETE FROM holders WHERE edge = ? AND removing = 1", core->number);
  Tell(context, core->id);
  WriteAudit(context, NameOf(core->id), 0, "revoked the edge");
  return ResultOf(core->number);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::EdgeSession& command) {
  auto edge = FindLive(context, command.edge_id());
  if (!edge.ok()) return edge.status();
  if (command.spool_id().size() != kSpoolIdBytes || command.version().size() > kMaxTextBytes ||
      command.router_root_sha256().size() > kMaxTextBytes) {
    return Malformed("session");
  }
  EdgeCore& core = edge->core;
  const bool same_spool = core.spool_id == command.spool_id();
  // A new process has a spool id of its own, and one that reconnects keeps the newest. Coming back
  // to an earlier one takes two that alternate.
  const bool twice = !same_spool && SpoolIsKnown(context, core.number, command.spool_id());
  // A good hello clears what was wrong before.
  SaveProblem(context, core, twice ? kUsedTwice : "");
  if (twice) WriteAudit(context, NameOf(core.id), 0, kUsedTwice);
  // The place of this entry: unique, rising, and the same on every node.
  core.session_epoch = context.index;
  core.spool_id = command.spool_id();
  LoadLanes(context, core);
  RememberSpool(context, core);
  SaveSession(context, core, command);
  context.edges.Set(core);
  Tell(context, core.id);
  Result result;
  result.mutable_edge_session()->set_session_epoch(core.session_epoch);
  for (uint32_t lane = 1; lane < kLanes; ++lane) {
    internal::v1::LaneNumber* applied = result.mutable_edge_session()->add_applied();
    applied->set_lane(lane);
    applied->set_number(core.lanes[lane]);
  }
  return result;
}

ApplyResult Apply(ApplyContext& context, const internal::v1::EdgeProblem& command) {
  const auto edge = FindLive(context, command.edge_id());
  if (!edge.ok()) return edge.status();
  if (command.problem().size() > kMaxTextBytes) return Malformed("problem of an edge");
  // A newer stream may have taken what the older one refused.
  if (edge->core.session_epoch != command.session_epoch()) {
    return absl::FailedPreconditionError("the problem was seen by an older stream");
  }
  SaveProblem(context, edge->core, command.problem());
  Tell(context, command.edge_id());
  return ResultOf(edge->core.number);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::EdgeWatermark& command) {
  auto core = context.edges.Find(command.edge_id());
  if (!core.has_value()) return UnknownThing("edge", command.edge_id());
  // muster.edge.v1.Lane: watermarks are about live check-ins only.
  constexpr size_t kLive = 2;
  // A watermark names the batch up to which it holds; before that is applied it would call devices
  // offline whose check-ins are on their way.
  if (core->revoked || core->session_epoch != command.session_epoch() ||
      core->spool_id != command.spool_id() || command.live_number() > core->lanes[kLive]) {
    return absl::FailedPreconditionError("the watermark is of an older stream, or early");
  }
  // Also where the mark did not move: the edge speaks, which is what tells UNKNOWN from ONLINE.
  core->watermark_seen_us = context.now_us();
  if (command.time_us() > core->watermark_us) core->watermark_us = command.time_us();
  context.edges.Set(*core);
  context.db.Run("UPDATE edges SET watermark_us = ?, watermark_seen_us = ? WHERE number = ?",
                 core->watermark_us, core->watermark_seen_us, core->number);
  return ResultOf(core->number);
}

}  // namespace muster::server
