// The tables that hold history at one moment, and the queries over all of them.
//
// A reader takes a Tables and keeps it as long as it reads: a table that is taken out of service
// meanwhile (its rows lie sealed now, or are expired) is dropped by its last reader. So no reader
// sees rows twice or not at all, nobody waits for readers, and a long export holds up nothing but
// the space of what it reads.
//
// Threads:  a Table may be shared; Retire is called by one thread while it is in service.
// Owns:     a Table keeps its Instance, and drops or detaches what it names once it is retired.
// Errors:   a drop that fails is logged, and done at the next start.
// Example:  duckdb_history_test.cc, ReadersSeeEachRowOnceWhileRangesAreSealed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/history/duckdb/connection.h"
#include "server/history/history.h"

namespace muster::server::duck {

class Table {
 public:
  // A hot one, for entries from `first_index` on.
  Table(std::shared_ptr<Instance> instance, uint64_t first_index);
  // A sealed one, whose file is attached.
  Table(std::shared_ptr<Instance> instance, const SealedRange& sealed);
  ~Table();

  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // As it is written in SQL.
  const std::string& name() const { return name_; }
  uint64_t first_index() const { return first_index_; }
  const std::optional<SealedRange>& sealed() const { return sealed_; }

  // Nobody new will read it.
  void Retire() { retired_ = true; }

 private:
  const std::shared_ptr<Instance> instance_;
  const uint64_t first_index_;
  const std::optional<SealedRange> sealed_;
  const std::string name_;
  bool retired_ = false;
};

// What a sealed file is attached as.
std::string AttachedName(uint64_t first_index);
// A hot table, without its database.
std::string HotName(uint64_t first_index);

// By index; sealed ones first, at least one hot one, the last of which takes what comes.
struct Tables {
  std::vector<std::shared_ptr<Table>> sealed;
  std::vector<std::shared_ptr<Table>> hot;
};

// "SELECT what FROM a WHERE where UNION ALL SELECT what FROM b ..." over all tables that may hold
// rows of [first_us, last_us].
std::string UnionOf(const Tables& tables, absl::string_view what, absl::string_view where,
                    int64_t first_us = INT64_MIN, int64_t last_us = INT64_MAX);

}  // namespace muster::server::duck
