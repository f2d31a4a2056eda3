// Reads HTTP/1.0 and 1.1 requests out of the bytes of one connection. Beast parses the
// heads; this class holds the limits, which Beast does not keep when bytes come piecewise, and
// refuses what two readers could understand in two ways.
//
// What two readers could understand in two ways is how requests are smuggled past a proxy: two
// lengths, a length beside chunks, folded lines, a bare line feed, blanks before the colon.
// Limits:   head kLongestHead bytes and kMostFields fields, body kLongestBody bytes, chunked or
//           not; a chunked body with its framing at most kLongestChunkedBody.
// Threads:  not safe; one per connection.
// Errors:   a phase kFailed with the status to answer with: 400 malformed, 411 a POST without
//           length, 413 and 431 too large, 417 unknown expectation, 501 unknown transfer coding,
//           505 unknown version. The connection is then to be closed.
// Example:  request_reader_test.cc.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "edge-proxy/http/chunked_body.h"

namespace muster::edge {

// A beat has a body of 1.1 kB; a result's body stays below 16 KiB by the agent's own rule
// (runner_text.cc).
constexpr size_t kLongestHead = 8 * 1024;
constexpr size_t kMostFields = 64;
constexpr size_t kLongestBody = 16 * 1024;
constexpr size_t kLongestChunkedBody = 4 * kLongestBody;

class RequestReader {
 public:
  enum class Phase { kHead, kBody, kDone, kFailed };

  RequestReader();
  ~RequestReader();

  // Takes bytes as they come. Stops at the end of the head, so that the caller can refuse the
  // request before its body: call ReadBody to go on.
  // Memory stays below the limits plus one piece, whatever comes. In kDone bytes are only kept.
  Phase Feed(absl::string_view bytes);

  // From kBody on: reads what has come of the body.
  Phase ReadBody();

  // To be called in kDone alone.
  // After kDone: forgets the request, keeps bytes that follow it, and looks whether they hold
  // another head.
  Phase Next();

  Phase phase() const { return phase_; }
  // For kFailed.
  int status() const { return status_; }
  // True once a byte of a request has come.
  // Tells an idle connection, which may be closed without a word, from a late request.
  bool begun() const;

  // From kBody on.
  absl::string_view method() const { return method_; }
  absl::string_view target() const { return target_; }
  absl::string_view authorization() const { return authorization_; }
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }
  // Until Next.
  // For kDone.
  absl::string_view body() const { return body_; }

  // 18.7 KiB are all that an idle connection may cost, TLS included (measured), so nothing of
  // the last request stays.
  // Gives memory back while the connection waits for the next request.
  void Shrink();

 private:
  struct HeadParser;

  // The first failure stays: nothing is read after it.
  Phase Fail(int status);
  Phase TakeHead();
  // 0, or the status to refuse the request with.
  int TakeFields(const HeadParser& head);

  Phase phase_ = Phase::kHead;
  int status_ = 0;
  // Bytes that no phase has used yet; `searched_` of them were looked at for the head's end, so
  // that a head that comes byte by byte is searched once.
  std::string pending_;
  size_t searched_ = 0;
  size_t length_ = 0;
  size_t framed_bytes_ = 0;
  std::unique_ptr<ChunkedBody> chunked_;
  std::string body_;
  std::string method_, target_, authorization_;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
};

// The same limits hold in RequestReader; here they are without state, for the fuzz target.
// 0 where the head (up to and with its empty line) is well-formed and within the limits that can be
// seen in the text alone, else the status to refuse it with.
int CheckHeadText(absl::string_view head);

}  // namespace muster::edge
