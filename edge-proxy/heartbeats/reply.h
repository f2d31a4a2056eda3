// What a call is answered with.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace muster::edge {

struct Reply {
  int status = 200;
  // Never empty.
  std::string text;
  const char* content_type = "text/plain";
  std::optional<int> retry_after_seconds;
  // Of 405: the method that the call has.
  const char* allow = nullptr;
};

using ReplyDone = std::function<void(Reply)>;

inline Reply Refusal(int status, std::string text) {
  return Reply{.status = status, .text = std::move(text)};
}

// 503: try again later.
inline Reply Later(std::string text, int seconds) {
  return Reply{.status = 503, .text = std::move(text), .retry_after_seconds = seconds};
}

}  // namespace muster::edge
