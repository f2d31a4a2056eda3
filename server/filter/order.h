// The order of a list: what a client asks for, and texts that sort so.
//
// An order is a list of fields as AIP-132 has it: "site, last_check_in_time desc". A sort key is a
// text whose bytewise order is that order: one piece a field, then the id, so that no two rows have
// the same. Page tokens hold the last row's key.
//
// Threads:  values and pure functions.
// Errors:   InvalidArgument from Parse; the message lists the fields that there are.
// Example:  order_test.cc.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

class Order {
 public:
  struct Part {
    std::string field;
    bool descending = false;
  };

  // Reads at most three fields out of `fields`, each once.
  static absl::StatusOr<Order> Parse(absl::string_view text,
                                     const std::vector<absl::string_view>& fields);

  Order() = default;
  // An empty order means by id.
  bool empty() const { return parts_.empty(); }
  const std::vector<Part>& parts() const { return parts_; }

 private:
  std::vector<Part> parts_;
};

// Makes a sort key; the pieces in the order of Order::parts().
class SortKey {
 public:
  // Compared bytewise by its first 64 bytes, which bounds the key; longer texts that begin alike
  // are ordered by id.
  void AddText(absl::string_view text, bool descending);
  // Compared as signed numbers.
  void AddNumber(int64_t number, bool descending);
  // "7.15.3 (stable)", compared as filters do; what is no version comes first.
  void AddVersion(absl::string_view version, bool descending);
  // The last piece, always ascending.
  std::string Finish(uint64_t id) &&;
  std::string Finish(absl::string_view id) &&;

 private:
  void AddPiece(std::string piece, bool descending);

  std::string key_;
};

// Keeps the first rows after a key out of all that are offered, whatever their order.
// Holds limit + 1 of them at a time, so that a page over a million rows costs a page of memory.
template <typename Row>
class FirstRows {
 public:
  FirstRows(std::string after, size_t limit) : after_(std::move(after)), limit_(limit) {}

  // The keys of two rows must differ, which the id at their end sees to.
  void Offer(std::string key, const Row& row) {
    if (key <= after_) return;
    if (rows_.size() > limit_) {
      if (key > rows_.rbegin()->first) return;
      rows_.erase(std::prev(rows_.end()));
    }
    rows_.emplace(std::move(key), row);
  }

  // At most `limit` rows; `next` gets the key of the last of them where more follow, else "".
  std::vector<Row> Take(std::string* next) && {
    std::vector<Row> rows;
    next->clear();
    const bool more = rows_.size() > limit_;
    for (auto& [key, row] : rows_) {
      if (rows.size() == limit_) break;
      rows.push_back(std::move(row));
      if (more) *next = key;
    }
    return rows;
  }

 private:
  const std::string after_;
  const size_t limit_;
  std::map<std::string, Row> rows_;
};

}  // namespace muster::server
