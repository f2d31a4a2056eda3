// Etcd over its own gRPC API.
//
// Calls go to one member at a time; when it fails, the next ones go to the next member. Reads try
// every member within their deadline; a write is tried once, since only its caller knows what a
// repetition would do.
//
// Threads:  as Etcd.
// Owns:     a channel per member.
// Errors:   Connect: InvalidArgument for URLs, FailedPrecondition for files; nothing is dialled.
// Example:  etcd_process_test.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/secrets/secrets.h"
#include "server/command_log/etcd/etcd.h"

namespace muster::server {

struct EtcdTerms {
  // "http://HOST:PORT" or "https://HOST:PORT", all of the same kind.
  std::vector<std::string> urls;
  // PEM files, for https: what the members' certificates are checked with (empty: the system's
  // roots), and the certificate that this client shows (empty: none).
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  // Empty: none.
  std::string user;
  Secret password;
};

absl::StatusOr<std::unique_ptr<Etcd>> ConnectToEtcd(const EtcdTerms& terms);

}  // namespace muster::server
