// A connection with a deadline over all that is done with it.
//
// Threads:  one.
// Owns:     the socket.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/deadline.h"

struct addrinfo;

namespace muster {

class ProbeSocket {
 public:
  // Connects to HOST:PORT; `problem` says why not, empty: it did.
  ProbeSocket(absl::string_view address, const Deadline& deadline);
  ~ProbeSocket();
  ProbeSocket(const ProbeSocket&) = delete;
  ProbeSocket& operator=(const ProbeSocket&) = delete;

  int fd() const { return fd_; }
  const std::string& host() const { return host_; }
  const std::string& problem() const { return problem_; }

  // Until it can be read or written; false: the deadline came.
  bool Wait(bool to_write) const;

 private:
  bool ConnectTo(const addrinfo& address);

  const Deadline deadline_;
  std::string host_;
  std::string problem_;
  int fd_ = -1;
};

}  // namespace muster
