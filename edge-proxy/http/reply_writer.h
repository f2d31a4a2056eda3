// Writes HTTP/1.1 replies: always with Content-Length, never chunked, compressed or empty. RouterOS
// 7.13.0 fails without Content-Length (MikroTik's changelog of 7.13.1), and some versions dislike
// an empty body.
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

// Values must hold no line break: they are all of our own making.
// Head and body in one string. An empty body becomes the status's words.
std::string WriteReply(const ReplyHead& head, absl::string_view body);

// The words of a status that this edge answers with; those of 500 for any other.
absl::string_view ReasonOf(int status);

}  // namespace muster::edge
