// Writes HTTP/1.1 replies: always with Content-Length, never chunked, compressed or empty.
//
// Threads:  pure functions.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace muster::edge {

struct ReplyHead {
  int status = 200;
  absl::string_view content_type = "text/plain";
  std::optional<int> retry_after_seconds;
  // Of 405.
  const char* allow = nullptr;
  bool keep_alive = true;
  // The request was HEAD: the reply ends with its head.
  bool head_only = false;
};

// Head and body in one string. An empty body becomes the status's words.
std::string WriteReply(const ReplyHead& head, absl::string_view body);

absl::string_view ReasonOf(int status);

}  // namespace muster::edge
