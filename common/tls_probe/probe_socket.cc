#include "common/tls_probe/probe_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/time/clock.h"

namespace muster {

ProbeSocket::ProbeSocket(absl::string_view address, const Deadline& deadline)
    : deadline_(deadline) {
  const size_t colon = address.rfind(':');
  host_ = std::string(address.substr(0, colon));
  const std::string port(colon == absl::string_view::npos ? "" : address.substr(colon + 1));
  if (host_.size() > 2 && host_.front() == '[') host_ = host_.substr(1, host_.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host_.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    problem_ = gai_strerror(error);
    return;
  }
  for (const addrinfo* at = found; at != nullptr && fd_ < 0; at = at->ai_next) {
    if (ConnectTo(*at)) problem_.clear();
  }
  freeaddrinfo(found);
}

ProbeSocket::~ProbeSocket() {
  if (fd_ >= 0) close(fd_);
}

bool ProbeSocket::ConnectTo(const addrinfo& address) {
  fd_ = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int error = fd_ < 0 ? errno : 0;
  if (fd_ >= 0 && connect(fd_, address.ai_addr, address.ai_addrlen) != 0) {
    error = errno;
    socklen_t size = sizeof(error);
    if (error == EINPROGRESS) {
      error = ETIMEDOUT;
      if (Wait(true)) getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error == 0) return true;
  problem_ = std::strerror(error);
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  return false;
}

bool ProbeSocket::Wait(bool to_write) const {
  pollfd wanted{fd_, static_cast<short>(to_write ? POLLOUT : POLLIN), 0};
  const int64_t left = absl::ToInt64Milliseconds(deadline_.Left());
  return poll(&wanted, 1, static_cast<int>(std::max<int64_t>(left, 0))) > 0;
}

}  // namespace muster
