// A router's configuration: rows of tables and settings, by menu path.
//
// A plain value, so that a copy is a backup, and what the flash held some seconds ago.
//
// Threads:  not safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/language.h"

namespace muster::simulator {

struct Row {
  int64_t id = 0;
  std::map<std::string, Value> values;

  // Nothing where the property isn't set.
  Value Get(const std::string& property) const;
  std::string Text(const std::string& property) const { return ToText(Get(property)); }
};

struct Table {
  std::vector<Row> rows;
  int64_t next_id = 1;

  Row* Find(int64_t id);
  Row& Add();
  bool Remove(int64_t id);
};

struct ConfigStore {
  // By path; a settings menu has one row.
  std::map<std::string, Table> tables;

  Table& At(absl::string_view path);
  // The row of a settings menu, made where it is absent.
  Row& Settings(absl::string_view path);
};

}  // namespace muster::simulator
