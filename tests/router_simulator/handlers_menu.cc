// add, set, remove, find, get, enable, disable, comment, move, unset: the same for all menus.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/rows.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

bool Taken(Router& router, const MenuSpec& menu, const PropertySpec& key, const Value& value,
           int64_t except) {
  for (const Row& row : router.Rows(menu).rows) {
    if (row.id != except && ToText(router.Read(menu, row, key)) == ToText(value)) return true;
  }
  return false;
}

// Sets the row's properties from the arguments that are properties.
bool ApplyArguments(Evaluator& evaluator, const Node& node, const Arguments& arguments, Row* row) {
  const MenuSpec& menu = *node.menu;
  const bool no_space = menu.path == "/file" && evaluator.router().faults().flash_full;
  if (no_space && arguments.Has("contents")) {
    return evaluator.Fail(node, "failure: no space left on the disk");
  }
  for (const Arguments::One& argument : arguments.all) {
    const PropertySpec* property = menu.Property(argument.name);
    if (property == nullptr || property->read_only) continue;
    if (argument.unset) {
      row->values.erase(property->name);
      continue;
    }
    Value kept;
    if (!Coerce(evaluator, node, *property, argument.value, &kept)) return false;
    if (property->unique && Taken(evaluator.router(), menu, *property, kept, row->id)) {
      return evaluator.Fail(node, absl::StrCat("failure: already have such ", property->name));
    }
    row->values[property->name] = std::move(kept);
  }
  return true;
}

// What RouterOS fills in by itself.
bool Complete(Evaluator& evaluator, const Node& node, Row* row) {
  Router& router = evaluator.router();
  const MenuSpec& menu = *node.menu;
  if (menu.path == "/ip/address") {
    const Value address = row->Get("address");
    const int length = address.prefix_length();
    const uint32_t mask = length == 0 ? 0 : ~uint32_t{0} << (32 - length);
    if (row->Get("network").IsEmpty()) {
      row->values["network"] = Value::Ip(static_cast<uint32_t>(address.number()) & mask);
    }
    row->values["actual-interface"] = row->Get("interface");
    for (const Row& other : router.Rows(menu).rows) {
      if (other.id != row->id && SameValue(other.Get("address"), address) &&
          other.Text("interface") == row->Text("interface")) {
        return evaluator.Fail(node, "failure: already have such address");
      }
    }
  }
  if (menu.path == "/ip/firewall/address-list") {
    for (const Row& other : router.Rows(menu).rows) {
      if (other.id != row->id && other.Text("list") == row->Text("list") &&
          other.Text("address") == row->Text("address")) {
        return evaluator.Fail(node, "failure: already have such entry");
      }
    }
  }
  if (menu.path == "/system/script" || menu.path == "/system/scheduler") {
    if (row->Get("owner").IsEmpty()) row->values["owner"] = Value::String("admin");
    if (row->Get("policy").IsEmpty()) {
      row->values["policy"] = Value::String(PolicyText(evaluator.policy()));
    }
  }
  if (menu.path == "/interface/wireguard" && row->Get("public-key").IsEmpty()) {
    row->values["public-key"] = Value::String(
        absl::StrCat("simulated", router.random()() % 1'000'000'000, "AAAAAAAAAAAAAAAAAAAAAAA="));
  }
  return true;
}

std::string UnusedName(Router& router, const MenuSpec& menu, const PropertySpec& key) {
  const size_t slash = menu.path.rfind('/');
  for (int i = 1;; ++i) {
    std::string name = absl::StrCat(menu.path.substr(slash + 1), i);
    if (!Taken(router, menu, key, Value::String(name), 0)) return name;
  }
}

bool RunAdd(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  Router& router = evaluator.router();
  const MenuSpec& menu = *node.menu;
  Row row;
  if (arguments.Has("copy-from")) {
    std::vector<int64_t> ids;
    if (!SelectRows(evaluator, node, arguments.Get("copy-from"), &ids)) return false;
    if (ids.size() != 1) return evaluator.Fail(node, "no such item (4)");
    row.values = router.Rows(menu).Find(ids[0])->values;
  }
  if (!ApplyArguments(evaluator, node, arguments, &row)) return false;
  for (const PropertySpec& property : menu.properties) {
    if (property.required && row.Get(property.name).IsEmpty()) {
      return evaluator.Fail(node, absl::StrCat("missing value(s) of argument(s) ", property.name));
    }
    if (property.unique && !property.read_only && row.Get(property.name).IsEmpty()) {
      row.values[property.name] = Value::String(UnusedName(router, menu, property));
    }
  }
  std::vector<int64_t> before;
  if (arguments.Has("place-before")) {
    const Value place = arguments.Get("place-before");
    if (!SelectRows(evaluator, node, place, &before)) return false;
    if (before.size() != 1) return evaluator.Fail(node, "no such item (4)");
  }
  if (!Complete(evaluator, node, &row)) return false;
  Table& table = router.Rows(menu);
  row.id = table.next_id++;
  auto at = table.rows.end();
  if (!before.empty()) {
    at = std::find_if(table.rows.begin(), table.rows.end(),
                      [&](const Row& other) { return other.id == before[0]; });
  }
  table.rows.insert(at, row);
  router.ConfigChanged(EventKind::kRowAdded, menu, row);
  *result = Value::Id(row.id);
  return true;
}

bool SetOn(Evaluator& evaluator, const Node& node, const Arguments& arguments, int64_t id) {
  Router& router = evaluator.router();
  const MenuSpec& menu = *node.menu;
  Row* row = router.Rows(menu).Find(id);
  if (row == nullptr) return evaluator.Fail(node, "no such item (4)");
  Row changed = *row;
  if (!ApplyArguments(evaluator, node, arguments, &changed)) return false;
  if (menu.path == "/ip/address" && arguments.Has("address") && !arguments.Has("network")) {
    changed.values.erase("network");
  }
  if (!Complete(evaluator, node, &changed)) return false;
  row = router.Rows(menu).Find(id);
  if (row == nullptr) return evaluator.Fail(node, "no such item (4)");
  *row = changed;
  router.ConfigChanged(EventKind::kRowChanged, menu, changed);
  return true;
}

bool RunSetCommand(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  Router& router = evaluator.router();
  const MenuSpec& menu = *node.menu;
  if (menu.path == "/system/script/environment" || menu.path == "/log") {
    return evaluator.Fail(node, "the simulator can't set rows of this menu");
  }
  if (menu.kind == MenuKind::kSettings) {
    Row& row = router.config().Settings(menu.path);
    return SetOn(evaluator, node, arguments, row.id);
  }
  if (!arguments.Has("numbers")) {
    return evaluator.Fail(node, "missing value(s) of argument(s) numbers");
  }
  std::vector<int64_t> ids;
  if (!SelectRows(evaluator, node, arguments.Get("numbers"), &ids)) return false;
  for (const int64_t id : ids) {
    if (!SetOn(evaluator, node, arguments, id)) return false;
  }
  return true;
}

// The rows that `numbers` means; no argument at all is an error.
bool Numbers(Evaluator& evaluator, const Node& node, Arguments* arguments,
             std::vector<int64_t>* ids) {
  if (!evaluator.EvaluateArguments(node, arguments)) return false;
  if (!arguments->Has("numbers")) {
    return evaluator.Fail(node, "missing value(s) of argument(s) numbers");
  }
  return SelectRows(evaluator, node, arguments->Get("numbers"), ids);
}

bool RunRemove(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  std::vector<int64_t> ids;
  if (!Numbers(evaluator, node, &arguments, &ids)) return false;
  Router& router = evaluator.router();
  const MenuSpec& menu = *node.menu;
  // From the end: the rows of globals are counted anew each time.
  if (menu.path == "/system/script/environment") std::sort(ids.rbegin(), ids.rend());
  for (const int64_t id : ids) {
    if (menu.path == "/system/script/job") {
      router.KillTask(id);
      if (evaluator.task().killed()) return evaluator.Leave(UnwindKind::kKilled, Value());
      continue;
    }
    Table& table = router.Rows(menu);
    const Row* row = table.Find(id);
    if (row == nullptr) return evaluator.Fail(node, "no such item (4)");
    if (menu.path == "/system/script/environment") {
      router.globals().erase(row->Text("name"));
      continue;
    }
    const Value dynamic = row->Get("dynamic");
    const Value fixed = row->Get("default");
    if ((dynamic.Is(ValueType::kBool) && dynamic.AsBool()) ||
        (fixed.Is(ValueType::kBool) && fixed.AsBool())) {
      return evaluator.Fail(node, "failure: cannot remove dynamic or default entry");
    }
    const Row removed = *row;
    table.Remove(id);
    router.ConfigChanged(EventKind::kRowRemoved, menu, removed);
  }
  return true;
}

template <bool kDisabled>
bool RunSwitch(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  std::vector<int64_t> ids;
  if (!Numbers(evaluator, node, &arguments, &ids)) return false;
  for (const int64_t id : ids) {
    Row* row = evaluator.router().Rows(*node.menu).Find(id);
    if (row == nullptr) return evaluator.Fail(node, "no such item (4)");
    row->values["disabled"] = Value::Bool(kDisabled);
    const Row copy = *row;
    evaluator.router().ConfigChanged(EventKind::kRowChanged, *node.menu, copy);
  }
  return true;
}

bool RunComment(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  std::vector<int64_t> ids;
  if (!Numbers(evaluator, node, &arguments, &ids)) return false;
  for (const int64_t id : ids) {
    if (!SetOn(evaluator, node, arguments, id)) return false;
  }
  return true;
}

bool RunUnset(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  std::vector<int64_t> ids;
  if (!Numbers(evaluator, node, &arguments, &ids)) return false;
  for (const int64_t id : ids) {
    Row* row = evaluator.router().Rows(*node.menu).Find(id);
    if (row == nullptr) return evaluator.Fail(node, "no such item (4)");
    row->values.erase(arguments.Text("value-name"));
    const Row copy = *row;
    evaluator.router().ConfigChanged(EventKind::kRowChanged, *node.menu, copy);
  }
  return true;
}

bool RunMove(Evaluator& evaluator, const Node& node, Value*) {
  Arguments arguments;
  std::vector<int64_t> ids;
  if (!Numbers(evaluator, node, &arguments, &ids)) return false;
  std::vector<int64_t> destination;
  if (!SelectRows(evaluator, node, arguments.Get("destination"), &destination)) return false;
  Table& table = evaluator.router().Rows(*node.menu);
  const auto with_id = [&](int64_t id) {
    return std::find_if(table.rows.begin(), table.rows.end(),
                        [id](const Row& row) { return row.id == id; });
  };
  for (const int64_t id : ids) {
    if (!destination.empty() && destination[0] == id) continue;
    const Row row = *with_id(id);
    table.rows.erase(with_id(id));
    const auto at = destination.empty() ? table.rows.end() : with_id(destination[0]);
    table.rows.insert(at, row);
    evaluator.router().ConfigChanged(EventKind::kRowChanged, *node.menu, row);
  }
  return true;
}

bool RunFindRows(Evaluator& evaluator, const Node& node, Value* result) {
  std::vector<int64_t> ids;
  if (!FilteredRows(evaluator, node, &ids)) return false;
  std::vector<Value> list;
  for (const int64_t id : ids) list.push_back(Value::Id(id));
  *result = Value::List(std::move(list));
  return true;
}

bool ReadProperty(Evaluator& evaluator, const Node& node, const Row& row, const std::string& name,
                  Value* result) {
  if (name == ".id") {
    *result = Value::Id(row.id);
    return true;
  }
  const PropertySpec* property = node.menu->Property(name);
  // A read-only one, for all that a dump says.
  if (property == nullptr && node.menu->more_properties) return true;
  if (property == nullptr) {
    return evaluator.Fail(node, absl::StrCat("input does not match any value of value-name"));
  }
  const bool secret = property->hidden && (evaluator.policy() & kPolicySensitive) == 0 &&
                      evaluator.quirks().hidden_needs_sensitive;
  *result = secret ? Value::String("") : evaluator.router().Read(*node.menu, row, *property);
  // A text property that was never set reads as empty text.
  return true;
}

bool RunGet(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  Router& router = evaluator.router();
  const MenuSpec& menu = *node.menu;
  int64_t id = 0;
  if (menu.kind == MenuKind::kSettings) {
    id = router.config().Settings(menu.path).id;
  } else {
    std::vector<int64_t> ids;
    if (!SelectRows(evaluator, node, arguments.Get("number"), &ids)) return false;
    if (ids.empty()) return evaluator.Fail(node, "no such item (4)");
    if (ids.size() > 1) return evaluator.Fail(node, "invalid internal item number");
    id = ids[0];
  }
  const Row row = *router.Rows(menu).Find(id);
  if (!arguments.Has("value-name")) {
    *result = RowAsMap(evaluator, menu, row);
    return true;
  }
  return ReadProperty(evaluator, node, row, arguments.Text("value-name"), result);
}

}  // namespace

void AddMenuHandlers(HandlerMap* handlers) {
  HandlerMap& map = *handlers;
  map["add"] = RunAdd;
  map["set"] = RunSetCommand;
  map["remove"] = RunRemove;
  map["enable"] = RunSwitch<false>;
  map["disable"] = RunSwitch<true>;
  map["comment"] = RunComment;
  map["unset"] = RunUnset;
  map["move"] = RunMove;
  map["find"] = RunFindRows;
  map["get"] = RunGet;
}

}  // namespace muster::simulator
