// The write side: one transaction an entry. Apply changes tables in SQLite (rolled back by a crash)
// and tables in memory (gone with a crash), and both come true together at the commit; only a
// failed commit in a living process would tear them apart, so that ends the process.
#include "server/state/sqlite_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "server/state/apply/presence.h"
#include "server/state/apply/requests.h"
#include "server/state/schema.h"

namespace muster::server {
namespace {

// A slab is written once in so many Ticks.
// So a start replays half a minute of entries at most, and no Tick writes more than a thirtieth.
constexpr uint64_t kSlabTurns = 30;
// Entries that one call drops at most.
// Many were kept after a time of load; they go over some seconds.
constexpr int kTrimStep = 2'000;
// Status rows are hashed in pieces of so many bytes.
constexpr size_t kHashedAtOnce = 1 << 20;

// Which batches were taken depends on numbers that a start has no longer: it is kept with the
// entry.
bool WasTaken(const internal::v1::Command& command, const Outcome& outcome) {
  return command.has_edge_batch() && outcome.status.ok() &&
         outcome.result.edge_batch().outcome() == internal::v1::BATCH_OUTCOME_TAKEN;
}

}  // namespace

// One entry, from BEGIN to COMMIT.
class SqliteState::WriteTransaction : public Transaction {
 public:
  explicit WriteTransaction(SqliteState& state) : state_(state) {
    state_.writer_->Execute("BEGIN IMMEDIATE");
  }

  ~WriteTransaction() override {
    // Memory can't be rolled back, so a transaction that was begun is ended by its caller.
    if (!committed_) DieLoudly("state", "an entry was applied, but not committed");
  }

  std::vector<Outcome> Apply(uint64_t index, const std::vector<const Command*>& commands) override {
    NodeState& node = state_.node_;
    if (index != node.applied_index + 1) {
      // Applied twice or over a gap, nothing would be true any more.
      DieLoudly("state", absl::StrCat("entry ", index, " does not follow ", node.applied_index));
    }
    index_ = index;
    changes_.index = index;
    const uint64_t ticks = node.ticks;
    ApplyContext context{*state_.writer_, state_.devices_, state_.edges_, node, index, 0, changes_};
    std::vector<Outcome> outcomes;
    outcomes.reserve(commands.size());
    taken_.assign((commands.size() + 7) / 8, '\0');
    // Each command by itself: a refused one has written nothing, so there is no savepoint.
    for (size_t i = 0; i < commands.size(); ++i) {
      outcomes.push_back(ApplyOnce(context, *commands[i]));
      if (WasTaken(*commands[i], outcomes.back())) {
        taken_[i / 8] = static_cast<char>(taken_[i / 8] | (1 << (i % 8)));
      }
    }
    MarkChangedDevices(context);
    node.applied_index = index;
    // After all commands, so that the slabs are true up to this very entry.
    if (node.ticks != ticks) state_.FlushSlabs(index);
    return outcomes;
  }

  void KeepEntry(absl::string_view bytes) override {
    state_.writer_->Run(
        "INSERT INTO entries (idx, state_time_us, size, taken, bytes) VALUES (?, ?, ?, ?, ?)",
        index_, state_.node_.state_time_us, bytes.size(), Blob{taken_}, Blob{bytes});
    state_.kept_bytes_ += bytes.size();
  }

  void KeepEngineNote(absl::string_view note) override {
    state_.writer_->Run(
        "INSERT INTO engine_note (one, note) VALUES (1, ?) ON CONFLICT (one) DO UPDATE "
        "SET note = excluded.note",
        Blob{note});
  }

  void TrimEntries(uint64_t max_bytes, int64_t older_than_us) override {
    Database& db = *state_.writer_;
    // A start replays from the slab that is furthest behind: what comes after it is needed, however
    // large or old.
    uint64_t needed_from = index_;
    {
      Query query(db, "SELECT min(idx) FROM slabs");
      if (query.Step() && !query.IsNull(0)) needed_from = query.Unsigned(0);
    }
    uint64_t cut = 0;
    {
      Query query(db, "SELECT idx, size, state_time_us FROM entries ORDER BY idx LIMIT ?",
                  kTrimStep);
      while (query.Step() && query.Unsigned(0) <= needed_from &&
             (state_.kept_bytes_ > max_bytes || query.Int(2) < older_than_us)) {
        cut = query.Unsigned(0);
        state_.kept_bytes_ -= query.Unsigned(1);
      }
    }
    if (cut != 0) db.Run("DELETE FROM entries WHERE idx <= ?", cut);
  }

  void Commit() override {
    // In the same transaction: position and effects are never apart.
    state_.SaveNode();
    state_.writer_->Execute("COMMIT");
    committed_ = true;
    if (state_.hash_ != nullptr && index_ % state_.hash_every_ == 0) state_.MarkHash();
    // Not before: readers on other connections see the rows from the commit on.
    state_.Publish(std::move(changes_));
  }

 private:
  SqliteState& state_;
  uint64_t index_ = 0;
  std::string taken_;
  ChangeBatch changes_;
  bool committed_ = false;
};

SqliteState::SqliteState(std::string path, uint64_t hash_every)
    : path_(std::move(path)),
      hash_every_(hash_every),
      readers_(path_),
      listeners_(std::make_shared<Listeners>()) {}

SqliteState::~SqliteState() = default;

absl::StatusOr<std::unique_ptr<SqliteState>> SqliteState::Open(const std::string& path,
                                                               Durability durability,
                                                               uint64_t hash_every) {
  std::unique_ptr<SqliteState> state(new SqliteState(path, hash_every));
  ASSIGN_OR_RETURN(state->writer_, Database::Open(path, Database::Mode::kReadWrite));
  // Before any other connection: it sets the journal mode, which wants the file for itself.
  RETURN_IF_ERROR(PrepareSchema(*state->writer_));
  if (durability == Durability::kOrdered) state->writer_->Execute("PRAGMA synchronous=NORMAL");
  ASSIGN_OR_RETURN(state->checkpointer_, Database::Open(path, Database::Mode::kReadWrite));
  RETURN_IF_ERROR(state->Load());
  if (durability == Durability::kOrdered) {
    state->hash_ = std::make_unique<StateHash>(*state->writer_);
  }
  return state;
}

std::unique_ptr<Transaction> SqliteState::Begin() {
  return std::make_unique<WriteTransaction>(*this);
}

Position SqliteState::AppliedPosition() const {
  MutexLock lock(mutex_);
  return {published_.log_id, published_.applied_index};
}

int64_t SqliteState::StateTimeUs() const {
  MutexLock lock(mutex_);
  return published_.state_time_us;
}

uint32_t SqliteState::FeatureLevel() const {
  MutexLock lock(mutex_);
  return published_.feature_level;
}

bool SqliteState::IsRemovedMember(uint64_t node_id) const {
  MutexLock lock(mutex_);
  return published_.removed_members.count(node_id) != 0;
}

uint32_t SqliteState::KeyGeneration() const {
  MutexLock lock(mutex_);
  return published_.key_generation;
}

std::string SqliteState::EngineNote() {
  Query query(*writer_, "SELECT note FROM engine_note");
  return query.Step() ? query.Text(0) : std::string();
}

absl::Status SqliteState::AdoptLog(absl::string_view log_id) {
  if (node_.applied_index != 0) {
    return absl::FailedPreconditionError("the state has entries of another log");
  }
  writer_->Run("UPDATE node SET log_id = ? WHERE one = 1", Blob{log_id});
  node_.log_id = std::string(log_id);
  MutexLock lock(mutex_);
  published_ = node_;
  return absl::OkStatus();
}

void SqliteState::Checkpoint() { checkpointer_->Checkpoint(); }

int SqliteState::WalPages() const { return writer_->WalPages(); }

void SqliteState::CheckpointFromWriter() { writer_->Checkpoint(); }

uint64_t SqliteState::NextJobToExpand() const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT job FROM (SELECT m.job AS job, j.seq AS seq FROM job_members m "
              "JOIN jobs j ON j.id = m.job WHERE j.sealed = 1 "
              "UNION SELECT id, seq FROM jobs WHERE cancelled = 1 "
              "UNION SELECT id, seq FROM jobs WHERE wave_due > 0) ORDER BY seq LIMIT 1");
  return query.Step() ? IdOf(query.Int(0)) : 0;
}

NodeState SqliteState::Published() const {
  MutexLock lock(mutex_);
  return published_;
}

absl::Time SqliteState::StateTime() const { return absl::FromUnixMicros(StateTimeUs()); }

std::string SqliteState::LogId() const { return Published().log_id; }

std::string SqliteState::ClusterId() const { return Published().cluster_id; }

void SqliteState::FlushSlabs(uint64_t entry_index) {
  const size_t count = devices_.slab_count();
  // Turns by Ticks and not by time: the same on every node.
  for (size_t slab = node_.ticks % kSlabTurns; slab < count; slab += kSlabTurns) {
    bool changed = false;
    const std::vector<StatusRow> rows = devices_.SlabRows(slab, changed);
    if (changed) {
      writer_->Run("UPDATE slabs SET idx = ?, bytes = ? WHERE slab = ?", entry_index,
                   Blob{EncodeSlab(rows)}, slab);
    } else {
      // Still true, and now known to be up to here: else one quiet slab would keep the whole log.
      writer_->Run("UPDATE slabs SET idx = ? WHERE slab = ?", entry_index, slab);
    }
  }
}

void SqliteState::SaveNode() {
  writer_->Run(
      "UPDATE node SET applied_index = ?, state_time_us = ?, jump_from_us = ?, "
      "jump_hold_until_us = ?, ticks = ?, cluster_id = ?, audit_sequence = ?, audit_hash = ?, "
      "next_sequence = ?, feature_level = ?, key_generation = ? WHERE one = 1",
      node_.applied_index, node_.state_time_us, node_.jump_from_us, node_.jump_hold_until_us,
      node_.ticks, Blob{node_.cluster_id}, node_.audit_sequence, Blob{node_.audit_hash},
      node_.next_sequence, node_.feature_level, node_.key_generation);
}

std::string SqliteState::HashNow() const {
  if (hash_ == nullptr) return "";
  std::string all =
      absl::StrCat(hash_->Sum(), node_.applied_index, "|", node_.state_time_us, "|",
                   node_.jump_from_us, "|", node_.jump_hold_until_us, "|", node_.ticks, "|",
                   node_.audit_sequence, "|", node_.next_sequence, "|", node_.cluster_id, "|",
                   node_.audit_hash, "|", node_.feature_level, "|", node_.key_generation, "|");
  const size_t count = devices_.size();
  for (size_t index = 0; index < count; ++index) {
    const StatusRow row = devices_.Row(static_cast<DenseIndex>(index));
    all.append(reinterpret_cast<const char*>(&row), sizeof(row));
    if (all.size() > kHashedAtOnce) all = Hash256(all);
  }
  return Hash256(all);
}

std::vector<SqliteState::HashMark> SqliteState::RecentHashes() const {
  MutexLock lock(mutex_);
  return recent_hashes_;
}

void SqliteState::MarkHash() {
  HashMark mark{node_.applied_index, HashNow()};
  MutexLock lock(mutex_);
  if (recent_hashes_.size() == kKeptHashes) recent_hashes_.erase(recent_hashes_.begin());
  recent_hashes_.push_back(std::move(mark));
}

void SqliteState::Publish(ChangeBatch changes) {
  const auto has = [&changes](ChangeKind kind) {
    return std::any_of(changes.changes.begin(), changes.changes.end(),
                       [kind](const Change& change) { return change.kind == kind; });
  };
  const bool keys = has(ChangeKind::kApiKey);
  // Before published_ moves: who sees the change reads the new page.
  if (has(ChangeKind::kOrganization)) LoadCodePages();
  {
    MutexLock lock(mutex_);
    published_ = node_;
    if (keys) {
      // All of them: keys change rarely, and one that was revoked must not be found once more.
      api_keys_.clear();
      ++api_key_generation_;
    }
  }
  if (!changes.changes.empty()) listeners_->Tell(changes);
}

std::unique_ptr<Subscription> SqliteState::Subscribe(ChangeListener listener) {
  return Listeners::Add(listeners_, std::move(listener));
}

}  // namespace muster::server
