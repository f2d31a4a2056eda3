// One connection from handshake to close. Every wait is bounded by the deadline of its phase, which
// is absolute: a client that sends a byte now and then gains nothing by it. Whatever is refused
// from its head alone ends the connection, since its body is left unread.
#include "edge-proxy/https/connection.h"

#include <openssl/err.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "edge-proxy/http/reply_writer.h"
#include "edge-proxy/http/request_reader.h"

namespace muster::edge {
namespace {

namespace asio = boost::asio;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable_t<Executor>());

// What a client that is refused may still send before the connection is cut.
constexpr absl::Duration kLinger = absl::Seconds(1);
constexpr size_t kMostLingering = 256 * 1024;
constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Shared by the connection and the call: either may go first.
// A reply that may come from another thread.
struct Slot {
  explicit Slot(const Executor& executor) : timer(executor) {}
  std::optional<Reply> reply;
  Timer timer;
};

// Joining shows a claim and no token, and it too must not be counted as a stranger's: sites are
// joined by the hundred behind one address.
bool ProvesItself(Call call, const Reply& reply) {
  if (reply.status != 200) return false;
  return call == Call::kInstaller ||
         (call == Call::kEnroll && !reply.text.empty() && reply.text[0] == 'T');
}

// Each guess of a claim costs a handshake, which is rationed, and no claim holds connections: the
// line and the installer make a new one for each call anyway.
bool ShowsClaim(Call call) { return call == Call::kInstaller || call == Call::kEnroll; }

}  // namespace

Connection::Connection(LoopParts& loop, Socket socket, std::shared_ptr<TlsContext> context,
                       std::string address, AddressLimits::Verdict verdict)
    : loop_(loop),
      socket_(std::move(socket)),
      context_(std::move(context)),
      ssl_(SSL_new(context_->get())),
      address_(std::move(address)),
      verdict_(verdict) {
  // ssl_ may be null where memory is short; Handshake looks.
  place_ = loop_.connections.insert(loop_.connections.end(), this);
  loop_.metrics.AddConnections(1);
}

Connection::~Connection() {
  SSL_free(ssl_);
  // OpenSSL's queue is of the thread, hence of every connection of this loop: what one leaves
  // there, the next would take for its own failure.
  ERR_clear_error();
  loop_.connections.erase(place_);
  loop_.limits.Close(address_, proven_);
  if (device_) loop_.limits.RemoveDevice(device_);
  loop_.metrics.AddConnections(-1);
}

void Connection::SetDeadline(absl::Duration from_now) {
  deadline_ = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(from_now);
}

void Connection::SetPatientDeadline(absl::Duration from_now) {
  SetDeadline(slow_ ? from_now * loop_.deadlines.slow_link_factor : from_now);
}

void Connection::NoteSlow() {
  loop_.limits.NoteSlow(address_,
                        absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()));
}

void Connection::CheckDeadline(Deadline now) {
  // An idle connection has nothing to lose, so draining ends it at once.
  if (now < deadline_ && !(idle_ && loop_.draining)) return;
  expired_ = true;
  boost::system::error_code ignored;
  // Only ends the wait; the coroutine sees expired_ and decides what is still said.
  socket_.cancel(ignored);
}

void Connection::Prove() {
  if (proven_) return;
  proven_ = true;
  loop_.limits.Prove(address_);
}

bool Connection::TakeFor(DeviceId device) {
  if (device_) return true;
  if (!loop_.limits.AddDevice(device)) return false;
  device_ = device;
  return true;
}

Task<bool> Connection::Wait(Socket::wait_type what) {
  // The cancel may have come while nothing was waiting.
  if (expired_) co_return false;
  const auto [error] = co_await socket_.async_wait(what, kTuple);
  co_return !error && !expired_;
}

Task<bool> Connection::WaitAfter(int result) {
  // A read may want to write, and a write to read: TLS 1.3 updates keys, and a close is answered.
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      co_return co_await Wait(Socket::wait_read);
    case SSL_ERROR_WANT_WRITE:
      co_return co_await Wait(Socket::wait_write);
    default:
      co_return false;
  }
}

Task<bool> Connection::Handshake() {
  const auto begin = std::chrono::steady_clock::now();
  // Patience is lent by address: a router on 2G loses its first handshake and gets the next one
  // through.
  slow_ = loop_.limits.IsSlow(address_);
  SetPatientDeadline(loop_.deadlines.handshake);
  if (ssl_ == nullptr || SSL_set_fd(ssl_, socket_.native_handle()) != 1) co_return false;
  while (true) {
    ERR_clear_error();
    const int result = SSL_accept(ssl_);
    if (result == 1) break;
    if (!co_await WaitAfter(result)) {
      loop_.metrics.Count(Metrics::kFailedHandshakes);
      // Something came, and not in time: that is slow. Nothing at all would be a port scan.
      if (expired_ && BIO_number_read(SSL_get_rbio(ssl_)) > 0) NoteSlow();
      co_return false;
    }
  }
  loop_.metrics.Count(Metrics::kHandshakes);
  // From here on by its own handshake, so that a fast client behind a slow address gets no more
  // time.
  slow_ =
      absl::FromChrono(std::chrono::steady_clock::now() - begin) > loop_.deadlines.handshake / 2;
  if (slow_) NoteSlow();
  LookAtHandshake();
  co_return true;
}

void Connection::LookAtHandshake() {
  facts_.tls_version = SSL_get_version(ssl_);
  facts_.tls_cipher = SSL_get_cipher_name(ssl_);
  // Null where none was negotiated (TLS 1.2 resumed), or OpenSSL has no name for it.
  const char* const group =
      SSL_group_to_name(ssl_, static_cast<int>(SSL_get_negotiated_group(ssl_)));
  if (group != nullptr) facts_.tls_group = group;
  facts_.tls_resumed = SSL_session_reused(ssl_) == 1;
  facts_.source_address = address_;
  if (facts_.tls_resumed) loop_.metrics.Count(Metrics::kResumedHandshakes);
}

Task<size_t> Connection::Read() {
  while (true) {
    ERR_clear_error();
    size_t size = 0;
    // Into the loop's scratch, which is this connection's only up to the next co_await.
    const int result = SSL_read_ex(ssl_, loop_.scratch.data(), loop_.scratch.size(), &size);
    if (result == 1) co_return size;
    if (!co_await WaitAfter(result)) co_return 0;
  }
}

Task<bool> Connection::Write(std::string bytes) {
  SetPatientDeadline(loop_.deadlines.write);
  // SSL_MODE_ENABLE_PARTIAL_WRITE and MOVING_WRITE_BUFFER are set, so that rest may shrink.
  absl::string_view rest = bytes;
  while (!rest.empty()) {
    ERR_clear_error();
    size_t size = 0;
    const int result = SSL_write_ex(ssl_, rest.data(), rest.size(), &size);
    if (result == 1) {
      rest.remove_prefix(size);
    } else if (!co_await WaitAfter(result)) {
      co_return false;
    }
  }
  co_return true;
}

// With unread bytes in the socket, close() would send a reset and the reply could be lost on its
// way: read on for a moment.
Task<void> Connection::Close(bool linger) {
  ERR_clear_error();
  // Once: the answer to our close_notify isn't waited for.
  SSL_shutdown(ssl_);
  if (!linger) co_return;
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  SetDeadline(kLinger);
  for (size_t read = 0; read < kMostLingering;) {
    boost::system::error_code error;
    // The raw socket and not TLS: what comes now is thrown away unread.
    const size_t size = socket_.read_some(asio::buffer(loop_.scratch), error);
    if (error == asio::error::would_block) {
      if (!co_await Wait(Socket::wait_read)) co_return;
    } else if (error || size == 0) {
      co_return;
    }
    read += size;
  }
}

Task<void> Connection::Refuse(RequestReader& reader, int status) {
  co_await Send(reader, Call::kOther, Refusal(status, ""), false);
  co_await Close(true);
}

// A late client that has sent something hears that it was late.
Task<bool> Connection::ReadHead(RequestReader& reader) {
  // A first request has to follow its handshake; later ones may come after a pause.
  if (first_ || reader.begun()) {
    SetPatientDeadline(loop_.deadlines.request);
  } else {
    SetDeadline(loop_.deadlines.keep_alive);
  }
  while (reader.phase() == RequestReader::Phase::kHead) {
    const bool begun = reader.begun();
    // What CheckDeadline may end without a word.
    idle_ = !begun && !first_;
    const size_t size = co_await Read();
    idle_ = false;
    if (size == 0) {
      // The 408 gets a deadline of its own, so that saying it isn't late, too.
      if (expired_ && begun) {
        expired_ = false;
        loop_.metrics.Count(Metrics::kTimeouts);
        co_await Refuse(reader, 408);
      }
      co_return false;
    }
    // The first byte of a later request ends the pause and begins its deadline.
    if (!begun && !first_) SetPatientDeadline(loop_.deadlines.request);
    reader.Feed({loop_.scratch.data(), size});
  }
  if (reader.phase() != RequestReader::Phase::kFailed) co_return true;
  co_await Refuse(reader, reader.status());
  co_return false;
}

Task<bool> Connection::ReadBody(RequestReader& reader) {
  // Only where the body isn't there already, as RFC 9110, 10.1.1 allows.
  if (reader.ReadBody() == RequestReader::Phase::kBody && reader.expects_continue()) {
    // Writing sets its own; the body still has what is left of the request's.
    const Deadline deadline = deadline_;
    if (!co_await Write(std::string(kContinue))) co_return false;
    deadline_ = deadline;
  }
  while (reader.phase() == RequestReader::Phase::kBody) {
    const size_t size = co_await Read();
    if (size == 0) {
      if (expired_) {
        expired_ = false;
        loop_.metrics.Count(Metrics::kTimeouts);
        co_await Refuse(reader, 408);
      }
      co_return false;
    }
    reader.Feed({loop_.scratch.data(), size});
  }
  if (reader.phase() == RequestReader::Phase::kDone) co_return true;
  co_await Refuse(reader, reader.status());
  co_return false;
}

Task<Reply> Connection::Answer(const Heard& heard, absl::string_view body) {
  // The reply may come on a thread of gRPC: it is carried over to the loop, where alone it may be
  // used. Where it comes at once, dispatch runs here and now, and nothing is waited for.
  const Executor executor = socket_.get_executor();
  // Shared with the call, which may answer after this connection is gone.
  const auto slot = std::make_shared<Slot>(executor);
  loop_.calls.Take(heard, body, address_, [slot, executor](Reply reply) {
    asio::dispatch(executor, [slot, reply = std::move(reply)]() mutable {
      slot->reply = std::move(reply);
      slot->timer.cancel();
    });
  });
  if (!slot->reply.has_value()) {
    // The slot's timer bounds this wait; a deadline would cancel nothing, since no socket is waited
    // for.
    deadline_ = Deadline::max();
    slot->timer.expires_after(absl::ToChronoMilliseconds(loop_.deadlines.answer));
    co_await slot->timer.async_wait(kTuple);
  }
  // A reply that comes after this goes nowhere. A result may then be committed all the same, and
  // the router posts it again: the control plane knows it by its number.
  if (!slot->reply.has_value()) co_return Later("the control plane is slow", 5);
  co_return *std::move(slot->reply);
}

Task<bool> Connection::Send(RequestReader& reader, Call call, Reply reply, bool keep_alive) {
  // Counted when it is begun: the router may be gone.
  loop_.metrics.CountReply(call, reply.status);
  const ReplyHead head{.status = reply.status,
                       .content_type = reply.content_type,
                       .retry_after_seconds = reply.retry_after_seconds,
                       .allow = reply.allow,
                       .keep_alive = keep_alive,
                       .head_only = reader.method() == "HEAD"};
  co_return co_await Write(WriteReply(head, reply.text));
}

// Said in HTTP, so that a router backs off instead of shaking hands again at once; one with a known
// token is served in spite of its address's crowd.
void Connection::JudgeConnection(Heard& heard) {
  if (verdict_ == AddressLimits::Verdict::kFull) {
    heard.refusal = Later("the edge is full", 10);
  } else if (verdict_ == AddressLimits::Verdict::kTooManyFromAddress && !heard.caller.known) {
    heard.refusal = Refusal(429, "too many connections from this address");
    heard.refusal->retry_after_seconds = 10;
  } else if (heard.caller.known && !heard.refusal.has_value() && !TakeFor(heard.caller.device)) {
    heard.refusal = Refusal(429, "too many connections of this device");
    heard.refusal->retry_after_seconds = 10;
  }
}

Task<bool> Connection::ServeOne(RequestReader& reader) {
  if (!co_await ReadHead(reader)) co_return false;
  // From the head alone, before a byte of the body is asked for.
  Heard heard = loop_.calls.Hear({reader.method(), reader.target(), reader.authorization()});
  JudgeConnection(heard);
  if (heard.refusal.has_value()) {
    // The body that was not read may still be coming: hence the lingering close.
    loop_.calls.Remember(heard, *heard.refusal, facts_);
    co_await Send(reader, heard.call, *std::move(heard.refusal), false);
    co_await Close(true);
    co_return false;
  }
  // At the head, so that a slow body isn't held against the address any more.
  if (heard.caller.known) Prove();
  if (!co_await ReadBody(reader)) co_return false;
  Reply reply = co_await Answer(heard, reader.body());
  if (ProvesItself(heard.call, reply)) Prove();
  loop_.calls.Remember(heard, reply, facts_);
  const bool keep_alive = reader.keep_alive() && !loop_.draining && !ShowsClaim(heard.call);
  if (!co_await Send(reader, heard.call, std::move(reply), keep_alive)) co_return false;
  // Everything was read, so no reset can hurt the reply.
  if (!keep_alive) co_await Close(false);
  co_return keep_alive;
}

Task<void> Connection::Serve(std::unique_ptr<Connection> connection) {
  if (!co_await connection->Handshake()) co_return;
  // Of one connection, over all of its requests: bytes of the next may be in it.
  RequestReader reader;
  while (co_await connection->ServeOne(reader)) {
    connection->first_ = false;
    reader.Next();
    reader.Shrink();
  }
}

}  // namespace muster::edge
