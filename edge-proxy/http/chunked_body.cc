// Chunked bodies. Strict where a proxy before the edge might read differently (RFC 9112, 7.1.1):
// digits only, nothing but an extension behind them, CRLF everywhere.
#include "edge-proxy/http/chunked_body.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace muster::edge {
namespace {

constexpr size_t kLongestLine = 256;
constexpr size_t kMostTrailers = 16;
// 4 GiB: far above every limit, far below an overflow.
constexpr size_t kMostDigits = 8;

// A bare line feed is no end, so such a line only grows until it is too long.
// The line at the front without its end; nullopt while it has no end.
std::optional<absl::string_view> LineOf(absl::string_view bytes) {
  const size_t end = bytes.find("\r\n");
  if (end == absl::string_view::npos) return std::nullopt;
  return bytes.substr(0, end);
}

bool HasControls(absl::string_view line) {
  return std::any_of(line.begin(), line.end(),
                     [](char c) { return absl::ascii_iscntrl(c) && c != '\t'; });
}

}  // namespace

bool ChunkedBody::End(State state) {
  state_ = state;
  return false;
}

bool ChunkedBody::TakeSize(absl::string_view& bytes, size_t body_bytes) {
  const std::optional<absl::string_view> line = LineOf(bytes.substr(0, kLongestLine));
  // Not yet whole, unless it is already longer than any line may be.
  if (!line.has_value()) return bytes.size() < kLongestLine ? false : End(State::kBroken);
  const size_t digits = std::min(line->find_first_not_of("0123456789abcdefABCDEF"), line->size());
  const absl::string_view extension = line->substr(digits);
  uint64_t size = 0;
  if (digits == 0 || digits > kMostDigits || HasControls(extension) ||
      (!extension.empty() && absl::StripLeadingAsciiWhitespace(extension).substr(0, 1) != ";") ||
      !absl::SimpleHexAtoi(line->substr(0, digits), &size)) {
    return End(State::kBroken);
  }
  // Before a byte of the chunk is read.
  if (body_bytes + size > longest_) return End(State::kTooLong);
  bytes.remove_prefix(line->size() + 2);
  // A chunk of length 0 is the last one.
  left_ = size;
  state_ = size == 0 ? State::kTrailers : State::kData;
  return true;
}

bool ChunkedBody::TakeData(absl::string_view& bytes, std::string& body) {
  const size_t size = std::min(left_, bytes.size());
  body.append(bytes.data(), size);
  bytes.remove_prefix(size);
  left_ -= size;
  if (left_ > 0) return false;
  state_ = State::kDataEnd;
  return true;
}

bool ChunkedBody::TakeDataEnd(absl::string_view& bytes) {
  // Exactly CRLF: anything else would be data that the size didn't count.
  if (bytes.size() < 2) return false;
  if (!absl::ConsumePrefix(&bytes, "\r\n")) return End(State::kBroken);
  state_ = State::kSize;
  return true;
}

// Trailers mean nothing here.
bool ChunkedBody::TakeTrailer(absl::string_view& bytes) {
  const std::optional<absl::string_view> line = LineOf(bytes.substr(0, kLongestLine));
  if (!line.has_value()) return bytes.size() < kLongestLine ? false : End(State::kBroken);
  bytes.remove_prefix(line->size() + 2);
  // The empty line ends the trailers and the body.
  if (line->empty()) return End(State::kDone);
  if (HasControls(*line) || ++trailers_ > kMostTrailers) return End(State::kBroken);
  return true;
}

size_t ChunkedBody::Feed(absl::string_view bytes, std::string& body) {
  const size_t before = bytes.size();
  // Each step uses bytes or ends the loop, so it can't spin.
  bool more = true;
  while (more) {
    switch (state_) {
      case State::kSize:
        more = TakeSize(bytes, body.size());
        break;
      case State::kData:
        more = TakeData(bytes, body);
        break;
      case State::kDataEnd:
        more = TakeDataEnd(bytes);
        break;
      case State::kTrailers:
        more = TakeTrailer(bytes);
        break;
      default:
        more = false;
    }
  }
  return before - bytes.size();
}

}  // namespace muster::edge
