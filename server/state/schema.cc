// The tables and how older ones become today's. Conventions: STRICT, so that a wrong type is an
// error and not another sort order; WITHOUT ROWID where the key is the row; a partial index where
// only few rows are ever looked for (open targets, unsealed jobs), which keeps it small however
// large the table grows.
#include "server/state/schema.h"

#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/state/hardware.h"

namespace muster::server {
namespace {

// Ids are KeyOf(id). Times are microseconds. `seq` columns give a total order of creation.
constexpr const char* kVersion1[] = {
    // One row: what the whole state needs to know of itself.
    R"(CREATE TABLE node (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  log_id BLOB NOT NULL,
  applied_index INTEGER NOT NULL,
  state_time_us INTEGER NOT NULL,
  jump_from_us INTEGER NOT NULL,
  jump_hold_until_us INTEGER NOT NULL,
  ticks INTEGER NOT NULL,
  cluster_id BLOB NOT NULL,
  audit_sequence INTEGER NOT NULL,
  audit_hash BLOB NOT NULL,
  next_sequence INTEGER NOT NULL) STRICT)",
    // What Bootstrap gave: roots and sealed keys; see pki/installation.h.
    "CREATE TABLE blobs (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    // Kept entries of the log; `taken` has a bit for each command that is a batch and was taken.
    R"(CREATE TABLE entries (
  idx INTEGER PRIMARY KEY,
  state_time_us INTEGER NOT NULL,
  size INTEGER NOT NULL,
  taken BLOB NOT NULL,
  bytes BLOB NOT NULL) STRICT)",
    // What a request id gave, by the hash of its scope; `idx` is for people.
    R"(CREATE TABLE requests (
  scope BLOB PRIMARY KEY,
  digest BLOB NOT NULL,
  result BLOB NOT NULL,
  time_us INTEGER NOT NULL,
  idx INTEGER NOT NULL) STRICT, WITHOUT ROWID)",
    "CREATE INDEX requests_by_time ON requests (time_us, scope)",
    // Chained by hashes; no row is ever changed or deleted.
    R"(CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  actor TEXT NOT NULL,
  method TEXT NOT NULL,
  resource TEXT NOT NULL,
  summary TEXT NOT NULL,
  request_id TEXT NOT NULL,
  organization INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  chain_hash BLOB NOT NULL) STRICT)",
    "CREATE INDEX audit_by_organization ON audit (organization, sequence)",
    R"(CREATE TABLE organizations (
  id INTEGER PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  create_us INTEGER NOT NULL) STRICT)",
    // `organization` KeyOf(0): a key of the platform. Revoked ones stay, since the audit names
    // them.
    R"(CREATE TABLE api_keys (
  id INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  role INTEGER NOT NULL,
  display_name TEXT NOT NULL,
  key_hash BLOB NOT NULL UNIQUE,
  create_us INTEGER NOT NULL,
  expire_us INTEGER NOT NULL,
  revoke_us INTEGER NOT NULL) STRICT)",
    "CREATE INDEX api_keys_by_organization ON api_keys (organization, id)",
    // The network is kept as text for people and as bytes for apply.
    R"(CREATE TABLE claims (
  id INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  claim_hash BLOB NOT NULL UNIQUE,
  create_us INTEGER NOT NULL,
  expire_us INTEGER NOT NULL,
  max_devices INTEGER NOT NULL,
  used_devices INTEGER NOT NULL,
  allowed_source TEXT NOT NULL,
  allowed_network BLOB NOT NULL,
  allowed_prefix_bits INTEGER NOT NULL,
  site TEXT NOT NULL,
  labels BLOB NOT NULL,
  monitor_only INTEGER NOT NULL) STRICT)",
    "CREATE INDEX claims_by_organization ON claims (organization, id)",
    // Which device a claim and nonce made, so that a router that lost the reply gets it again.
    R"(CREATE TABLE enrolments (
  claim INTEGER NOT NULL,
  nonce_hash BLOB NOT NULL,
  device INTEGER NOT NULL,
  PRIMARY KEY (claim, nonce_hash)) STRICT, WITHOUT ROWID)",
    // `dense` is the place in memory and slabs. `version` is the etag; `facts` is an
    // internal.v1.Facts. Tombstones stay: their numbers must never be given again.
    R"(CREATE TABLE devices (
  id INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  dense INTEGER NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  notes TEXT NOT NULL,
  site TEXT NOT NULL,
  labels BLOB NOT NULL,
  facts BLOB NOT NULL,
  facts_hash INTEGER NOT NULL,
  sealed_secret BLOB NOT NULL,
  monitor_only INTEGER NOT NULL,
  held INTEGER NOT NULL,
  least_epoch INTEGER NOT NULL,
  create_us INTEGER NOT NULL,
  update_us INTEGER NOT NULL,
  delete_us INTEGER NOT NULL,
  delete_index INTEGER NOT NULL,
  version INTEGER NOT NULL,
  last_given INTEGER NOT NULL,
  highest_reported INTEGER NOT NULL,
  expected_last INTEGER NOT NULL) STRICT)",
    "CREATE INDEX devices_by_organization ON devices (organization, id)",
    "CREATE INDEX devices_revoked ON devices (id) WHERE least_epoch > 1 OR delete_us > 0",
    // What memory holds of check-ins; `idx` is the entry up to which a slab is true.
    R"(CREATE TABLE slabs (
  slab INTEGER PRIMARY KEY,
  idx INTEGER NOT NULL,
  bytes BLOB NOT NULL) STRICT)",
    // `seq` is entry and place, so one order over all devices; `old` 1: not among the newest of its
    // device, so that age may drop it.
    R"(CREATE TABLE events (
  device INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  message TEXT NOT NULL,
  old INTEGER NOT NULL,
  PRIMARY KEY (device, seq)) STRICT, WITHOUT ROWID)",
    "CREATE INDEX events_old ON events (time_us, device, seq) WHERE old = 1",
    // Bodies by hash, each once, whoever uses them.
    "CREATE TABLE scripts (hash BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
    // `sealed`: the member list is complete. `cancelled`: 1 asked for, 2 done; `cancel_after`: how
    // far its steps came.
    R"(CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  seq INTEGER NOT NULL UNIQUE,
  script_hash BLOB NOT NULL,
  description TEXT NOT NULL,
  device INTEGER NOT NULL,
  filter TEXT NOT NULL,
  create_us INTEGER NOT NULL,
  not_before_us INTEGER NOT NULL,
  not_after_us INTEGER NOT NULL,
  idempotent INTEGER NOT NULL,
  ends_with INTEGER NOT NULL,
  timeout_s INTEGER NOT NULL,
  expect_version TEXT NOT NULL,
  creator TEXT NOT NULL,
  target_count INTEGER NOT NULL,
  sealed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  cancel_after INTEGER NOT NULL,
  open_count INTEGER NOT NULL,
  end_us INTEGER NOT NULL) STRICT)",
    "CREATE INDEX jobs_by_organization ON jobs (organization, seq)",
    "CREATE INDEX jobs_unsealed ON jobs (create_us, id) WHERE sealed = 0",
    // Kept with each move of a target: counting them would be a walk over the job for each look.
    R"(CREATE TABLE job_counts (
  job INTEGER NOT NULL,
  state INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (job, state)) STRICT, WITHOUT ROWID)",
    // Members that are not targets yet: 8 bytes each, little-endian.
    R"(CREATE TABLE job_members (
  job INTEGER NOT NULL,
  part INTEGER NOT NULL,
  members BLOB NOT NULL,
  PRIMARY KEY (job, part)) STRICT, WITHOUT ROWID)",
    // `due_us`: when Tick looks at it next; 0: never.
    R"(CREATE TABLE targets (
  job INTEGER NOT NULL,
  device INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  state INTEGER NOT NULL,
  number INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  cancel_wanted INTEGER NOT NULL,
  due_us INTEGER NOT NULL,
  update_us INTEGER NOT NULL,
  times_sent INTEGER NOT NULL,
  sent_us INTEGER NOT NULL,
  boot_at_first_send TEXT NOT NULL,
  silent_beats INTEGER NOT NULL,
  silent_us INTEGER NOT NULL,
  result_digest BLOB NOT NULL,
  phase TEXT NOT NULL,
  error TEXT NOT NULL,
  output_cut INTEGER NOT NULL,
  output TEXT NOT NULL,
  PRIMARY KEY (job, device)) STRICT, WITHOUT ROWID)",
    // QUEUED, AT_EDGE, SENT, RUNNING, CANCELLING, HELD: what of a device has not ended. Queries
    // must spell this condition the same way to use it.
    "CREATE INDEX targets_open ON targets (device, seq, state) WHERE state IN (1, 2, 3, 4, 7, 12)",
    "CREATE INDEX targets_due ON targets (due_us, job, device) WHERE due_us > 0",
    // Every number that was ever given.
    R"(CREATE TABLE numbers (
  device INTEGER NOT NULL,
  number INTEGER NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (device, number)) STRICT, WITHOUT ROWID)",
    // Where a number lies; `removing` once the edge was asked to drop it.
    R"(CREATE TABLE holders (
  device INTEGER NOT NULL,
  number INTEGER NOT NULL,
  edge INTEGER NOT NULL,
  removing INTEGER NOT NULL,
  drop_us INTEGER NOT NULL,
  PRIMARY KEY (device, number, edge)) STRICT, WITHOUT ROWID)",
    "CREATE INDEX holders_by_edge ON holders (edge, removing, device, number)",
    "CREATE INDEX holders_by_drop ON holders (drop_us, device, number, edge) WHERE removing = 1",
    // `number` stands for the edge in rows of devices; revoked ones stay, so that it is never given
    // again.
    R"(CREATE TABLE edges (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  public_url TEXT NOT NULL,
  version TEXT NOT NULL,
  join_token_hash BLOB NOT NULL,
  join_expire_us INTEGER NOT NULL,
  sealed_check_key BLOB NOT NULL,
  create_us INTEGER NOT NULL,
  join_us INTEGER NOT NULL,
  revoke_us INTEGER NOT NULL,
  session_epoch INTEGER NOT NULL,
  spool_id BLOB NOT NULL,
  watermark_us INTEGER NOT NULL,
  watermark_seen_us INTEGER NOT NULL) STRICT)",
    // The last number taken, by spool id; lane 0 only says that the spool id was seen.
    R"(CREATE TABLE lanes (
  edge INTEGER NOT NULL,
  spool_id BLOB NOT NULL,
  lane INTEGER NOT NULL,
  number INTEGER NOT NULL,
  seen_us INTEGER NOT NULL,
  PRIMARY KEY (edge, spool_id, lane)) STRICT, WITHOUT ROWID)",
};

// What came after the first release. Rows of version 1 get the defaults.
constexpr const char* kVersion2[] = {
    // Waves of a job. `max_failures` -1: nothing stops it; `wave`: the open one, 0: none yet, or a
    // job without waves; `wave_due` 1: the next may open, 2: the open one is being released, up to
    // `wave_after`; `members_done`: members that are targets.
    "ALTER TABLE jobs ADD COLUMN canary_count INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN batch_size INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN max_failures INTEGER NOT NULL DEFAULT -1",
    "ALTER TABLE jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN stop_reason TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN wave INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN wave_due INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN wave_after INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN members_done INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX jobs_cancelled ON jobs (seq) WHERE cancelled = 1",
    "CREATE INDEX jobs_wave_due ON jobs (seq) WHERE wave_due > 0",
    "ALTER TABLE targets ADD COLUMN wave INTEGER NOT NULL DEFAULT 0",
    // Targets of a wave that have not ended.
    R"(CREATE TABLE job_waves (
  job INTEGER NOT NULL,
  wave INTEGER NOT NULL,
  open INTEGER NOT NULL,
  PRIMARY KEY (job, wave)) STRICT, WITHOUT ROWID)",
    // `trimmed` 1: its outputs are gone.
    "ALTER TABLE jobs ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX jobs_ended ON jobs (trimmed, end_us, id) WHERE end_us > 0",
    // What is wrong with an edge, in words.
    "ALTER TABLE edges ADD COLUMN problem TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE edges ADD COLUMN problem_us INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE claims ADD COLUMN approve INTEGER NOT NULL DEFAULT 0",
    // Value of Profile.
    "ALTER TABLE claims ADD COLUMN profile INTEGER NOT NULL DEFAULT 1",
    // NULL: none.
    "ALTER TABLE claims ADD COLUMN replaces INTEGER",
    // internal.v1.Urls.
    "ALTER TABLE claims ADD COLUMN urls BLOB NOT NULL DEFAULT x''",
    "CREATE INDEX enrolments_by_device ON enrolments (device, claim, nonce_hash)",
    // Of the facts, so that it can be searched.
    "ALTER TABLE devices ADD COLUMN serial TEXT NOT NULL DEFAULT ''",
    // What tells this board from others, as hardware.h writes it; accepted by joining or by an
    // operator.
    "ALTER TABLE devices ADD COLUMN hardware TEXT NOT NULL DEFAULT ''",
    // Value of HoldKind, and words for people.
    "ALTER TABLE devices ADD COLUMN hold_kind INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE devices ADD COLUMN hold_reason TEXT NOT NULL DEFAULT ''",
    // The organization that stands in its tokens; NULL: its own.
    "ALTER TABLE devices ADD COLUMN token_organization INTEGER",
    // Events before this `seq` belong to an organization that it has left.
    "ALTER TABLE devices ADD COLUMN events_from INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE devices ADD COLUMN profile INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE devices ADD COLUMN urls BLOB NOT NULL DEFAULT x''",
    // The agent text that it should have; empty: what it has.
    "ALTER TABLE devices ADD COLUMN offer_version TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE devices ADD COLUMN agent_generation INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE devices ADD COLUMN offer_open INTEGER NOT NULL DEFAULT 0",
    // A token on its way to the router; 0: none. `next_beats` counts check-ins that proved it.
    "ALTER TABLE devices ADD COLUMN next_epoch INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE devices ADD COLUMN next_secret BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE devices ADD COLUMN next_beats INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE devices ADD COLUMN revoke_us INTEGER NOT NULL DEFAULT 0",
    // The job that takes the agent off; NULL: none. A tombstone with `release_us` is answered X.
    "ALTER TABLE devices ADD COLUMN release_job INTEGER",
    "ALTER TABLE devices ADD COLUMN release_us INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX devices_by_serial ON devices (organization, serial, id) WHERE serial <> ''",
    // Names for routers that have not joined; used up by the enrolment.
    R"(CREATE TABLE preregistrations (
  organization INTEGER NOT NULL,
  serial TEXT NOT NULL,
  display_name TEXT NOT NULL,
  site TEXT NOT NULL,
  labels BLOB NOT NULL,
  create_us INTEGER NOT NULL,
  PRIMARY KEY (organization, serial)) STRICT, WITHOUT ROWID)",
    // Value of muster.v1.CodePage; 1: none.
    "ALTER TABLE organizations ADD COLUMN code_page INTEGER NOT NULL DEFAULT 1",
    // The script library, secrets, and what scripts want filled in (ScriptVariables); `variables`
    // of a target are the values (Labels) that went with its number.
    R"(CREATE TABLE library (
  organization INTEGER NOT NULL,
  name TEXT NOT NULL,
  script_hash BLOB NOT NULL,
  description TEXT NOT NULL,
  create_us INTEGER NOT NULL,
  update_us INTEGER NOT NULL,
  PRIMARY KEY (organization, name)) STRICT, WITHOUT ROWID)",
    R"(CREATE TABLE secrets (
  organization INTEGER NOT NULL,
  name TEXT NOT NULL,
  sealed BLOB NOT NULL,
  create_us INTEGER NOT NULL,
  update_us INTEGER NOT NULL,
  PRIMARY KEY (organization, name)) STRICT, WITHOUT ROWID)",
    R"(CREATE TABLE job_secrets (
  organization INTEGER NOT NULL,
  name TEXT NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (organization, name, job)) STRICT, WITHOUT ROWID)",
    "CREATE INDEX job_secrets_by_job ON job_secrets (job, name)",
    "ALTER TABLE jobs ADD COLUMN has_placeholders INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN variables BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE jobs ADD COLUMN script_name TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE targets ADD COLUMN variables BLOB NOT NULL DEFAULT x''",
    // `agent_goal` (AgentGoal) makes a job an agent upgrade.
    "ALTER TABLE jobs ADD COLUMN agent_goal BLOB NOT NULL DEFAULT x''",
    // Maintenance windows; `intervals` (Intervals) reach up to `until_us`.
    R"(CREATE TABLE windows (
  organization INTEGER NOT NULL,
  name TEXT NOT NULL,
  device INTEGER NOT NULL,
  site TEXT NOT NULL,
  label_key TEXT NOT NULL,
  label_value TEXT NOT NULL,
  times TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  intervals BLOB NOT NULL,
  until_us INTEGER NOT NULL,
  PRIMARY KEY (organization, name)) STRICT, WITHOUT ROWID)",
    "ALTER TABLE jobs ADD COLUMN ignore_windows INTEGER NOT NULL DEFAULT 0",
    // When the window closes in which its number was given; 0: none.
    "ALTER TABLE targets ADD COLUMN window_end_us INTEGER NOT NULL DEFAULT 0",
};

constexpr const char* kVersion3[] = {
    // What the engine of the log knows of the order; no row for a node that is alone.
    R"(CREATE TABLE engine_note (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  note BLOB NOT NULL) STRICT)",
};

constexpr const char* kVersion4[] = {
    // 1: its cancellation stops what runs.
    "ALTER TABLE jobs ADD COLUMN stop_running INTEGER NOT NULL DEFAULT 0",
    // 1: its router is told to stop it.
    "ALTER TABLE targets ADD COLUMN stop_wanted INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX events_by_seq ON events (seq)",
    // The roots that routers trust. `active` 1: edges show it; `retire_us` above 0: no text
    // pins it, and its key is gone.
    R"(CREATE TABLE router_roots (
  number INTEGER PRIMARY KEY,
  pem TEXT NOT NULL,
  sealed_key BLOB NOT NULL,
  active INTEGER NOT NULL,
  create_us INTEGER NOT NULL,
  activate_us INTEGER NOT NULL,
  retire_us INTEGER NOT NULL) STRICT)",
    // SHA-256 of the root that the edge's leaves end in, hex.
    "ALTER TABLE edges ADD COLUMN router_root TEXT NOT NULL DEFAULT ''",
    // The hold that a release has ended, which comes back if the release fails; 0: none.
    "ALTER TABLE devices ADD COLUMN hold_before_release INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE devices ADD COLUMN hold_before_release_reason TEXT NOT NULL DEFAULT ''",
    // What the installation uses; see server/command_log/log/feature_level.h.
    "ALTER TABLE node ADD COLUMN feature_level INTEGER NOT NULL DEFAULT 1",
    // Nodes of the cluster, removed ones too. `join_idx` 0: it never served; `remove_idx` above 0:
    // what it proposes has no effect.
    R"(CREATE TABLE members (
  id INTEGER PRIMARY KEY,
  display_name TEXT NOT NULL,
  join_idx INTEGER NOT NULL,
  join_us INTEGER NOT NULL,
  remove_idx INTEGER NOT NULL,
  remove_us INTEGER NOT NULL,
  public_key BLOB NOT NULL) STRICT)",
    // The entry of the last change that watchers are told.
    "ALTER TABLE targets ADD COLUMN change_idx INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX targets_changed ON targets (job, change_idx, device)",
    // The master key that leaves the node in backups, snapshots and what lies in etcd: 0 is the
    // first one. Later ones lie here as they were brought to each member.
    "ALTER TABLE node ADD COLUMN key_generation INTEGER NOT NULL DEFAULT 0",
    R"(CREATE TABLE sealed_keys (
  generation INTEGER NOT NULL,
  member INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (generation, member)) STRICT, WITHOUT ROWID)",
    // `sealed_key` is empty once the token was used or has expired.
    R"(CREATE TABLE join_tokens (
  id INTEGER PRIMARY KEY,
  token_hash BLOB NOT NULL,
  sealed_key BLOB NOT NULL,
  expire_us INTEGER NOT NULL,
  use_us INTEGER NOT NULL) STRICT)",
};

constexpr const char* kVersion5[] = {
    // Value of OnlineState as apply has decided; 1 also before the first check-in.
    "ALTER TABLE devices ADD COLUMN online INTEGER NOT NULL DEFAULT 1",
    // The entry of the last change that watchers are told.
    "ALTER TABLE devices ADD COLUMN change_idx INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX devices_changed ON devices (organization, change_idx, id)",
    // Devices that were moved out of an organization, so that its watchers learn of it later too.
    R"(CREATE TABLE departures (
  organization INTEGER NOT NULL,
  device INTEGER NOT NULL,
  change_idx INTEGER NOT NULL,
  PRIMARY KEY (organization, device)) STRICT, WITHOUT ROWID)",
    "CREATE INDEX departures_changed ON departures (organization, change_idx, device)",
};

// Up to version 3 the only root lay among the blobs.
constexpr char kFirstRouterRoot[] =
    "INSERT INTO router_roots (number, pem, sealed_key, active, create_us, activate_us, retire_us) "
    "SELECT 1, CAST(p.value AS TEXT), k.value, 1, 0, 0, 0 FROM blobs p, blobs k "
    "WHERE p.name = 'pki/router-root.pem' AND k.name = 'pki/router-root-key'";

// Rows of version 1 keep these only within their facts.
// In pages, so that a million rows need no memory for all; a query that is open while its rows are
// changed would be undefined.
void FillFromFacts(Database& db) {
  constexpr size_t kPage = 10'000;
  std::vector<std::pair<int64_t, std::string>> page;
  int64_t after = std::numeric_limits<int64_t>::min();
  do {
    page.clear();
    {
      Query query(db, "SELECT id, facts FROM devices WHERE id >= ? ORDER BY id LIMIT ?", after,
                  kPage);
      while (query.Step()) page.emplace_back(query.Int(0), query.Text(1));
    }
    for (const auto& [id, bytes] : page) {
      internal::v1::Facts facts;
      after = id + 1;
      if (!facts.ParseFromString(bytes)) continue;
      db.Run("UPDATE devices SET serial = ?, hardware = ? WHERE id = ?", facts.serial_number(),
             HardwareOf(facts), id);
    }
  } while (page.size() == kPage);
}

// Holds of version 1 had one reason only.
constexpr char kHoldOfVersion1[] =
    "UPDATE devices SET hold_kind = 1, hold_reason = 'the router''s state went back' "
    "WHERE held = 1";

int VersionOf(Database& db) {
  Query query(db, "PRAGMA user_version");
  return query.Step() ? static_cast<int>(query.Int(0)) : 0;
}

}  // namespace

absl::Status PrepareSchema(Database& db, int version) {
  const int found = VersionOf(db);
  // A newer program may have written what this one would misread; nothing is touched.
  if (found > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the data directory has schema ", found,
                                                      ", this musterd knows ", kSchemaVersion,
                                                      "; start the newer musterd that wrote it"));
  }
  // Readers go on while the writer commits; FULL: a commit is on the disk when it returns. The mode
  // stays in the file, the sync mode is the connection's.
  db.Execute("PRAGMA journal_mode=WAL");
  db.Execute("PRAGMA synchronous=FULL");
  if (found >= version) return absl::OkStatus();
  // All steps or none: user_version lies in the same transaction.
  db.Execute("BEGIN IMMEDIATE");
  if (found < 1) {
    for (const char* statement : kVersion1) db.Execute(statement);
  }
  if (found < 2 && version >= 2) {
    for (const char* statement : kVersion2) db.Execute(statement);
    FillFromFacts(db);
    db.Execute(kHoldOfVersion1);
  }
  if (found < 3 && version >= 3) {
    for (const char* statement : kVersion3) db.Execute(statement);
  }
  if (found < 4 && version >= 4) {
    for (const char* statement : kVersion4) db.Execute(statement);
    db.Execute(kFirstRouterRoot);
  }
  if (version >= 5) {
    for (const char* statement : kVersion5) db.Execute(statement);
  }
  db.Execute(absl::StrCat("PRAGMA user_version=", version).c_str());
  db.Execute("COMMIT");
  return absl::OkStatus();
}

}  // namespace muster::server
