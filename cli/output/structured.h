// JSON, YAML and CSV for programs.
//
// Threads:  pure functions.
// Errors:   Internal for a message that protobuf can't write.
// Example:  structured_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/output/table.h"
#include "google/protobuf/message.h"

namespace muster::cli {

// protobuf's JSON (lowerCamelCase names, RFC 3339 times, 64-bit numbers as text), indented, every
// control character escaped. An array where `is_list`.
absl::StatusOr<std::string> JsonText(const std::vector<const google::protobuf::Message*>& messages,
                                     bool is_list);

// One message on one line, without a line break at the end.
absl::StatusOr<std::string> JsonLine(const google::protobuf::Message& message);

// The same content as YAML 1.2: block style, text in double quotes where plain text would be read
// as something else.
std::string YamlFromJson(absl::string_view json);

// RFC 4180 with a header line, all columns, exact values. Text that a spreadsheet would take for a
// formula gets a ' in front.
std::string CsvText(const Table& table);

}  // namespace muster::cli
