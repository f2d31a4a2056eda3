// Placeholders in scripts: {{label.KEY}}, {{device.name}}, {{device.id}}, {{device.site}} and
// {{secret:NAME}}, and the one rule by which a value takes their place:
//
//   inside "..."       every byte but letters, digits, _ . - is written \XX
//   alone, outside     whole numbers stand as they are; anything else as "..." like that
//   part of a word     only letters, digits, _ . - may come; other values are refused
//   in a comment       like inside "..."
//
// So no value can end a string, a command or a line, wherever it is put.
//
// Threads:  pure functions.
// Errors:   InvalidArgument for a placeholder of another form ({{lable.x}}), with its line;
//           NotFound for one without a value; FailedPrecondition for a value that can't stand in a
//           word. No message holds a value.
// Example:  placeholders_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::routeros {

enum class Place { kString, kAlone, kWord, kComment };

struct Placeholder {
  // Where it stands in the script, braces included.
  size_t begin = 0;
  size_t end = 0;
  // Without braces: "label.vlan", "secret:wifi".
  std::string name;
  Place place = Place::kAlone;
};

// All of a script, in order.
absl::StatusOr<std::vector<Placeholder>> FindPlaceholders(absl::string_view script);

// "wifi" of "secret:wifi"; nullopt for another kind.
std::optional<std::string> SecretNameOf(absl::string_view name);
// "vlan" of "label.vlan"; nullopt for another kind.
std::optional<std::string> LabelKeyOf(absl::string_view name);

// True for what may stand in a word.
bool IsPlainWord(absl::string_view value);

// The text that takes the place of a placeholder.
absl::StatusOr<std::string> ValueText(Place place, absl::string_view name, absl::string_view value);

// Fills in every placeholder that `wanted` accepts; the others stay.
absl::StatusOr<std::string> FillPlaceholders(
    absl::string_view script, const std::function<bool(absl::string_view name)>& wanted,
    const std::function<std::optional<std::string>(absl::string_view name)>& value_of);

}  // namespace muster::routeros
