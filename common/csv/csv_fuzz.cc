// Any bytes: refused, or read so that writing the fields and reading them again gives the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_replace.h"
#include "common/csv/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto rows = muster::ParseCsv({reinterpret_cast<const char*>(data), size});
  if (!rows.ok()) return 0;
  std::string again;
  for (const muster::CsvRow& row : *rows) {
    const char* separator = "";
    for (const muster::CsvField& field : row) {
      if (field.line < 1 || field.column < 1) __builtin_trap();
      again += separator;
      again += "\"" + absl::StrReplaceAll(field.text, {{"\"", "\"\""}}) + "\"";
      separator = ",";
    }
    again += "\n";
  }
  const auto second = muster::ParseCsv(again);
  if (!second.ok() || second->size() != rows->size()) __builtin_trap();
  for (size_t i = 0; i < rows->size(); ++i) {
    for (size_t j = 0; j < (*rows)[i].size(); ++j) {
      if ((*rows)[i][j].text != (*second)[i].at(j).text) __builtin_trap();
    }
  }
  return 0;
}
