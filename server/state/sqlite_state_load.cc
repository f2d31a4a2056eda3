// Start: what is kept in memory is read back, and the entries that the slabs lack are replayed.
// Tables are true up to the last commit by themselves; only status rows are behind, each slab at
// its own entry. Whatever doesn't fit together is DataLoss: a state that is wrong in silence is
// worse than none.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/entry_codec.h"
#include "server/command_log/log/feature_level.h"
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

constexpr size_t kLogIdBytes = 16;

NodeState ReadNode(Database& db) {
  NodeState node;
  Query query(db,
              "SELECT log_id, applied_index, state_time_us, jump_from_us, jump_hold_until_us, "
              "ticks, cluster_id, audit_sequence, audit_hash, next_sequence, feature_level, "
              "key_generation FROM node");
  if (!query.Step()) return node;
  node.log_id = query.Text(0);
  node.applied_index = query.Unsigned(1);
  node.state_time_us = query.Int(2);
  node.jump_from_us = query.Int(3);
  node.jump_hold_until_us = query.Int(4);
  node.ticks = query.Unsigned(5);
  node.cluster_id = query.Text(6);
  node.audit_sequence = query.Unsigned(7);
  node.audit_hash = query.Text(8);
  node.next_sequence = query.Unsigned(9);
  node.feature_level = static_cast<uint32_t>(query.Int(10));
  node.key_generation = static_cast<uint32_t>(query.Int(11));
  return node;
}

uint64_t OneNumber(Database& db, const char* sql) {
  Query query(db, sql);
  return query.Step() ? query.Unsigned(0) : 0;
}

bool ReadCore(const Query& query, DeviceCore& core) {
  core.id = IdOf(query.Int(0));
  core.organization = IdOf(query.Int(1));
  core.facts_hash = query.Unsigned(2);
  core.last_given = query.Unsigned(3);
  core.highest_reported = query.Unsigned(4);
  core.expected_last = query.Unsigned(5);
  core.delete_index = query.Unsigned(6);
  core.least_epoch = static_cast<uint32_t>(query.Int(7));
  core.monitor_only = query.Bool(8);
  core.held = query.Bool(9);
  core.hold = static_cast<HoldKind>(query.Int(12));
  core.revoked = query.Int(13) != 0;
  core.releasing = !query.IsNull(14);
  core.released = query.Int(15) != 0;
  // next_beats: beats that proved the next token; more than none means that the last one did.
  core.proving = query.Int(20) != 0;
  core.has_offer = query.Bool(16);
  core.profile = static_cast<Profile>(query.Int(17));
  core.online = static_cast<OnlineState>(query.Int(22));
  return core.SetSealedSecret(query.View(10));
}

DeviceExtra ReadExtra(const Query& query) {
  DeviceExtra extra;
  extra.next_epoch = static_cast<uint32_t>(query.Int(18));
  extra.next_secret = query.Text(19);
  extra.next_beats = static_cast<uint32_t>(query.Int(20));
  if (!query.IsNull(21)) extra.token_organization = IdOf(query.Int(21));
  return extra;
}

// As WriteTransaction set them.
bool Bit(absl::string_view bits, size_t at) {
  return at / 8 < bits.size() && ((static_cast<uint8_t>(bits[at / 8]) >> (at % 8)) & 1) != 0;
}

}  // namespace

absl::Status SqliteState::Load() {
  node_ = ReadNode(*writer_);
  if (node_.feature_level > muster::server::FeatureLevel()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the state is of feature level ", node_.feature_level,
                     ", and this program knows levels up to ", muster::server::FeatureLevel(),
                     ": install the newer musterd that wrote it; nothing was changed"));
  }
  // A new file. The log id is drawn here and never again: positions of another file can't be taken
  // for this one's.
  if (node_.log_id.empty()) {
    const std::string log_id = RandomBytes(kLogIdBytes);
    writer_->Run(
        "INSERT INTO node (one, log_id, applied_index, state_time_us, jump_from_us, "
        "jump_hold_until_us, ticks, cluster_id, audit_sequence, audit_hash, next_sequence) "
        "VALUES (1, ?, 0, 0, 0, 0, 0, x'', 0, x'', 1)",
        Blob{log_id});
    node_ = ReadNode(*writer_);
  }
  node_.request_count = OneNumber(*writer_, "SELECT count(*) FROM requests");
  kept_bytes_ = OneNumber(*writer_, "SELECT coalesce(sum(size), 0) FROM entries");
  LoadEdges();
  LoadCodePages();
  LoadRemovedMembers();
  RETURN_IF_ERROR(LoadDevices());
  // After the replay, which needs cores only to know who is deleted.
  LoadQueues();
  MutexLock lock(mutex_);
  published_ = node_;
  return absl::OkStatus();
}

void SqliteState::LoadEdges() {
  std::vector<EdgeCore> edges;
  {
    Query query(*writer_,
                "SELECT number, id, revoke_us, session_epoch, spool_id, watermark_us, "
                "watermark_seen_us FROM edges ORDER BY number");
    while (query.Step()) {
      EdgeCore edge;
      edge.number = static_cast<uint16_t>(query.Int(0));
      edge.id = query.Text(1);
      edge.revoked = query.Int(2) != 0;
      edge.session_epoch = query.Unsigned(3);
      edge.spool_id = query.Text(4);
      edge.watermark_us = query.Int(5);
      edge.watermark_seen_us = query.Int(6);
      edges.push_back(std::move(edge));
    }
  }
  for (EdgeCore& edge : edges) {
    Query query(*writer_,
                "SELECT lane, number FROM lanes WHERE edge = ? AND spool_id = ? ORDER BY lane",
                edge.number, Blob{edge.spool_id});
    while (query.Step()) {
      const int64_t lane = query.Int(0);
      if (lane > 0 && lane < kLanes) edge.lanes[static_cast<size_t>(lane)] = query.Unsigned(1);
    }
    edges_.Set(edge);
  }
}

void SqliteState::LoadRemovedMembers() {
  Query query(*writer_, "SELECT id FROM members WHERE remove_idx > 0 ORDER BY id");
  while (query.Step()) node_.removed_members.insert(IdOf(query.Int(0)));
}

void SqliteState::LoadCodePages() {
  absl::flat_hash_map<OrganizationId, uint32_t> pages;
  {
    Query query(*writer_, "SELECT id, code_page FROM organizations WHERE code_page > ? ORDER BY id",
                kNoCodePage);
    while (query.Step()) {
      pages[OrganizationId{IdOf(query.Int(0))}] = static_cast<uint32_t>(query.Int(1));
    }
  }
  MutexLock lock(mutex_);
  code_pages_ = std::move(pages);
}

absl::Status SqliteState::LoadDevices() {
  const uint64_t count = OneNumber(*writer_, "SELECT coalesce(max(dense) + 1, 0) FROM devices");
  devices_.MakePlaces(count);
  {
    // In the order of the file: by `dense` each row would be a search of its own.
    Query query(*writer_,
                "SELECT id, organization, facts_hash, last_given, highest_reported, "
                "expected_last, delete_index, least_epoch, monitor_only, held, sealed_secret, "
                "dense, hold_kind, revoke_us, release_job, release_us, offer_version <> '', "
                "profile, next_epoch, next_secret, next_beats, token_organization, online "
                "FROM devices ORDER BY id");
    uint64_t found = 0;
    for (; query.Step(); ++found) {
      DeviceCore core;
      if (!ReadCore(query, core) || query.Unsigned(11) >= count) {
        return absl::DataLossError("a device's row is damaged");
      }
      const DenseIndex index = static_cast<DenseIndex>(query.Int(11));
      devices_.Place(index, core);
      devices_.SetExtra(index, ReadExtra(query));
    }
    // Dense places go from 0 without gaps; a gap is a row that is gone.
    if (found != count) return absl::DataLossError("a device's row is missing");
  }
  return LoadSlabs();
}

absl::Status SqliteState::LoadSlabs() {
  std::vector<uint64_t> slab_index(devices_.slab_count(), 0);
  Query slabs(*writer_, "SELECT slab, idx, bytes FROM slabs ORDER BY slab");
  while (slabs.Step()) {
    const size_t slab = slabs.Unsigned(0);
    if (slab >= slab_index.size()) return absl::DataLossError("a slab without devices");
    slab_index[slab] = slabs.Unsigned(1);
    ASSIGN_OR_RETURN(const std::vector<StatusRow> rows, DecodeSlab(slabs.View(2)));
    devices_.LoadSlab(slab, rows);
  }
  return Replay(slab_index);
}

void SqliteState::LoadQueues() {
  Query query(*writer_,
              // What the core says of queue and open job is in no column: it is counted from the
              // targets that have not ended.
              "SELECT t.device, t.job, t.state, t.number, length(j.agent_goal) FROM targets t "
              "JOIN jobs j ON j.id = t.job WHERE t.state IN (1, 2, 3, 4, 7, 12) "
              "ORDER BY t.device, t.seq, t.job");
  while (query.Step()) {
    const auto device = devices_.FindBoth(IdOf(query.Int(0)));
    if (!device.has_value()) continue;
    DeviceCore core = device->core;
    const JobTargetState state = static_cast<JobTargetState>(query.Int(2));
    if (query.Int(4) > 0) {
      if (state == JobTargetState::kRunning) core.upgrade_job = IdOf(query.Int(1));
    } else if (state == JobTargetState::kQueued) {
      ++core.queued;
    } else if (state != JobTargetState::kHeld) {
      // AT_EDGE, SENT, RUNNING or CANCELLING: at most one a device.
      core.open_job = IdOf(query.Int(1));
      core.open_number = query.Unsigned(3);
    }
    devices_.SetCore(device->index, core);
  }
}

absl::Status SqliteState::Replay(const std::vector<uint64_t>& slab_index) {
  if (slab_index.empty()) return absl::OkStatus();
  // The slab that is furthest behind decides where reading begins; the others skip what they have.
  const uint64_t lowest = *std::min_element(slab_index.begin(), slab_index.end());
  uint64_t expected = lowest;
  Query query(*writer_, "SELECT idx, taken, bytes FROM entries WHERE idx > ? ORDER BY idx", lowest);
  while (query.Step()) {
    // A gap would mean check-ins that nobody has.
    if (query.Unsigned(0) != ++expected) {
      return absl::DataLossError(absl::StrCat("log entry ", expected, " is missing"));
    }
    if (absl::Status status = ReplayEntry(query.View(2), query.View(1), slab_index); !status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("log entry ", expected, ": ", status.message()));
    }
  }
  // Entry and effects were committed together; apart they are a damaged file.
  if (expected != node_.applied_index) {
    return absl::DataLossError(absl::StrCat("the log ends at entry ", expected,
                                            ", the state is at ", node_.applied_index));
  }
  return absl::OkStatus();
}

absl::Status SqliteState::ReplayEntry(absl::string_view bytes, absl::string_view taken,
                                      const std::vector<uint64_t>& slab_index) {
  ASSIGN_OR_RETURN(const DecodedEntry decoded, DecodeEntry(bytes));
  // Somebody has mixed files of two installations.
  if (decoded.header.log_id != node_.log_id) {
    return absl::DataLossError("it is of another log");
  }
  size_t at = 0;
  for (const internal::v1::Command& command : decoded.entry.commands()) {
    if (!Bit(taken, at++) || !command.has_edge_batch()) continue;
    const internal::v1::EdgeBatch& batch = command.edge_batch();
    const std::optional<EdgeCore> edge = edges_.Find(batch.edge_id());
    if (!edge.has_value()) return absl::DataLossError("it names an unknown edge");
    for (const internal::v1::CheckIn& check_in : batch.check_ins()) {
      // Refused then, so refused now: the judgement depends on the item alone.
      if (!ObjectionTo(check_in, batch.base_time_us()).empty()) continue;
      devices_.ReplayCheckIn(check_in, batch.base_time_us() + check_in.time_delta_us(),
                             edge->number, decoded.header.index, slab_index);
    }
  }
  return absl::OkStatus();
}

}  // namespace muster::server
