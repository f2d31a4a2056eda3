// Channels to the members of an etcd cluster, and which of them is asked now.
//
// Threads:  safe to call from any thread.
// Owns:     a channel per member.
// Errors:   Make: InvalidArgument for URLs, FailedPrecondition for files.
// Example:  etcd_process_test.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/command_log/etcd/etcd_service.grpc.pb.h"
#include "server/command_log/etcd/grpc_etcd.h"

namespace muster::server {

struct EtcdMember {
  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<etcdserverpb::KV::Stub> kv;
  std::unique_ptr<etcdserverpb::Watch::Stub> watch;
  std::unique_ptr<etcdserverpb::Lease::Stub> lease;
  std::unique_ptr<etcdserverpb::Maintenance::Stub> maintenance;
  std::unique_ptr<etcdserverpb::Auth::Stub> auth;
};

class EtcdMembers {
 public:
  static absl::StatusOr<std::unique_ptr<EtcdMembers>> Make(const EtcdTerms& terms);

  // Who is asked now, and its number.
  size_t Current() const { return current_ % members_.size(); }
  EtcdMember& at(size_t number) { return members_[number]; }
  size_t size() const { return members_.size(); }
  // `number` failed: the next one is asked, unless somebody went on already.
  void GoOnFrom(size_t number);

 private:
  explicit EtcdMembers(std::vector<EtcdMember> members);

  std::vector<EtcdMember> members_;
  std::atomic<size_t> current_;
};

// By code, message kept.
absl::Status ToAbsl(const grpc::Status& status);

}  // namespace muster::server
