// What all lists share. Tokens are sealed (page_tokens.h), so a cursor that comes back was made by
// this installation for this very list; what is checked here is only what a client can still get
// wrong.
#include "server/grpc_api/paging.h"

#include <algorithm>
#include <limits>

#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr size_t kLargestPage = 1000;

}  // namespace

absl::StatusOr<Page> OpenPage(const PageTokens& tokens, const PageBinding& binding,
                              int32_t page_size, absl::string_view page_token) {
  Page page;
  if (page_size < 0) return BadField("page_size", "must not be negative");
  // More than the largest is no error, as AIP-158 has it: the client goes on by the token.
  if (page_size > 0) page.size = std::min<size_t>(page_size, kLargestPage);
  if (page_token.empty()) return page;
  absl::StatusOr<std::string> cursor = tokens.Open(binding, page_token);
  if (!cursor.ok()) return BadPageToken();
  page.cursor = *std::move(cursor);
  return page;
}

std::string IdCursor(uint64_t id) {
  std::string cursor(8, '\0');
  // Eight bytes always, so that cursors of another kind are told apart.
  for (int i = 0; i < 8; ++i) cursor[i] = static_cast<char>(id >> (56 - 8 * i));
  return cursor;
}

absl::StatusOr<uint64_t> IdOfCursor(absl::string_view cursor) {
  if (cursor.empty()) return 0;
  // A list without order_by was given a cursor of one that has it: the binding excludes that, so
  // this is for programs of ours that get it wrong.
  if (cursor.size() != 8) return BadPageToken();
  uint64_t id = 0;
  for (const char c : cursor) id = (id << 8) | static_cast<unsigned char>(c);
  return id;
}

int64_t EndOrNever(int64_t time_us) {
  return time_us == 0 ? std::numeric_limits<int64_t>::max() : time_us;
}

}  // namespace muster::server
