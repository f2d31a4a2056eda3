#include "tests/router_simulator/program/https_transport.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace muster::simulator {
namespace {

constexpr size_t kLargestHead = 64 << 10;
constexpr size_t kLargestReply = 4 << 20;

template <typename T, void (*kFree)(T*)>
struct Freer {
  void operator()(T* thing) const { kFree(thing); }
};
using SslContext = std::unique_ptr<SSL_CTX, Freer<SSL_CTX, SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Freer<SSL, SSL_free>>;

std::string LastTlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "connection closed";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown" : reason;
}

// One connection: plain or TLS, with a deadline that moves on with each byte.
class Connection {
 public:
  Connection(const HttpRequest& request, const std::atomic<bool>& stopping)
      : request_(request), stopping_(stopping) {}
  ~Connection() {
    ssl_.reset();
    if (socket_ >= 0) close(socket_);
  }

  bool Open(HttpReply* reply) {
    if (!Connect()) {
      reply->outcome = HttpReply::Outcome::kConnectFailed;
      reply->error = "connection refused or timed out";
      return false;
    }
    if (request_.tls && !Handshake(&reply->error)) {
      reply->outcome = HttpReply::Outcome::kTlsFailed;
      return false;
    }
    return true;
  }

  bool Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = Once(
          [&] {
            return ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                        : static_cast<int>(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
          },
          POLLOUT);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Bytes read; 0 at the end, -1 for a failure or a timeout.
  int Read(char* buffer, int size) {
    return Once(
        [&] {
          return ssl_ ? SSL_read(ssl_.get(), buffer, size)
                      : static_cast<int>(recv(socket_, buffer, static_cast<size_t>(size), 0));
        },
        POLLIN);
  }

  bool timed_out() const { return timed_out_; }

 private:
  bool Connect() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = absl::StrCat(request_.port);
    if (getaddrinfo(request_.host.c_str(), port.c_str(), &hints, &found) != 0) return false;
    bool connected = false;
    for (addrinfo* one = found; one != nullptr && !connected; one = one->ai_next) {
      connected = ConnectTo(*one);
    }
    freeaddrinfo(found);
    return connected;
  }

  bool ConnectTo(const addrinfo& address) {
    if (socket_ >= 0) close(socket_);
    socket_ = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return false;
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(socket_, address.ai_addr, address.ai_addrlen) == 0) return true;
    if (errno != EINPROGRESS || !Await(POLLOUT)) return false;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0;
  }

  bool Await(short events) {
    const absl::Time deadline = absl::Now() + request_.timeout;
    while (!stopping_) {
      const absl::Duration rest = std::min(deadline - absl::Now(), absl::Seconds(1));
      if (rest <= absl::ZeroDuration()) break;
      pollfd waiting{socket_, events, 0};
      const int ready = poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(rest)) + 1);
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
    timed_out_ = true;
    return false;
  }

  template <typename Step>
  int Once(Step step, short events) {
    while (true) {
      const int done = step();
      if (done > 0) return done;
      if (ssl_) {
        const int why = SSL_get_error(ssl_.get(), done);
        if (why == SSL_ERROR_ZERO_RETURN) return 0;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return -1;
        if (!Await(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) return -1;
      } else {
        if (done == 0) return 0;
        if (errno != EAGAIN || !Await(events)) return -1;
      }
    }
  }

  bool Handshake(std::string* error);

  const HttpRequest& request_;
  const std::atomic<bool>& stopping_;
  int socket_ = -1;
  Ssl ssl_;
  bool timed_out_ = false;
};

SslContext MakeContext(const std::vector<std::string>& trusted) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  X509_STORE* store = SSL_CTX_get_cert_store(context.get());
  for (const std::string& pem : trusted) {
    BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    if (certificate == nullptr) continue;
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
  }
  // Whatever lies in the store is trusted, an intermediate or a leaf too.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return context;
}

// The context for those who trust `trusted`. To make one costs as much as a handshake, and most
// routers of a fleet trust the same root: each thread keeps its last ones.
SSL_CTX* ContextFor(const std::vector<std::string>& trusted) {
  constexpr size_t kMostKept = 16;
  thread_local std::map<std::vector<std::string>, SslContext> kept;
  if (const auto found = kept.find(trusted); found != kept.end()) return found->second.get();
  if (kept.size() >= kMostKept) kept.clear();
  return kept.emplace(trusted, MakeContext(trusted)).first->second.get();
}

bool Connection::Handshake(std::string* error) {
  const bool checks = request_.check != CertificateCheck::kNo;
  ssl_.reset(SSL_new(ContextFor(checks ? request_.trusted : std::vector<std::string>())));
  in_addr ip4;
  const bool is_address = inet_pton(AF_INET, request_.host.c_str(), &ip4) == 1 ||
                          request_.host.find(':') != std::string::npos;
  if (checks) {
    X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl_.get());
    X509_VERIFY_PARAM_set_time(rules, absl::ToTimeT(request_.clock));
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
    if (is_address) {
      X509_VERIFY_PARAM_set1_ip_asc(rules, request_.host.c_str());
    } else {
      SSL_set1_host(ssl_.get(), request_.host.c_str());
    }
  }
  if (request_.sends_server_name && !is_address) {
    SSL_set_tlsext_host_name(ssl_.get(), request_.host.c_str());
  }
  SSL_set_fd(ssl_.get(), socket_);
  if (Once([&] { return SSL_connect(ssl_.get()); }, POLLIN) > 0) return true;
  const long verdict = SSL_get_verify_result(ssl_.get());
  *error = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : LastTlsError();
  ERR_clear_error();
  return false;
}

std::string HeadOf(const HttpRequest& request) {
  const bool standard = request.port == (request.tls ? 443 : 80);
  const bool ip6 = request.host.find(':') != std::string::npos;
  std::string head = absl::StrCat(
      request.method, " ", request.target, " HTTP/1.1\r\nHost: ", ip6 ? "[" : "", request.host,
      ip6 ? "]" : "", standard ? "" : absl::StrCat(":", request.port), "\r\n");
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
    typed |= absl::AsciiStrToLower(name) == "content-type";
  }
  const bool has_body =
      request.method == "POST" || request.method == "PUT" || !request.body.empty();
  if (has_body && !typed) head += "Content-Type: application/x-www-form-urlencoded\r\n";
  if (has_body) absl::StrAppend(&head, "Content-Length: ", request.body.size(), "\r\n");
  return head + "\r\n";
}

bool ReadHead(absl::string_view head, HttpReply* reply) {
  const std::vector<absl::string_view> lines = absl::StrSplit(head, "\r\n");
  const std::vector<absl::string_view> words = absl::StrSplit(lines[0], absl::MaxSplits(' ', 2));
  if (words.size() < 2 || words[0].substr(0, 5) != "HTTP/") return false;
  if (!absl::SimpleAtoi(words[1], &reply->status)) return false;
  reply->reason = words.size() > 2 ? std::string(words[2]) : "";
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    if (colon == absl::string_view::npos) continue;
    reply->headers.emplace_back(absl::AsciiStrToLower(lines[i].substr(0, colon)),
                                absl::StripAsciiWhitespace(lines[i].substr(colon + 1)));
  }
  return true;
}

const std::string* Header(const HttpReply& reply, absl::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

// The body behind a head that was read with `rest` of it. A chunked body is a failure: Muster's
// edges never send one, and 7.13.0 can't read it.
void ReadBody(Connection* connection, std::string rest, bool head_only, HttpReply* reply) {
  const std::string* length_text = Header(*reply, "content-length");
  size_t length = kLargestReply;
  if (length_text != nullptr && !absl::SimpleAtoi(*length_text, &length)) length = 0;
  if (Header(*reply, "transfer-encoding") != nullptr || length > kLargestReply) {
    reply->outcome = HttpReply::Outcome::kCut;
    return;
  }
  if (head_only || reply->status == 204 || reply->status == 304) length = 0;
  char buffer[16 << 10];
  while (rest.size() < length) {
    const int got = connection->Read(buffer, sizeof buffer);
    if (got <= 0) {
      // Without a length the end of the connection is the end of the body.
      if (got == 0 && length_text == nullptr) break;
      reply->outcome =
          connection->timed_out() ? HttpReply::Outcome::kTimeout : HttpReply::Outcome::kCut;
      return;
    }
    rest.append(buffer, static_cast<size_t>(got));
  }
  if (length_text != nullptr) rest.resize(std::min(rest.size(), length));
  reply->body = std::move(rest);
}

}  // namespace

HttpReply HttpsTransport::Fetch(const HttpRequest& request) {
  HttpReply reply;
  Connection connection(request, stopping_);
  if (!connection.Open(&reply)) return reply;
  const bool sent = connection.Write(HeadOf(request) + request.body);
  std::string text;
  size_t end = std::string::npos;
  char buffer[16 << 10];
  // A server may refuse before it has read all: what it said is read all the same.
  while (end == std::string::npos && text.size() < kLargestHead) {
    const int got = connection.Read(buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
    end = text.find("\r\n\r\n");
  }
  if (end == std::string::npos || !ReadHead(absl::string_view(text).substr(0, end), &reply)) {
    reply.outcome =
        connection.timed_out() ? HttpReply::Outcome::kTimeout : HttpReply::Outcome::kCut;
    reply.error = sent ? "no reply" : "not sent";
    return reply;
  }
  ReadBody(&connection, text.substr(end + 4), request.method == "HEAD", &reply);
  return reply;
}

std::string HttpsTransport::Resolve(absl::string_view name) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(std::string(name).c_str(), nullptr, &hints, &found) != 0) return "";
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(found->ai_addr)->sin_addr, text, sizeof text);
  freeaddrinfo(found);
  return text;
}

}  // namespace muster::simulator
