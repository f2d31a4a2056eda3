// Loops and listening sockets: accept, deadlines, certificates, draining. A loop's things are
// touched by its own thread only; whatever comes from another thread is posted to it.
#include "edge-proxy/https/https_server.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "edge-proxy/https/connection.h"

namespace muster::edge {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable_t<Executor>());

// Deadlines are late by at most this.
constexpr std::chrono::milliseconds kDeadlineCheck(200);
// While descriptors are short: 10 tries a second instead of a full core.
constexpr std::chrono::milliseconds kAcceptBackOff(100);
// Every 10 s, by each loop.
constexpr int kPruneTicks = 50;
// A TLS record.
constexpr size_t kScratchBytes = 16 * 1024;
// Cut to net.core.somaxconn by the kernel.
constexpr int kBacklog = 4096;

// No names, only addresses: a name could stand for several.
absl::StatusOr<Tcp::endpoint> ParseEndpoint(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  uint32_t port = 0;
  absl::string_view host = absl::string_view(listen).substr(0, std::min(colon, listen.size()));
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) host = "";
  boost::system::error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  if (colon == std::string::npos || error ||
      !absl::SimpleAtoi(absl::string_view(listen).substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen ", listen, ": expected ADDR:PORT, for example 0.0.0.0:443"));
  }
  return Tcp::endpoint(address, static_cast<uint16_t>(port));
}

std::string BytesOf(const asio::ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return std::string(bytes.begin(), bytes.end());
  }
  // An IPv4 client of an IPv6 socket is one address, whichever socket it came to.
  const auto v6 = address.to_v6();
  const auto bytes = v6.to_bytes();
  const auto from = v6.is_v4_mapped() ? bytes.begin() + 12 : bytes.begin();
  return std::string(from, bytes.end());
}

std::string TextOf(const Tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", address, "]:", endpoint.port())
                                    : absl::StrCat(address, ":", endpoint.port());
}

absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

// One thread with its own listening socket and connections.
struct Loop {
  explicit Loop(const LoopParts& shared) : parts(shared), acceptor(context), timer(context) {
    parts.scratch.resize(kScratchBytes);
  }
  ~Loop() {
    if (thread.joinable()) thread.join();
  }

  // Members are destroyed from the last to the first.
  // Before the context: coroutines that end with the context still use it.
  LoopParts parts;
  // The hint of one thread saves wake-ups; other threads may still post.
  asio::io_context context{1};
  Acceptor acceptor;
  Timer timer;
  std::thread thread;
};

struct HttpsServer::State {
  State(const HttpsOptions& with, const Calls& the_calls, Metrics& the_metrics)
      : options(with), calls(the_calls), metrics(the_metrics), limits(with.limits) {}

  std::shared_ptr<TlsContext> tls() {
    MutexLock lock(mutex);
    return context;
  }

  absl::Status Bind(Loop& loop, const Tcp::endpoint& endpoint);
  Task<void> Accept(Loop& loop);
  Task<void> WatchDeadlines(Loop& loop);
  void Welcome(Loop& loop, Socket socket, const Tcp::endpoint& peer);
  void DrainLoop(Loop& loop);

  const HttpsOptions options;
  const Calls& calls;
  Metrics& metrics;
  AddressLimits limits;
  TicketKeys tickets;
  Mutex mutex;
  // Shared with the connections that began under it.
  std::shared_ptr<TlsContext> context ABSL_GUARDED_BY(mutex);
  // Loops that accept no more; Drain waits for all.
  std::atomic<size_t> drained_loops{0};
  std::vector<std::unique_ptr<Loop>> loops;
};

absl::Status HttpsServer::State::Bind(Loop& loop, const Tcp::endpoint& endpoint) {
  boost::system::error_code error;
  loop.acceptor.open(endpoint.protocol(), error);
  const int on = 1;
  const int fd = loop.acceptor.native_handle();
  if (!error) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // The kernel spreads connections over the loops' sockets; a second process of the same user
    // could bind too, which the lock of the data folder prevents.
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    // Accepted sockets inherit it.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    loop.acceptor.bind(endpoint, error);
  }
  if (!error) loop.acceptor.listen(kBacklog, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("can't listen on ", TextOf(endpoint), ": ", error.message()));
  }
  return absl::OkStatus();
}

void HttpsServer::State::Welcome(Loop& loop, Socket socket, const Tcp::endpoint& peer) {
  std::string address = BytesOf(peer.address());
  const AddressLimits::Verdict verdict = limits.Open(address, MonotonicNow());
  if (verdict == AddressLimits::Verdict::kDrop) {
    metrics.Count(Metrics::kRefusedConnections);
    return;
  }
  boost::system::error_code ignored;
  // Not native_non_blocking: with that alone Asio's own calls would still wait in poll().
  socket.non_blocking(true, ignored);
  auto connection = std::make_unique<Connection>(loop.parts, std::move(socket), tls(),
                                                 std::move(address), verdict);
  asio::co_spawn(loop.context, Connection::Serve(std::move(connection)), asio::detached);
}

Task<void> HttpsServer::State::Accept(Loop& loop) {
  while (loop.acceptor.is_open()) {
    Tcp::endpoint peer;
    // One at a time: what waits is in the kernel's backlog.
    auto [error, socket] = co_await loop.acceptor.async_accept(peer, kTuple);
    if (!error) {
      Welcome(loop, std::move(socket), peer);
      continue;
    }
    // DrainLoop accepts the rest itself.
    if (error == asio::error::operation_aborted) co_return;
    // No descriptors or no memory: the queue has to wait, or this loop would spin.
    metrics.Count(Metrics::kAcceptBackOffs);
    Timer pause(loop.context, kAcceptBackOff);
    co_await pause.async_wait(kTuple);
  }
}

Task<void> HttpsServer::State::WatchDeadlines(Loop& loop) {
  for (int tick = 1; !loop.parts.draining || !loop.parts.connections.empty(); ++tick) {
    loop.timer.expires_after(kDeadlineCheck);
    co_await loop.timer.async_wait(kTuple);
    const Deadline now = std::chrono::steady_clock::now();
    // CheckDeadline only cancels; the list doesn't change under the walk, because coroutines go on
    // later.
    for (Connection* connection : loop.parts.connections) connection->CheckDeadline(now);
    if (tick % kPruneTicks == 0) limits.Prune(MonotonicNow());
  }
}

// With them a restart loses no router that had connected before.
// Connections that the kernel has already accepted for this socket would be reset by closing it.
void HttpsServer::State::DrainLoop(Loop& loop) {
  boost::system::error_code error;
  loop.acceptor.cancel(error);
  loop.acceptor.non_blocking(true, error);
  while (true) {
    Tcp::endpoint peer;
    Socket socket(loop.context);
    loop.acceptor.accept(socket, peer, error);
    if (error) break;
    Welcome(loop, std::move(socket), peer);
  }
  loop.acceptor.close(error);
  loop.parts.draining = true;
  // Idle connections are closed now and not in 200 ms.
  loop.timer.cancel();
  ++drained_loops;
}

HttpsServer::HttpsServer(const HttpsOptions& options, const Calls& calls, Metrics& metrics)
    : state_(std::make_unique<State>(options, calls, metrics)) {}

HttpsServer::~HttpsServer() {
  for (const auto& loop : state_->loops) {
    // Coroutines that hang in a wait are destroyed with their context; Drain should have ended
    // them.
    loop->context.stop();
    if (loop->thread.joinable()) loop->thread.join();
  }
  state_->loops.clear();
}

// Made outside of the lock: reading keys and checking takes milliseconds.
absl::Status HttpsServer::SetCertificates(const std::vector<TlsPair>& pairs) {
  ASSIGN_OR_RETURN(std::shared_ptr<TlsContext> context, TlsContext::Make(pairs, state_->tickets));
  MutexLock lock(state_->mutex);
  state_->context = std::move(context);
  return absl::OkStatus();
}

absl::StatusOr<std::string> HttpsServer::Start() {
  if (state_->tls() == nullptr) return absl::FailedPreconditionError("no certificates");
  ASSIGN_OR_RETURN(Tcp::endpoint endpoint, ParseEndpoint(state_->options.listen));
  const LoopParts parts{.calls = state_->calls,
                        .metrics = state_->metrics,
                        .limits = state_->limits,
                        .deadlines = state_->options.deadlines};
  std::vector<std::unique_ptr<Loop>> loops;
  // All are bound before one serves: an address that is in use fails Start as a whole.
  for (int i = 0; i < std::max(1, state_->options.threads); ++i) {
    loops.push_back(std::make_unique<Loop>(parts));
    RETURN_IF_ERROR(state_->Bind(*loops.back(), endpoint));
    boost::system::error_code ignored;
    // With port 0 the first loop's port is everyone's.
    endpoint = loops.back()->acceptor.local_endpoint(ignored);
  }
  state_->loops = std::move(loops);
  for (const auto& loop : state_->loops) {
    asio::co_spawn(loop->context, state_->Accept(*loop), asio::detached);
    asio::co_spawn(loop->context, state_->WatchDeadlines(*loop), asio::detached);
    loop->thread = std::thread([&context = loop->context] { context.run(); });
  }
  return TextOf(endpoint);
}

void HttpsServer::Drain(absl::Duration at_most) {
  const absl::Duration end = MonotonicNow() + at_most;
  for (const auto& loop : state_->loops) {
    asio::post(loop->context, [this, &loop = *loop] {
      if (!loop.parts.draining) state_->DrainLoop(loop);
    });
  }
  const auto busy = [this] {
    return state_->drained_loops < state_->loops.size() || state_->metrics.connections() > 0;
  };
  // Not on a loop's thread, so a sleep hurts nobody.
  while (busy() && MonotonicNow() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace muster::edge
