// Lists in the order that a request asks for, of collections that are small enough to be read
// whole for each page.
//
// An index for each order would have to be kept with every change; keys, edges and organizations
// are hundreds, and jobs and claims thousands. Devices, which may be a million, have
// DeviceDirectory's own way.
//
// Threads:  pure but for the rows that are asked for.
// Errors:   InvalidArgument for an order that can't be.
// Example:  api_key_service.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/errors/errors.h"
#include "server/filter/order.h"
#include "server/grpc_api/paging.h"

namespace muster::server {

// The request's order_by over `fields`.
inline absl::StatusOr<Order> ReadOrder(absl::string_view order_by,
                                       const std::vector<absl::string_view>& fields) {
  absl::StatusOr<Order> order = Order::Parse(order_by, fields);
  if (!order.ok()) return BadField("order_by", order.status());
  return order;
}

// A page of the rows that `read(last)` gives: those after `last`, at most 1,000, from the first
// where that is null. `add(row, part, key)` adds the piece of one field to the row's key, `id(row)`
// is what tells rows apart. `next` gets the cursor of the page after this one, empty for none.
//
// Takes memory for one page besides 1,000 rows, whatever there are in all. A row whose key changes
// between two pages may come twice or not at all; rows that stay as they are come once.
template <typename Row, typename Read, typename Add, typename Id>
std::vector<Row> OrderedPage(const Order& order, const Page& page, Read read, Add add, Id id,
                             std::string* next) {
  constexpr size_t kRowsAtOnce = 1000;
  FirstRows<Row> first(page.cursor, page.size);
  std::vector<Row> rows;
  do {
    rows = read(rows.empty() ? nullptr : &rows.back(), kRowsAtOnce);
    for (const Row& row : rows) {
      SortKey key;
      for (const Order::Part& part : order.parts()) add(row, part, key);
      first.Offer(std::move(key).Finish(id(row)), row);
    }
  } while (rows.size() == kRowsAtOnce);
  return std::move(first).Take(next);
}

}  // namespace muster::server
