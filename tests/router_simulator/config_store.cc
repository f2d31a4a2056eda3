#include "tests/router_simulator/config_store.h"

namespace muster::simulator {

Value Row::Get(const std::string& property) const {
  const auto found = values.find(property);
  return found == values.end() ? Value() : found->second;
}

Row* Table::Find(int64_t id) {
  for (Row& row : rows) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

Row& Table::Add() {
  rows.emplace_back();
  rows.back().id = next_id++;
  return rows.back();
}

bool Table::Remove(int64_t id) {
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    if (row->id == id) {
      rows.erase(row);
      return true;
    }
  }
  return false;
}

Table& ConfigStore::At(absl::string_view path) { return tables[std::string(path)]; }

Row& ConfigStore::Settings(absl::string_view path) {
  Table& table = At(path);
  return table.rows.empty() ? table.Add() : table.rows[0];
}

}  // namespace muster::simulator
