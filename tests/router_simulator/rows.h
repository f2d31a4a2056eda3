// What the commands of all menus share: which rows an argument means, values that a property
// takes, reading a row.
#pragma once

#include <string>
#include <vector>

#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {

// Ids that `numbers` names: ids, names, lists of them. False after raising "no such item".
bool SelectRows(Evaluator& evaluator, const Node& node, const Value& numbers,
                std::vector<int64_t>* ids);

// `value` as `property` keeps it. False after raising "invalid value for argument".
bool Coerce(Evaluator& evaluator, const Node& node, const PropertySpec& property,
            const Value& value, Value* kept);

// Reader of one row for a where.
RowReader ReaderOf(Router& router, const MenuSpec& menu, const Row& row);

// All ids of rows that pass the command's where. False after an error.
bool FilteredRows(Evaluator& evaluator, const Node& node, std::vector<int64_t>* ids);

// A row as `print as-value` and `get` without a property give it.
Value RowAsMap(Evaluator& evaluator, const MenuSpec& menu, const Row& row);

// What the row is called in events: its name, else its id.
std::string RowName(const MenuSpec& menu, const Row& row);

// yes and no for truth values; everything else as :put shows it.
std::string ShownText(const Value& value);

}  // namespace muster::simulator
