// What only a restore needs of the state.
#include <algorithm>
#include <cstring>
#include <set>

#include "server/state/pending_move.h"
#include "server/state/slab_codec.h"
#include "server/state/sqlite_state.h"

namespace muster::server {

void SqliteState::StartNewLog(absl::string_view log_id, absl::string_view note) {
  writer_->Execute("BEGIN IMMEDIATE");
  // Entries of the other log can't be replayed into this one: nothing may need them.
  for (size_t slab = 0; slab < devices_.slab_count(); ++slab) {
    bool changed = false;
    const std::vector<StatusRow> rows = devices_.SlabRows(slab, changed);
    // A row that is not there stands for entries from the first on, which are gone in a moment;
    // empty bytes for devices without a check-in.
    writer_->Run(
        "INSERT INTO slabs (slab, idx, bytes) VALUES (?, ?, x'') "
        "ON CONFLICT (slab) DO UPDATE SET idx = excluded.idx",
        slab, node_.applied_index);
    if (changed) {
      writer_->Run("UPDATE slabs SET bytes = ? WHERE slab = ?", Blob{EncodeSlab(rows)}, slab);
    }
  }
  writer_->Execute("DELETE FROM entries");
  writer_->Execute("DELETE FROM engine_note");
  if (!note.empty()) {
    writer_->Run("INSERT INTO engine_note (one, note) VALUES (1, ?)", Blob{note});
  }
  writer_->Run("DELETE FROM blobs WHERE name = ?", kPendingMove);
  writer_->Run("UPDATE node SET log_id = ? WHERE one = 1", Blob{log_id});
  writer_->Execute("COMMIT");
  kept_bytes_ = 0;
  node_.log_id = std::string(log_id);
  MutexLock lock(mutex_);
  published_ = node_;
}

SqliteState::OpenWork SqliteState::FindOpenWork() const {
  OpenWork work;
  std::set<uint64_t> devices;
  auto db = readers_.Get();
  {
    Query query(*db,
                "SELECT DISTINCT t.device FROM targets t JOIN jobs j ON j.id = t.job "
                "WHERE t.state IN (1, 2, 3, 4, 7, 12) AND length(j.agent_goal) = 0 "
                "ORDER BY t.device");
    while (query.Step()) devices.insert(IdOf(query.Int(0)));
  }
  {
    // Members that are no targets yet: 8 bytes each.
    Query query(*db,
                "SELECT m.members FROM job_members m JOIN jobs j ON j.id = m.job "
                "WHERE length(j.agent_goal) = 0 ORDER BY m.job, m.part");
    while (query.Step()) {
      const absl::string_view members = query.View(0);
      for (size_t at = 0; at + sizeof(uint64_t) <= members.size(); at += sizeof(uint64_t)) {
        uint64_t device = 0;
        std::memcpy(&device, members.data() + at, sizeof(device));
        devices.insert(device);
      }
    }
  }
  work.devices.assign(devices.begin(), devices.end());
  Query query(*db,
              "SELECT id, organization FROM jobs WHERE length(agent_goal) > 0 AND end_us = 0 "
              "AND cancelled = 0 ORDER BY id");
  while (query.Step()) {
    work.upgrades.emplace_back(JobId{IdOf(query.Int(0))}, OrganizationId{IdOf(query.Int(1))});
  }
  return work;
}

}  // namespace muster::server
