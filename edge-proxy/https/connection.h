// One connection of a router; inside of this room only.
//
// Threads:  everything runs on the thread of the connection's loop.
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

// What the connections of one loop share.
struct LoopParts {
  const Calls& calls;
  Metrics& metrics;
  AddressLimits& limits;
  const HttpsDeadlines deadlines;
  bool draining = false;
  std::list<Connection*> connections;
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

  // From handshake to close.
  static Task<void> Serve(std::unique_ptr<Connection> connection);

  // Called a few times a second: ends the wait of a connection whose deadline has passed.
  void CheckDeadline(Deadline now);

 private:
  Task<bool> Wait(Socket::wait_type what);
  // Waits for what OpenSSL wants after `result`; false: the connection is over.
  Task<bool> WaitAfter(int result);
  Task<bool> Handshake();
  // Bytes are in the loop's scratch; 0: the connection is over or late.
  Task<size_t> Read();
  Task<bool> Write(std::string bytes);
  Task<void> Close(bool linger);

  // True: another request may follow.
  Task<bool> ServeOne(class RequestReader& reader);
  Task<bool> ReadHead(class RequestReader& reader);
  Task<bool> ReadBody(class RequestReader& reader);
  Task<Reply> Answer(const Heard& heard, absl::string_view body);
  Task<bool> Send(class RequestReader& reader, Call call, Reply reply, bool keep_alive);
  Task<void> Refuse(class RequestReader& reader, int status);
  void Prove();
  void SetDeadline(absl::Duration from_now);
  // The same for a phase that takes long on a slow link.
  void SetPatientDeadline(absl::Duration from_now);
  void LookAtHandshake();
  void NoteSlow();

  LoopParts& loop_;
  Socket socket_;
  // Kept while connections use it: a change of certificates makes a new one.
  const std::shared_ptr<TlsContext> context_;
  SSL* const ssl_;
  const std::string address_;
  const AddressLimits::Verdict verdict_;
  ConnectionFacts facts_;
  std::list<Connection*>::iterator place_;
  Deadline deadline_;
  bool expired_ = false;
  bool idle_ = false;
  bool proven_ = false;
  // It comes over a link that is known to be slow.
  bool slow_ = false;
  bool first_ = true;
};

}  // namespace muster::edge
