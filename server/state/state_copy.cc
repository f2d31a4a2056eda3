// Straight on SQLite, since a failure of a copy must not end anything but the copy.
#include "server/state/state_copy.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/state/schema.h"

namespace muster::server {
namespace {

// From it on a state knows of several master keys.
constexpr int kSchemaOfKeys = 4;

// Another process holds locks for moments only.
constexpr int kBusyMs = 10'000;
// Steps of SQLite's machine between two questions whether to go on; a row is some of them.
constexpr int kStepsBetweenQuestions = 1'000;

using Handle = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

absl::Status Problem(sqlite3* db, const std::string& path) {
  const std::string text = absl::StrCat(path, ": ", sqlite3_errmsg(db));
  switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(absl::StrCat(text, "; free some space and try again"));
    case SQLITE_INTERRUPT:
      return absl::CancelledError("stopped by a signal; nothing was left behind");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(text);
    default:
      return absl::FailedPreconditionError(text);
  }
}

absl::StatusOr<Handle> OpenFile(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Handle db(raw, sqlite3_close);
  if (code != SQLITE_OK) return Problem(raw, path);
  sqlite3_busy_timeout(raw, kBusyMs);
  return db;
}

absl::StatusOr<Statement> Prepare(sqlite3* db, const std::string& path, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) return Problem(db, path);
  return Statement(raw, sqlite3_finalize);
}

absl::Status Run(sqlite3* db, const std::string& path, const char* sql,
                 const std::string& value = "") {
  ASSIGN_OR_RETURN(const Statement statement, Prepare(db, path, sql));
  if (sqlite3_bind_parameter_count(statement.get()) > 0) {
    sqlite3_bind_text(statement.get(), 1, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
  }
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
  return code == SQLITE_DONE ? absl::OkStatus() : Problem(db, path);
}

std::string Bytes(sqlite3_stmt* row, int column) {
  const void* bytes = sqlite3_column_blob(row, column);
  return std::string(static_cast<const char*>(bytes),
                     static_cast<size_t>(sqlite3_column_bytes(row, column)));
}

absl::StatusOr<int> ReadSchemaVersion(sqlite3* db, const std::string& path) {
  ASSIGN_OR_RETURN(const Statement query, Prepare(db, path, "PRAGMA user_version"));
  if (sqlite3_step(query.get()) != SQLITE_ROW) return Problem(db, path);
  const int version = sqlite3_column_int(query.get(), 0);
  if (version == 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, " holds no state of Muster"));
  }
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat(path, " has schema ", version,
                                                      ", this musterd knows ", kSchemaVersion,
                                                      "; use the newer musterd that wrote it"));
  }
  return version;
}

absl::StatusOr<StateFacts> ReadFacts(sqlite3* db, const std::string& path,
                                     const std::string& proof) {
  StateFacts facts;
  ASSIGN_OR_RETURN(facts.schema_version, ReadSchemaVersion(db, path));
  ASSIGN_OR_RETURN(const Statement node,
                   Prepare(db, path,
                           "SELECT cluster_id, log_id, applied_index, state_time_us, "
                           "(SELECT count(*) FROM devices WHERE delete_us = 0) FROM node"));
  if (sqlite3_step(node.get()) != SQLITE_ROW) return Problem(db, path);
  facts.cluster_id = Bytes(node.get(), 0);
  facts.log_id = Bytes(node.get(), 1);
  facts.log_index = static_cast<uint64_t>(sqlite3_column_int64(node.get(), 2));
  facts.state_time_us = sqlite3_column_int64(node.get(), 3);
  facts.device_count = static_cast<uint64_t>(sqlite3_column_int64(node.get(), 4));
  if (facts.schema_version >= kSchemaOfKeys) {
    ASSIGN_OR_RETURN(const Statement keys, Prepare(db, path, "SELECT key_generation FROM node"));
    if (sqlite3_step(keys.get()) != SQLITE_ROW) return Problem(db, path);
    facts.key_generation = static_cast<uint32_t>(sqlite3_column_int64(keys.get(), 0));
  }
  if (facts.cluster_id.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not set up yet: its first start has not come to its end"));
  }
  ASSIGN_OR_RETURN(const Statement blob,
                   Prepare(db, path, "SELECT value FROM blobs WHERE name = ?"));
  sqlite3_bind_text(blob.get(), 1, proof.data(), static_cast<int>(proof.size()), SQLITE_STATIC);
  if (sqlite3_step(blob.get()) == SQLITE_ROW) facts.proof = Bytes(blob.get(), 0);
  return facts;
}

// In the copy, which nobody else has: no journal, no waiting for the disk. SQLite overwrites what
// it deletes with zeros (Debian builds it so), which pack to nothing.
absl::Status DropUnneededEntries(sqlite3* db, const std::string& path) {
  RETURN_IF_ERROR(Run(db, path, "PRAGMA journal_mode=OFF"));
  RETURN_IF_ERROR(Run(db, path, "PRAGMA synchronous=OFF"));
  RETURN_IF_ERROR(Run(db, path, "PRAGMA secure_delete=ON"));
  // A start replays from the slab that is furthest behind; without slabs, from the first entry.
  return Run(db, path,
             "DELETE FROM entries WHERE idx <= coalesce((SELECT min(idx) FROM slabs), 0)");
}

uint64_t SizeOf(const std::string& path) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0 ? static_cast<uint64_t>(facts.st_size) : 0;
}

int AskWhetherToEnd(void* wants_end) {
  return (*static_cast<const std::function<bool()>*>(wants_end))() ? 1 : 0;
}

}  // namespace

absl::StatusOr<StateFacts> CopyState(const std::string& from, const std::string& to,
                                     const std::string& proof,
                                     const std::function<bool()>& wants_end) {
  ASSIGN_OR_RETURN(const Handle source, OpenFile(from, SQLITE_OPEN_READONLY));
  std::function<bool()> ask = wants_end;
  sqlite3_progress_handler(source.get(), kStepsBetweenQuestions, AskWhetherToEnd, &ask);
  RETURN_IF_ERROR(ReadSchemaVersion(source.get(), from).status());
  RETURN_IF_ERROR(Run(source.get(), from, "VACUUM INTO ?", to));
  ASSIGN_OR_RETURN(const Handle copy, OpenFile(to, SQLITE_OPEN_READWRITE));
  // Of the copy: the source has gone on.
  ASSIGN_OR_RETURN(StateFacts facts, ReadFacts(copy.get(), to, proof));
  RETURN_IF_ERROR(DropUnneededEntries(copy.get(), to));
  return facts;
}

uint64_t StateBytes(const std::string& path) { return SizeOf(path) + SizeOf(path + "-wal"); }

absl::Status CheckStateFile(const std::string& path) {
  ASSIGN_OR_RETURN(const Handle db, OpenFile(path, SQLITE_OPEN_READONLY));
  RETURN_IF_ERROR(ReadSchemaVersion(db.get(), path).status());
  ASSIGN_OR_RETURN(const Statement check, Prepare(db.get(), path, "PRAGMA quick_check(1)"));
  if (sqlite3_step(check.get()) != SQLITE_ROW) return Problem(db.get(), path);
  const std::string verdict = Bytes(check.get(), 0);
  if (verdict != "ok") return absl::DataLossError(absl::StrCat(path, " is damaged: ", verdict));
  return absl::OkStatus();
}

}  // namespace muster::server
