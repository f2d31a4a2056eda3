// Heads are checked twice: as text, for what Beast lets pass or reads leniently, and then by Beast.
// Limits are counted on the text, because Beast's own did not trigger when bytes came piecewise
// (Boost 1.81).
#include "edge-proxy/http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace muster::edge {
namespace {

namespace http = boost::beast::http;

constexpr absl::string_view kEnd = "\r\n\r\n";

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(c) ||
         absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos;
}

// "name: value" without controls; a line that begins with a space would be folding, which RFC 9112
// lets a server refuse.
bool IsFieldLine(absl::string_view line) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  if (!std::all_of(line.begin(), line.begin() + colon, IsTokenCharacter)) return false;
  return std::none_of(line.begin() + colon, line.end(),
                      [](char c) { return (absl::ascii_iscntrl(c) && c != '\t') || c == '\x7F'; });
}

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Only what is left after CheckHeadText: limits and the version.
int StatusOf(const boost::beast::error_code& error) {
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit) return 431;
  if (error == http::error::bad_version) return 505;
  return 400;
}

}  // namespace

// Beast reads the head and nothing behind it.
struct RequestReader::HeadParser {
  http::request_parser<http::empty_body> parser;
};

RequestReader::RequestReader() = default;
RequestReader::~RequestReader() = default;

int CheckHeadText(absl::string_view head) {
  size_t lines = 0;
  while (true) {
    const size_t end = head.find("\r\n");
    if (end == absl::string_view::npos) return 400;
    // The empty line must be the last and not the first; bytes behind it would be of another
    // request.
    const absl::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty()) return lines == 0 || !head.empty() ? 400 : 0;
    // 431 and not 400: the client should know that less would do.
    // Line 0 is the request line.
    if (lines > kMostFields) return 431;
    if (lines > 0 && !IsFieldLine(line)) return 400;
    if (line.find('\n') != absl::string_view::npos || line.find('\0') != absl::string_view::npos) {
      return 400;
    }
    ++lines;
  }
}

RequestReader::Phase RequestReader::Fail(int status) {
  status_ = status;
  return phase_ = Phase::kFailed;
}

bool RequestReader::begun() const { return phase_ != Phase::kHead || !pending_.empty(); }

RequestReader::Phase RequestReader::Feed(absl::string_view bytes) {
  pending_.append(bytes.data(), bytes.size());
  if (phase_ == Phase::kHead) return TakeHead();
  if (phase_ == Phase::kBody) return ReadBody();
  return phase_;
}

RequestReader::Phase RequestReader::TakeHead() {
  // A line break before the request line is to be ignored (RFC 9112, 2.2).
  // One, and only in front: more are a client that isn't speaking HTTP.
  if (searched_ == 0 && absl::StartsWith(pending_, "\r\n")) pending_.erase(0, 2);
  // The end may have begun in the bytes that were searched before.
  const size_t from = searched_ < kEnd.size() ? 0 : searched_ - kEnd.size();
  const size_t end = pending_.find(kEnd.data(), from, kEnd.size());
  const size_t size = end == std::string::npos ? pending_.size() : end + kEnd.size();
  // Also where the end was found: it may stand behind the limit, in one large read.
  if (size > kLongestHead) return Fail(431);
  if (end == std::string::npos) {
    searched_ = pending_.size();
    // Fields are counted before the head is whole, so that many short ones don't wait for 8 KiB.
    const auto lines = std::count(pending_.begin(), pending_.end(), '\n');
    return static_cast<size_t>(lines) > kMostFields + 1 ? Fail(431) : phase_;
  }
  const int refused = CheckHeadText(absl::string_view(pending_).substr(0, size));
  if (refused != 0) return Fail(refused);
  HeadParser head;
  auto& parser = head.parser;
  parser.header_limit(kLongestHead);
  parser.body_limit(kLongestBody);
  boost::beast::error_code error;
  const size_t used = parser.put(boost::asio::buffer(pending_.data(), size), error);
  // A whole head gives need_more where a body is to follow.
  if (error && error != http::error::need_more) return Fail(StatusOf(error));
  if (!parser.is_header_done()) return Fail(400);
  // What follows in the buffer is body, or the next request.
  pending_.erase(0, used);
  searched_ = 0;
  framed_bytes_ = 0;
  const int wrong = TakeFields(head);
  return wrong == 0 ? phase_ = Phase::kBody : Fail(wrong);
}

int RequestReader::TakeFields(const HeadParser& head) {
  const auto& message = head.parser.get();
  // Two of one of these is how one request is made to look like two.
  const auto once = [&message](http::field field) { return message.count(field) <= 1; };
  const bool has_length = message.count(http::field::content_length) > 0;
  const bool has_coding = message.count(http::field::transfer_encoding) > 0;
  const bool is_chunked = head.parser.chunked();
  // Fields are kept before they are judged: a refusal still answers by the method (HEAD has no
  // body).
  length_ = head.parser.content_length().value_or(0);
  if (is_chunked) chunked_ = std::make_unique<ChunkedBody>(kLongestBody);
  method_ = std::string(View(message.method_string()));
  target_ = std::string(View(message.target()));
  authorization_ = std::string(View(message[http::field::authorization]));
  keep_alive_ = message.keep_alive();
  const absl::string_view expect = View(message[http::field::expect]);
  expects_continue_ = absl::EqualsIgnoreCase(expect, "100-continue");
  // Beast takes any "HTTP/d.d".
  if (message.version() != 10 && message.version() != 11) {
    return 505;
  }
  // A length beside chunks is refused and not resolved (RFC 9112, 6.3: it "ought to be handled as
  // an error").
  if (!once(http::field::host) || !once(http::field::authorization) ||
      !once(http::field::content_length) || !once(http::field::transfer_encoding) ||
      (message.version() == 11 && message.count(http::field::host) == 0) ||
      (has_length && has_coding)) {
    return 400;
  }
  if (has_coding && !is_chunked) {
    return 501;
  }
  if (!expect.empty() && !expects_continue_) {
    return 417;
  }
  // RFC 9112, 6.3 would read none as an empty body; a POST of the agent always has one.
  if (message.method() == http::verb::post && !has_length && !is_chunked) {
    return 411;
  }
  if (length_ > kLongestBody) {
    return 413;
  }
  return 0;
}

RequestReader::Phase RequestReader::ReadBody() {
  if (phase_ != Phase::kBody) return phase_;
  if (chunked_ == nullptr) {
    // Copied out once, when it is whole; bounded, since length_ was.
    if (pending_.size() < length_) return phase_;
    body_.assign(pending_, 0, length_);
    pending_.erase(0, length_);
    return phase_ = Phase::kDone;
  }
  const size_t used = chunked_->Feed(pending_, body_);
  pending_.erase(0, used);
  // The body's own limit doesn't see chunks of one byte: their framing is bounded here.
  framed_bytes_ += used;
  if (chunked_->state() == ChunkedBody::State::kBroken) return Fail(400);
  if (chunked_->state() == ChunkedBody::State::kTooLong || framed_bytes_ > kLongestChunkedBody) {
    return Fail(413);
  }
  return chunked_->state() == ChunkedBody::State::kDone ? phase_ = Phase::kDone : phase_;
}

RequestReader::Phase RequestReader::Next() {
  body_.clear();
  chunked_.reset();
  phase_ = Phase::kHead;
  return pending_.empty() ? phase_ : TakeHead();
}

void RequestReader::Shrink() {
  // The next head is here already: what was read of it is needed.
  if (phase_ != Phase::kHead) return;
  for (std::string* text : {&pending_, &body_, &method_, &target_, &authorization_}) {
    if (text->empty() || text != &pending_) {
      text->clear();
      text->shrink_to_fit();
    }
  }
}

}  // namespace muster::edge
