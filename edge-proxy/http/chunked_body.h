// Reads a body in chunks (RFC 9112, 7.1) out of bytes that come piecewise. Beast's own reader is
// not used: in 1.81 it fails an assertion on trailers that come in pieces (found by
// http_head_fuzz). Agents post with Content-Length; proxies may not.
//
// Threads:  not safe.
// Limits:   the body's length, 16 trailers, lines of 256 bytes, sizes of 8 digits; nothing is kept
//           but the body.
// Errors:   kBroken for malformed framing, kTooLong for a body over the limit: known from a chunk's
//           size, before its bytes come.
// Example:  request_reader_test.cc.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster::edge {

class ChunkedBody {
 public:
  // From kDone on it has ended (see ended()).
  enum class State { kSize, kData, kDataEnd, kTrailers, kDone, kBroken, kTooLong };

  explicit ChunkedBody(size_t longest) : longest_(longest) {}

  // Appends what `bytes` hold of the body and answers how many of them were used; the others have
  // to be given again, with more behind them.
  size_t Feed(absl::string_view bytes, std::string& body);

  State state() const { return state_; }
  bool ended() const { return state_ >= State::kDone; }

 private:
  // Each uses bytes off the front; false: more must come first, or it has ended.
  bool TakeSize(absl::string_view& bytes, size_t body_bytes);
  bool TakeData(absl::string_view& bytes, std::string& body);
  bool TakeDataEnd(absl::string_view& bytes);
  bool TakeTrailer(absl::string_view& bytes);
  bool End(State state);

  const size_t longest_;
  State state_ = State::kSize;
  size_t left_ = 0;
  size_t trailers_ = 0;
};

}  // namespace muster::edge
