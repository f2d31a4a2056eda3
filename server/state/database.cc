#include "server/state/database.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace muster::server {
namespace {

// Only the two writers meet (transactions and checkpoints), for moments; longer is a fault of the
// disk.
constexpr int kBusyMs = 10'000;

// Notes how large the write-ahead log has become; the log decides when to do something about it.
int OnWalCommit(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  sqlite3* raw = nullptr;
  int flags = SQLITE_OPEN_NOMUTEX;
  flags |= mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  // SQLite gives a handle even where it fails; it must be closed.
  std::unique_ptr<Database> db(new Database(raw));
  if (code != SQLITE_OK) {
    return absl::FailedPreconditionError(
        absl::StrCat("the state database ", path, " can't be opened: ", sqlite3_errstr(code)));
  }
  sqlite3_busy_timeout(raw, kBusyMs);
  sqlite3_extended_result_codes(raw, 1);
  // KiB of pages in memory; readers are many.
  const char* pragmas = mode == Mode::kRead ? "PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;"
                                            : "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY;";
  if (sqlite3_exec(raw, pragmas, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return absl::FailedPreconditionError(
        absl::StrCat("the state database ", path, " can't be read: ", sqlite3_errmsg(raw)));
  }
  return db;
}

Database::Database(sqlite3* db) : db_(db) {
  // Also ends SQLite's own checkpoints at commit, which would hold the writer up.
  if (db_ != nullptr) sqlite3_wal_hook(db_, OnWalCommit, &wal_pages_);
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

void Database::Execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) Fail(sql);
}

int64_t Database::Changes() const { return sqlite3_changes64(db_); }

void Database::Checkpoint() {
  const int code =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  // Busy: another checkpoint is under way.
  if (code != SQLITE_OK && code != SQLITE_BUSY) Fail("checkpoint");
}

sqlite3_stmt* Database::Prepare(const char* sql) {
  // By address: no text is hashed for each of the many calls a second, and literals never move.
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr && sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                                 &statement, nullptr) != SQLITE_OK) {
    Fail(sql);
  }
  return statement;
}

void Database::Fail(const char* what) const {
  // The statement's text has placeholders and no values, so no secret reaches the log.
  DieLoudly("state", absl::StrCat("the state database failed: ", sqlite3_errmsg(db_), " (code ",
                                  sqlite3_extended_errcode(db_), ") in: ", what));
}

Query::~Query() {
  // Ends the read and its snapshot; the bindings are copies of maybe large values.
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Query::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) db_.Fail(sqlite3_sql(statement_));
  return false;
}

int64_t Query::Int(int column) const { return sqlite3_column_int64(statement_, column); }

int Query::Columns() const { return sqlite3_column_count(statement_); }

absl::string_view Query::View(int column) const {
  // The bytes first, then their number, as SQLite asks for; a text stays as it is, since blob wants
  // no conversion.
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

bool Query::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Query::BindInt(int at, int64_t value) {
  if (sqlite3_bind_int64(statement_, at, value) != SQLITE_OK) db_.Fail(sqlite3_sql(statement_));
}

void Query::BindText(int at, absl::string_view value) {
  // A null pointer would bind NULL; bound values outlive the statement's use only if copied.
  const char* bytes = value.data() == nullptr ? "" : value.data();
  if (sqlite3_bind_text64(statement_, at, bytes, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
      SQLITE_OK) {
    db_.Fail(sqlite3_sql(statement_));
  }
}

void Query::BindBlob(int at, Blob value) {
  const char* bytes = value.bytes.data() == nullptr ? "" : value.bytes.data();
  if (sqlite3_bind_blob64(statement_, at, bytes, value.bytes.size(), SQLITE_TRANSIENT) !=
      SQLITE_OK) {
    db_.Fail(sqlite3_sql(statement_));
  }
}

}  // namespace muster::server
