// Page sizes and page tokens of list calls.
//
// Threads:  pure functions.
// Errors:   InvalidArgument for a negative size or a token of another listing.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/access/page_tokens/page_tokens.h"

namespace muster::server {

struct Page {
  // 1 to 1,000.
  size_t size = 100;
  // Where to go on; empty: from the start.
  std::string cursor;
};

// 0 means 100, above 1,000 means 1,000.
absl::StatusOr<Page> OpenPage(const PageTokens& tokens, const PageBinding& binding,
                              int32_t page_size, absl::string_view page_token);

// Ids as cursors: 8 bytes.
std::string IdCursor(uint64_t id);
// InvalidArgument for a cursor of another kind; 0 for an empty one.
absl::StatusOr<uint64_t> IdOfCursor(absl::string_view cursor);

// A time at which something ends as what it is ordered by: what never ends (0) comes last.
int64_t EndOrNever(int64_t time_us);

}  // namespace muster::server
