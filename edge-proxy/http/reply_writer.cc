#include "edge-proxy/http/reply_writer.h"

#include "absl/strings/str_cat.h"

namespace muster::edge {

absl::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

std::string WriteReply(const ReplyHead& head, absl::string_view body) {
  // The length is that of the body also for HEAD, as RFC 9110, 9.3.2 has it.
  const absl::string_view text = body.empty() ? ReasonOf(head.status) : body;
  std::string out = absl::StrCat("HTTP/1.1 ", head.status, " ", ReasonOf(head.status),
                                 "\r\nContent-Type: ", head.content_type,
                                 "\r\nContent-Length: ", text.size(), "\r\n");
  if (head.retry_after_seconds.has_value()) {
    absl::StrAppend(&out, "Retry-After: ", *head.retry_after_seconds, "\r\n");
  }
  // RFC 9110 asks for it in a 401, 15.5.2.
  if (head.status == 401) absl::StrAppend(&out, "WWW-Authenticate: Bearer\r\n");
  if (head.allow != nullptr) absl::StrAppend(&out, "Allow: ", head.allow, "\r\n");
  // HTTP/1.1 keeps connections by default, so only the end is said.
  if (!head.keep_alive) absl::StrAppend(&out, "Connection: close\r\n");
  absl::StrAppend(&out, "\r\n", head.head_only ? "" : text);
  return out;
}

}  // namespace muster::edge
