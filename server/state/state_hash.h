// One number for all rows that apply has made: nodes that applied the same entries have the same.
// It is kept up with each row that is written, so that asking for it costs nothing.
//
// Shape:    for each row BLAKE2b-256 over table and values, summed in four numbers of 64 bits. The
//           sum knows no order, so it doesn't matter how a node came to its rows.
// Threads:  the connection's.
// Limits:   tables whose rows differ between nodes by right don't count: kept entries, slabs, the
//           engine's note, and how far this node is.
// Example:  state_hash_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/state/database.h"

struct sqlite3_value;

namespace muster::server {

class StateHash {
 public:
  // Of tables, columns and shape; nodes of different versions can't be compared.
  static constexpr uint32_t kVersion = 1;

  // Reads every row once (about a second for a million), and sees the changes of this connection
  // from then on. `db` must outlive it, and have one at a time.
  explicit StateHash(Database& db);
  ~StateHash();

  StateHash(const StateHash&) = delete;
  StateHash& operator=(const StateHash&) = delete;

  // 32 bytes.
  std::string Sum() const;

 private:
  using Words = std::array<uint64_t, 4>;

  // What a row that was written before a column was added has there; NULL: it has none.
  struct Defaults {
    Defaults() = default;
    ~Defaults();
    Defaults(Defaults&& other) noexcept : values(std::move(other.values)) { other.values.clear(); }
    Defaults& operator=(Defaults&&) = delete;
    std::vector<sqlite3_value*> values;
  };

  static void OnRow(void* self, sqlite3* db, int operation, const char* schema, const char* table,
                    long long old_id, long long new_id);
  void LoadTable(const std::string& table);
  void LoadDefaults(const std::string& table);
  // Fills row_ with the columns that `read` gives.
  template <typename ReadValue>
  Words HashRow(absl::string_view table, int columns, const ReadValue& read);
  void Add(const Words& words);
  void Subtract(const Words& words);

  Database& db_;
  absl::flat_hash_map<std::string, Defaults> tables_;
  // The row that is being hashed.
  std::string row_;
  Words sum_{};
};

}  // namespace muster::server
