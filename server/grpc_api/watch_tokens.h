// What a watch says of how far it has told its reader, so that it goes on at any node.
//
// Shape:    a page token (page_tokens.h) over log id (16), change index (8) and device (8).
// Threads:  safe to call from any thread.
// Errors:   InvalidArgument for a token that is none, or another watch's; OutOfRange for one of
//           another log (before a restore or a migration); Unavailable where this node has not
//           heard of what the reader was told.
// Example:  watch_tokens_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/command_log/log/command_log.h"
#include "server/state/records.h"

namespace muster::server {

class WatchTokens {
 public:
  // Both must outlive it.
  WatchTokens(const PageTokens& tokens, const CommandLog& log) : tokens_(tokens), log_(log) {}

  std::string Seal(const PageBinding& watch, const ChangePlace& place) const;
  // From the beginning for an empty one.
  absl::StatusOr<ChangePlace> Open(const PageBinding& watch, absl::string_view token) const;

 private:
  const PageTokens& tokens_;
  const CommandLog& log_;
};

}  // namespace muster::server
