#include "tests/bench/edge/https_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace muster::bench {
namespace {

constexpr int kSilenceMilliseconds = 5000;
constexpr size_t kSourceAddresses = 250;

sockaddr_in Loopback(uint32_t last_bytes, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl((127u << 24) | last_bytes);
  return address;
}

// Connecting, without waiting for it; -1 where the system refuses.
int Connect(size_t index, int port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // The port of the source is chosen at connect, so that one address is good for many of them.
  setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  const sockaddr_in from =
      Loopback((7u << 8) | static_cast<uint32_t>(1 + index % kSourceAddresses), 0);
  const sockaddr_in to = Loopback(1, port);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) != 0 ||
      (connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0 &&
       errno != EINPROGRESS)) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

struct Reply {
  int status = 0;
  std::string body;
};

// True where `text` holds a whole reply.
bool ParseReply(absl::string_view text, Reply* reply) {
  const size_t end = text.find("\r\n\r\n");
  if (end == absl::string_view::npos || text.size() < 12) return false;
  const std::string head = absl::AsciiStrToLower(text.substr(0, end + 2));
  const size_t field = head.find("\r\ncontent-length:");
  size_t length = 0;
  if (field == std::string::npos) return false;
  const size_t value = field + 17;
  const absl::string_view number =
      absl::string_view(head).substr(value, head.find("\r\n", value) - value);
  if (!absl::SimpleAtoi(number, &length) || text.size() < end + 4 + length) return false;
  if (!absl::SimpleAtoi(text.substr(9, 3), &reply->status)) return false;
  reply->body = std::string(text.substr(end + 4, length));
  return true;
}

SSL_CTX* MakeContext() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256");
  // P-256 must be offered for the certificate's sake; the servers prefer X25519, as we do.
  SSL_CTX_set1_groups_list(context, "X25519:P-256");
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  return context;
}

}  // namespace

struct HttpsLoad::Connection {
  int descriptor = -1;
  SSL* tls = nullptr;
  size_t index = 0;
  absl::string_view request;
  bool sent = false;
  uint32_t waits_for = 0;
  std::string received;
  Reply reply;
};

HttpsLoad::HttpsLoad(int port)
    : port_(port), epoll_(epoll_create1(EPOLL_CLOEXEC)), context_(MakeContext()) {}

HttpsLoad::~HttpsLoad() {
  Release();
  SSL_CTX_free(context_);
  close(epoll_);
}

absl::Status HttpsLoad::Open(size_t index, absl::string_view request) {
  const int descriptor = Connect(index, port_);
  if (descriptor < 0) {
    return absl::UnavailableError(absl::StrCat("can't open connection ", index, ": errno ", errno));
  }
  auto* connection = new Connection;
  connection->descriptor = descriptor;
  connection->index = index;
  connection->request = request;
  connection->tls = SSL_new(context_);
  SSL_set_fd(connection->tls, descriptor);
  SSL_set_tlsext_host_name(connection->tls, "localhost");
  SSL_set_connect_state(connection->tls);
  connection->waits_for = EPOLLOUT;
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.ptr = connection;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  return absl::OkStatus();
}

void HttpsLoad::Close(Connection* connection) {
  SSL_free(connection->tls);
  close(connection->descriptor);
  delete connection;
}

HttpsLoad::Step HttpsLoad::Wait(Connection& connection, int outcome) {
  const int error = SSL_get_error(connection.tls, outcome);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return Step::kBroken;
  const uint32_t wanted = error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
  if (wanted == connection.waits_for) return Step::kWaiting;
  connection.waits_for = wanted;
  epoll_event event{};
  event.events = wanted;
  event.data.ptr = &connection;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor, &event);
  return Step::kWaiting;
}

HttpsLoad::Step HttpsLoad::Advance(Connection& connection) {
  if (!connection.sent) {
    // Does the handshake first.
    const int outcome = SSL_write(connection.tls, connection.request.data(),
                                  static_cast<int>(connection.request.size()));
    if (outcome <= 0) return Wait(connection, outcome);
    if (SSL_get_negotiated_group(connection.tls) != NID_X25519) return Step::kBroken;
    connection.sent = true;
  }
  char buffer[2048];
  while (true) {
    const int got = SSL_read(connection.tls, buffer, sizeof(buffer));
    if (got <= 0) return Wait(connection, got);
    connection.received.append(buffer, static_cast<size_t>(got));
    if (ParseReply(connection.received, &connection.reply)) return Step::kReplied;
  }
}

bool HttpsLoad::Finish(Connection* connection, Step step, bool keep, const OnReply& on_reply) {
  if (step == Step::kBroken) {
    Close(connection);
    return false;
  }
  const int status = connection->reply.status;
  if (on_reply) on_reply(connection->index, status, connection->reply.body);
  if (keep) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, connection->descriptor, nullptr);
    connection->received = std::string();
    held_.push_back(connection);
  } else {
    SSL_shutdown(connection->tls);
    Close(connection);
  }
  return status == 200;
}

absl::StatusOr<size_t> HttpsLoad::Drive(size_t count, size_t at_once, bool keep,
                                        const std::function<absl::string_view(size_t)>& request,
                                        const OnReply& on_reply) {
  constexpr int kEvents = 64;
  epoll_event events[kEvents];
  size_t opened = 0, finished = 0, good = 0;
  while (finished < count) {
    while (opened < count && opened - finished < at_once) {
      if (absl::Status status = Open(opened, request(opened)); !status.ok()) return status;
      ++opened;
    }
    const int ready = epoll_wait(epoll_, events, kEvents, kSilenceMilliseconds);
    if (ready == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat("no answer for 5 s after ", finished, " of ", count, " requests"));
    }
    for (int i = 0; i < ready; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      const Step step = Advance(*connection);
      if (step == Step::kWaiting) continue;
      ++finished;
      if (Finish(connection, step, keep, on_reply)) ++good;
    }
  }
  return good;
}

absl::StatusOr<size_t> HttpsLoad::Run(size_t count, size_t at_once,
                                      const std::function<absl::string_view(size_t)>& request,
                                      const OnReply& on_reply) {
  return Drive(count, at_once, false, request, on_reply);
}

absl::StatusOr<size_t> HttpsLoad::Hold(size_t count, size_t at_once,
                                       const std::function<absl::string_view(size_t)>& request) {
  return Drive(count, at_once, true, request, nullptr);
}

size_t HttpsLoad::Held() const {
  size_t open = 0;
  for (const Connection* connection : held_) {
    char byte = 0;
    const ssize_t got = recv(connection->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ++open;
  }
  return open;
}

void HttpsLoad::Release() {
  for (Connection* connection : held_) Close(connection);
  held_.clear();
}

}  // namespace muster::bench
