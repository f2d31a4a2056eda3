// One connection of a router, from accept to close; inside of this room only.
//
// OpenSSL owns the descriptor (SSL_set_fd) and Asio only says when it is ready: no copy of each
// byte through BIOs, and 18.7 KiB for an idle connection where beast::ssl_stream needs 69.4
// (measured with Boost 1.81).
//
// Deadlines are not timers of each connection, which would be set anew in every phase: the loop
// looks at all connections five times a second (CheckDeadline) and cancels the wait of a late one.
//
// Threads:  everything runs on the thread of the connection's loop.
// Owns:     its socket and TLS state; the coroutine owns the connection.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "edge-proxy/heartbeats/calls.h"
#include "edge-proxy/heartbeats/metrics.h"
#include "edge-proxy/https/address_limits.h"
#include "edge-proxy/https/https_server.h"
#include "edge-proxy/https/tls_context.h"

namespace muster::edge {

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
template <typename T>
using Task = boost::asio::awaitable<T, Executor>;
using Deadline = std::chrono::steady_clock::time_point;

class Connection;

// Touched by the loop's own thread only, but for `limits` and `metrics`, which are shared by all.
// What the connections of one loop share.
struct LoopParts {
  const Calls& calls;
  Metrics& metrics;
  AddressLimits& limits;
  const HttpsDeadlines deadlines;
  // No request is begun any more; those that have begun are answered.
  bool draining = false;
  // A list, so that a connection can take itself out in constant time while others are walked over.
  std::list<Connection*> connections;
  // One for all, so that an idle connection holds no buffer. What is in it is good only until the
  // next co_await: another connection of the loop may then read into it.
  // Bytes on their way from OpenSSL to the reader of one connection.
  std::string scratch;
};

class Connection {
 public:
  // `verdict` is not kDrop; the destructor closes what it opened.
  Connection(LoopParts& loop, Socket socket, std::shared_ptr<TlsContext> context,
             std::string address, AddressLimits::Verdict verdict);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Ends when the router, a deadline or Drain ends it; destroys the connection.
  // From handshake to close.
  static Task<void> Serve(std::unique_ptr<Connection> connection);

  // Called a few times a second: ends the wait of a connection whose deadline has passed.
  void CheckDeadline(Deadline now);

 private:
  // False: late, or the socket failed.
  Task<bool> Wait(Socket::wait_type what);
  // Waits for what OpenSSL wants after `result`; false: the connection is over.
  Task<bool> WaitAfter(int result);
  Task<bool> Handshake();
  // Waits within the deadline that is set; doesn't set one.
  // Bytes are in the loop's scratch; 0: the connection is over or late.
  Task<size_t> Read();
  // Sets the write deadline; takes the bytes, since they are read over several waits.
  Task<bool> Write(std::string bytes);
  // `linger`: where the router may still be sending, see there.
  Task<void> Close(bool linger);

  // One request: head, who speaks, body, answer, reply.
  // True: another request may follow.
  Task<bool> ServeOne(class RequestReader& reader);
  Task<bool> ReadHead(class RequestReader& reader);
  Task<bool> ReadBody(class RequestReader& reader);
  // Never longer than the answer deadline, whatever the control plane does.
  Task<Reply> Answer(const Heard& heard, absl::string_view body);
  Task<bool> Send(class RequestReader& reader, Call call, Reply reply, bool keep_alive);
  // The status's own words, then close: what follows in the stream can't be told apart any more.
  Task<void> Refuse(class RequestReader& reader, int status);
  // Once; further calls do nothing.
  void Prove();
  // Counts this connection as one of the device's; false where it has enough others.
  bool TakeFor(DeviceId device);
  // Why a request that was heard is not served on this connection.
  void JudgeConnection(Heard& heard);
  void SetDeadline(absl::Duration from_now);
  // The same for a phase that takes long on a slow link.
  void SetPatientDeadline(absl::Duration from_now);
  // For `device doctor` and the metrics: what fetch offers is documented nowhere.
  void LookAtHandshake();
  void NoteSlow();

  LoopParts& loop_;
  Socket socket_;
  // It must outlive ssl_.
  // Kept while connections use it: a change of certificates makes a new one.
  const std::shared_ptr<TlsContext> context_;
  SSL* const ssl_;
  const std::string address_;
  const AddressLimits::Verdict verdict_;
  ConnectionFacts facts_;
  std::list<Connection*>::iterator place_;
  Deadline deadline_;
  // `expired_`: the deadline has passed and the wait was cancelled. `idle_`: no byte of a next
  // request has come, so that draining may close it without a word. `proven_`: it doesn't count
  // against its address. `first_`: no request was served yet, so the request deadline runs from the
  // handshake on and a client can't idle first.
  bool expired_ = false;
  bool idle_ = false;
  bool proven_ = false;
  // The first whose token was shown on it, which is the one that it counts for.
  DeviceId device_;
  // It comes over a link that is known to be slow.
  bool slow_ = false;
  bool first_ = true;
};

}  // namespace muster::edge
