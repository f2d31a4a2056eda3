// SQLite tells of each row before it changes (the preupdate hook), with the values before and after
// it; https://www.sqlite.org/c3ref/preupdate_blobwrite.html. Rows that REPLACE removes are told
// too, and while the hook is set a DELETE without WHERE goes row by row.
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include "server/state/state_hash.h"

#include <sqlite3.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"

namespace muster::server {
namespace {

constexpr const char* kNotCounted[] = {"node", "entries", "slabs", "engine_note"};

// Also in sqlite_master's own words, should it ever be told of.
bool Counts(absl::string_view table) {
  if (table.substr(0, 7) == "sqlite_") return false;
  for (const char* other : kNotCounted) {
    if (table == other) return false;
  }
  return true;
}

void AppendNumber(std::string& out, uint64_t number) {
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out.append(bytes, sizeof(bytes));
}

// Type and length first: no two rows have the same bytes.
void AppendValue(std::string& out, sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  out.push_back(static_cast<char>(type));
  if (type == SQLITE_INTEGER) {
    AppendNumber(out, static_cast<uint64_t>(sqlite3_value_int64(value)));
  } else if (type != SQLITE_NULL) {
    const void* bytes = sqlite3_value_blob(value);
    const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
    AppendNumber(out, size);
    if (size > 0) out.append(static_cast<const char*>(bytes), size);
  }
}

// Statements of the start: run once, and kept by nobody.
class Statement {
 public:
  Statement(sqlite3* db, const std::string& sql) {
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) {
      DieLoudly("state", absl::StrCat("the state can't be hashed: ", sqlite3_errmsg(db)));
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  bool Step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    DieLoudly("state", absl::StrCat("the state can't be hashed: ", sqlite3_errstr(code)));
  }
  int Columns() const { return sqlite3_column_count(statement_); }
  sqlite3_value* Value(int column) const { return sqlite3_column_value(statement_, column); }
  std::string Text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return text == nullptr ? "" : text;
  }
  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

StateHash::Defaults::~Defaults() {
  for (sqlite3_value* value : values) sqlite3_value_free(value);
}

StateHash::StateHash(Database& db) : db_(db) {
  std::vector<std::string> tables;
  {
    Statement list(db_.handle(), "SELECT name FROM sqlite_master WHERE type = 'table'");
    while (list.Step()) tables.push_back(list.Text(0));
  }
  for (const std::string& table : tables) {
    if (!Counts(table)) continue;
    LoadDefaults(table);
    LoadTable(table);
  }
  sqlite3_preupdate_hook(db_.handle(), OnRow, this);
}

StateHash::~StateHash() { sqlite3_preupdate_hook(db_.handle(), nullptr, nullptr); }

std::string StateHash::Sum() const {
  std::string out;
  for (const uint64_t word : sum_) AppendNumber(out, word);
  return out;
}

// SQLite gives NULL for a column that was added after the row had been written, where a SELECT
// gives the column's default (before 3.44).
void StateHash::LoadDefaults(const std::string& table) {
  Defaults& defaults = tables_[table];
  Statement columns(db_.handle(), absl::StrCat("PRAGMA table_info(", table, ")"));
  constexpr int kNotNull = 3;
  constexpr int kDefault = 4;
  while (columns.Step()) {
    sqlite3_value* value = nullptr;
    if (columns.Text(kNotNull) == "1" && !columns.IsNull(kDefault)) {
      Statement one(db_.handle(), absl::StrCat("SELECT ", columns.Text(kDefault)));
      if (one.Step()) value = sqlite3_value_dup(one.Value(0));
    }
    defaults.values.push_back(value);
  }
}

void StateHash::LoadTable(const std::string& table) {
  Statement rows(db_.handle(), absl::StrCat("SELECT * FROM ", table));
  while (rows.Step()) {
    Add(HashRow(table, rows.Columns(), [&rows](int column) { return rows.Value(column); }));
  }
}

template <typename ReadValue>
StateHash::Words StateHash::HashRow(absl::string_view table, int columns, const ReadValue& read) {
  row_.assign(table.data(), table.size());
  row_.push_back('\0');
  for (int column = 0; column < columns; ++column) AppendValue(row_, read(column));
  Words words;
  std::memcpy(words.data(), Hash256(row_).data(), sizeof(words));
  return words;
}

void StateHash::Add(const Words& words) {
  for (size_t i = 0; i < words.size(); ++i) sum_[i] += words[i];
}

void StateHash::Subtract(const Words& words) {
  for (size_t i = 0; i < words.size(); ++i) sum_[i] -= words[i];
}

void StateHash::OnRow(void* self, sqlite3* db, int operation, const char*, const char* table,
                      long long, long long) {
  StateHash& hash = *static_cast<StateHash*>(self);
  const auto known = hash.tables_.find(absl::string_view(table));
  if (known == hash.tables_.end()) return;
  const std::vector<sqlite3_value*>& defaults = known->second.values;
  const int columns = sqlite3_preupdate_count(db);
  sqlite3_value* value = nullptr;
  if (operation != SQLITE_INSERT) {
    hash.Subtract(hash.HashRow(table, columns, [&](int column) {
      if (sqlite3_preupdate_old(db, column, &value) != SQLITE_OK) {
        DieLoudly("state", absl::StrCat("a row of ", table, " can't be hashed"));
      }
      sqlite3_value* otherwise = defaults[static_cast<size_t>(column)];
      const bool missing = sqlite3_value_type(value) == SQLITE_NULL && otherwise != nullptr;
      return missing ? otherwise : value;
    }));
  }
  if (operation != SQLITE_DELETE) {
    hash.Add(hash.HashRow(table, columns, [&](int column) {
      if (sqlite3_preupdate_new(db, column, &value) != SQLITE_OK) {
        DieLoudly("state", absl::StrCat("a row of ", table, " can't be hashed"));
      }
      return value;
    }));
  }
}

}  // namespace muster::server
