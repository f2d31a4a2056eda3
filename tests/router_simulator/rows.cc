#include "tests/router_simulator/rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster::simulator {
namespace {

bool SelectOne(Evaluator& evaluator, const Node& node, const Value& value,
               std::vector<int64_t>* ids) {
  const MenuSpec& menu = *node.menu;
  Table& table = evaluator.router().Rows(menu);
  if (value.Is(ValueType::kId)) {
    if (table.Find(value.number()) == nullptr) return evaluator.Fail(node, "no such item (4)");
    ids->push_back(value.number());
    return true;
  }
  const std::string text = ToText(value);
  if (const std::optional<int64_t> id = ParseId(text)) {
    return SelectOne(evaluator, node, Value::Id(*id), ids);
  }
  const PropertySpec* key = menu.Key();
  if (key != nullptr && !text.empty()) {
    for (const Row& row : table.rows) {
      if (ToText(evaluator.router().Read(menu, row, *key)) == text) {
        ids->push_back(row.id);
        return true;
      }
    }
  }
  // Item numbers exist only after a print in the same session, which a script doesn't have.
  return evaluator.Fail(node, "no such item (4)");
}

bool Invalid(Evaluator& evaluator, const Node& node, const PropertySpec& property) {
  return evaluator.Fail(node, absl::StrCat("invalid value for argument ", property.name));
}

bool CoerceNetwork(const std::string& text) {
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    if (!part.empty() && part[0] == '!') part.remove_prefix(1);
    const std::vector<absl::string_view> ends = absl::StrSplit(part, absl::MaxSplits('-', 1));
    for (const absl::string_view end : ends) {
      const bool ip6 = LooksLikeIp6(end.substr(0, end.find('/')));
      if (!ParseIp(end) && !ParseIpPrefix(end) && !ip6) return false;
    }
  }
  return true;
}

// The name that an interface's name, id, or a list with one of them means; empty where there is
// no such interface.
std::string InterfaceName(Router& router, const Value& value) {
  if (value.Is(ValueType::kArray)) {
    return value.array().list.size() == 1 ? InterfaceName(router, value.array().list[0]) : "";
  }
  const std::string text = ToText(value);
  const std::optional<int64_t> id = ParseId(text);
  for (const Row& row : router.Rows(*router.tree().Menu("/interface")).rows) {
    if (row.Text("name") == text || (id && row.id == *id)) return row.Text("name");
  }
  return "";
}

std::string PolicyList(const Value& value) {
  if (!value.Is(ValueType::kArray)) return ToText(value);
  std::string text;
  for (const Value& element : value.array().list) {
    absl::StrAppend(&text, text.empty() ? "" : ",", ToText(element));
  }
  return text;
}

}  // namespace

std::string ShownText(const Value& value) {
  if (value.Is(ValueType::kBool)) return value.AsBool() ? "yes" : "no";
  if (!value.Is(ValueType::kArray)) return ToText(value);
  std::string text;
  for (const Value& element : value.array().list) {
    absl::StrAppend(&text, text.empty() ? "" : ",", ShownText(element));
  }
  return text;
}

std::string RowName(const MenuSpec& menu, const Row& row) {
  const PropertySpec* key = menu.Key();
  return key != nullptr ? row.Text(key->name) : ToText(Value::Id(row.id));
}

bool SelectRows(Evaluator& evaluator, const Node& node, const Value& numbers,
                std::vector<int64_t>* ids) {
  if (numbers.Is(ValueType::kArray)) {
    for (const Value& one : numbers.array().list) {
      if (!SelectOne(evaluator, node, one, ids)) return false;
    }
    return true;
  }
  // `remove [find …]` of nothing is silent; `remove $unset` is too.
  if (numbers.IsEmpty() || (numbers.IsText() && numbers.text().empty())) return true;
  if (numbers.IsText() && numbers.text().find(',') != std::string::npos &&
      node.menu->Key() != nullptr) {
    for (const absl::string_view part : absl::StrSplit(numbers.text(), ',')) {
      if (!SelectOne(evaluator, node, Value::String(std::string(part)), ids)) return false;
    }
    return true;
  }
  return SelectOne(evaluator, node, numbers, ids);
}

bool Coerce(Evaluator& evaluator, const Node& node, const PropertySpec& property,
            const Value& value, Value* kept) {
  const Value word = value.IsText() ? FromWord(value.text()) : value;
  const std::string text = ShownText(value);
  switch (property.type) {
    case PropertyType::kNumber:
      *kept = word;
      return word.Is(ValueType::kNumber) || Invalid(evaluator, node, property);
    case PropertyType::kBool:
      *kept = word;
      return word.Is(ValueType::kBool) || Invalid(evaluator, node, property);
    case PropertyType::kTime:
      *kept = word.Is(ValueType::kNumber) ? Value::Time(word.number() * 1'000'000'000) : word;
      if (text == "none") *kept = Value::Time(0);
      return kept->Is(ValueType::kTime) || Invalid(evaluator, node, property);
    case PropertyType::kIp:
      *kept = word;
      return word.Is(ValueType::kIp) || word.Is(ValueType::kIp6) ||
             Invalid(evaluator, node, property);
    case PropertyType::kAddress:
      *kept = word.Is(ValueType::kIp) ? Value::IpPrefix(static_cast<uint32_t>(word.number()), 32)
                                      : word;
      return kept->Is(ValueType::kIpPrefix) || Invalid(evaluator, node, property);
    case PropertyType::kNetwork:
      *kept = Value::String(text);
      return CoerceNetwork(text) || Invalid(evaluator, node, property);
    case PropertyType::kInterface:
      *kept = Value::String(InterfaceName(evaluator.router(), value));
      return !kept->text().empty() ||
             evaluator.Fail(node,
                            absl::StrCat("input does not match any value of ", property.name));
    case PropertyType::kPolicy: {
      const std::optional<uint32_t> mask = ParsePolicies(PolicyList(value));
      if (!mask) return Invalid(evaluator, node, property);
      if ((*mask & ~evaluator.policy()) != 0 && node.menu->path != "/user/group") {
        return evaluator.Fail(node, "not enough permissions (9)");
      }
      *kept = Value::String(PolicyText(*mask));
      return true;
    }
    default:
      *kept = Value::String(text);
      return true;
  }
}

RowReader ReaderOf(Router& router, const MenuSpec& menu, const Row& row) {
  return [&router, &menu, &row](const std::string& name, Value* value) {
    if (name == ".id") {
      *value = Value::Id(row.id);
      return true;
    }
    const PropertySpec* property = menu.Property(name);
    if (property == nullptr) return menu.more_properties;
    *value = router.Read(menu, row, *property);
    return true;
  };
}

bool FilteredRows(Evaluator& evaluator, const Node& node, std::vector<int64_t>* ids) {
  // The where may run commands that change the table: look at a copy.
  const Table table = evaluator.router().Rows(*node.menu);
  for (const Row& row : table.rows) {
    bool matches = false;
    if (!evaluator.Matches(node, ReaderOf(evaluator.router(), *node.menu, row), &matches)) {
      return false;
    }
    if (matches) ids->push_back(row.id);
  }
  return true;
}

Value RowAsMap(Evaluator& evaluator, const MenuSpec& menu, const Row& row) {
  Array map;
  if (menu.kind == MenuKind::kTable) map.named[".id"] = Value::Id(row.id);
  for (const PropertySpec& property : menu.properties) {
    const bool secret = property.hidden && (evaluator.policy() & kPolicySensitive) == 0 &&
                        evaluator.quirks().hidden_needs_sensitive;
    if (secret) continue;
    Value value = evaluator.router().Read(menu, row, property);
    if (!value.IsEmpty()) map.named[property.name] = std::move(value);
  }
  return Value::FromArray(std::move(map));
}

}  // namespace muster::simulator
