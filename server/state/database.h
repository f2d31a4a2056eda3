// A small face of SQLite: prepared statements that are kept, typed values, no error that can be
// overlooked.
//
// Threads:  a Database belongs to one thread at a time.
// Errors:   Open answers a Status; afterwards any failure (disk full, failed fsync, damaged page)
//           stops the process: going on could acknowledge what is not there.
// Limits:   waits up to 10 s for a lock of another connection (SQLite's busy timeout), then stops
// too.
// Example:  Query query(db, "SELECT name FROM t WHERE id = ? ORDER BY id", id);
//           while (query.Step()) Use(query.Text(0));
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace muster::server {

// Bytes that are bound as BLOB; plain text is bound as TEXT.
struct Blob {
  absl::string_view bytes;
};

class Database {
 public:
  enum class Mode { kReadWrite, kRead };

  // Opens or (kReadWrite) makes the file. FailedPrecondition, with path and reason, where that
  // fails. Sets what concerns this connection alone; journal and sync mode are the schema's
  // (schema.h).
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);
  ~Database();

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs statements that give no rows; for schema and transactions. Not kept: parsed anew each
  // time.
  void Execute(const char* sql);

  // Runs one statement with its values. `sql` must be a literal: statements are kept by its
  // address, so text built at run time would get the statement of whatever lay at that address
  // before.
  template <typename... Values>
  void Run(const char* sql, const Values&... values);

  // Rows changed by the last Run that changed any; a SELECT leaves it alone.
  int64_t Changes() const;

  // Pages (4 KiB) in the write-ahead log after the last commit of this connection; not less after a
  // checkpoint until the next commit.
  int WalPages() const { return wal_pages_; }

  // Moves committed pages into the database file as far as readers let it (a PASSIVE checkpoint:
  // waits for nobody). What is left goes with the next one.
  void Checkpoint();

  // For what this face has not (hooks); it stays this object's.
  sqlite3* handle() const { return db_; }

 private:
  friend class Query;
  explicit Database(sqlite3* db);
  sqlite3_stmt* Prepare(const char* sql);
  [[noreturn]] void Fail(const char* what) const;

  sqlite3* db_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  int wal_pages_ = 0;
};

// A statement in use, bound to its values; ready for the next user when it is destroyed. Only one
// at a time of the same text: a second would rebind the first. A read holds its snapshot until
// then, which keeps the write-ahead log from being used again: keep it short.
class Query {
 public:
  template <typename... Values>
  Query(Database& db, const char* sql, const Values&... values)
      : db_(db), statement_(db.Prepare(sql)) {
    int at = 0;
    (Bind(++at, values), ...);
  }
  ~Query();

  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // False after the last row; stops the process on an error.
  bool Step();

  int64_t Int(int column) const;
  uint64_t Unsigned(int column) const { return static_cast<uint64_t>(Int(column)); }
  bool Bool(int column) const { return Int(column) != 0; }
  int Columns() const;
  // Bytes of a text or blob, without a copy: valid until the next Step or the end of the query.
  // Empty for NULL.
  absl::string_view View(int column) const;
  std::string Text(int column) const { return std::string(View(column)); }
  bool IsNull(int column) const;

 private:
  // Both copy: values are often temporaries, and a Query outlives the expression that made it.
  void BindInt(int at, int64_t value);
  void BindText(int at, absl::string_view value);
  void BindBlob(int at, Blob value);

  template <typename T>
  void Bind(int at, const T& value) {
    if constexpr (std::is_same_v<T, Blob>) {
      BindBlob(at, value);
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      BindInt(at, static_cast<int64_t>(value));
    } else {
      BindText(at, value);
    }
  }

  Database& db_;
  sqlite3_stmt* statement_;
};

template <typename... Values>
void Database::Run(const char* sql, const Values&... values) {
  Query query(*this, sql, values...);
  while (query.Step()) {
  }
}

// 64-bit ids as SQLite's signed numbers, so that they sort as unsigned ones do.
inline int64_t KeyOf(uint64_t id) { return static_cast<int64_t>(id ^ (uint64_t{1} << 63)); }
inline uint64_t IdOf(int64_t key) { return static_cast<uint64_t>(key) ^ (uint64_t{1} << 63); }

}  // namespace muster::server
