// What a call is answered with.
//
// Threads:  plain values. ReplyDone is called once, from any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace muster::edge {

struct Reply {
  int status = 200;
  // Authors of public scripts report RouterOS versions that dislike an empty body.
  // Never empty.
  std::string text;
  // A constant text, as `allow` is.
  const char* content_type = "text/plain";
  // For people and other clients: the agent has its own back-off and can't see headers.
  std::optional<int> retry_after_seconds;
  // Of 405: the method that the call has.
  const char* allow = nullptr;
};

using ReplyDone = std::function<void(Reply)>;

// RouterOS throws the body of such a reply away; `curl` and `device doctor` show it. So `text` must
// be one of a few of our own and hold nothing that a router wrote (contact_book.h).
inline Reply Refusal(int status, std::string text) {
  return Reply{.status = status, .text = std::move(text)};
}

// 503: try again later.
inline Reply Later(std::string text, int seconds) {
  return Reply{.status = 503, .text = std::move(text), .retry_after_seconds = seconds};
}

}  // namespace muster::edge
