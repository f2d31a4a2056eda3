// What every call of muster.v1 passes: the key is checked, the method's role, the request id, the
// position to wait for; and on the way out the position in the trailer and the rich error. A call
// that names no position sees all that any node had answered before it; where the log can't say so
// (no quorum), a read goes on with what this node has, and the trailer "muster-stale" says why; a
// change is Unavailable.
//
// The handlers' bodies run between Open and Close; that is why none of them looks at metadata, and
// why a method cannot forget to ask for the role: methods without a row in access/method_rules are
// refused.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   up to 2 s where the client names a position that this node has not applied yet; a
//           millisecond or two on one of several nodes, up to 1 s while etcd is in trouble.
// Errors:   Unauthenticated and PermissionDenied (authorizer.h); InvalidArgument for a request
//           id or position that can't be; DeadlineExceeded for a position that did not come;
//           ResourceExhausted where too many calls wait for one.
// Example:  any *_service.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "server/access/audited_call.h"
#include "server/access/authorizer.h"
#include "server/command_log/log/command_log.h"
#include "server/command_log/log/second_look.h"
#include "server/grpc_api/status_convert.h"

namespace muster::server {

// A call that was let in. For one organization that is not enough yet: rules take an
// OrganizationScope, and Enter is the only way to one.
class ApiCall {
 public:
  ApiCall(const Authorizer& authorizer, Caller caller, AuditedCall audited)
      : authorizer_(authorizer), caller_(std::move(caller)), audited_(std::move(audited)) {}

  const Caller& caller() const { return caller_; }
  // What a change carries into the log and the audit: method, request id, digest of the request.
  const AuditedCall& audited() const { return audited_; }
  // Lets the caller into organization `slug`. NotFound where it isn't there, and just so where it
  // is another's: a caller must not learn the names of other tenants.
  absl::StatusOr<OrganizationScope> Enter(absl::string_view slug) const {
    return authorizer_.Enter(caller_, slug);
  }

 private:
  const Authorizer& authorizer_;
  Caller caller_;
  AuditedCall audited_;
};

// Told of each call that ended, for metrics.
using CallObserver = std::function<void(absl::string_view method, grpc::StatusCode code)>;

// Two ways in: an ordinary handler has a thread of its own and may wait for a position; a reactor
// runs on threads that gRPC shares among all streams and must not.
class Gate {
 public:
  // `observer` may be empty; it is called on the handler's thread and must not block.
  Gate(const Authorizer& authorizer, CommandLog& log, CallObserver observer)
      : authorizer_(authorizer), log_(log), observer_(std::move(observer)), look_(log) {}

  // Lets a call in, or says why not. A key that this node does not know may have been made at
  // another a moment ago: then it looks once more when it has heard of all that was written.
  absl::StatusOr<ApiCall> Open(grpc::ServerContextBase& context, absl::string_view method,
                               const google::protobuf::Message& request) const;
  // The same without waiting for a position, for callers that must not block.
  absl::StatusOr<ApiCall> OpenAtOnce(const grpc::ServerContextBase& context,
                                     absl::string_view method,
                                     const google::protobuf::Message& request) const;

  // Whether it's worth to ask `look` before a call is refused with `refusal`.
  static bool MayBeKnownElsewhere(const grpc::ServerContextBase& context,
                                  const absl::Status& refusal);
  SecondLook& look() const { return look_; }

  // What a call ends with.
  grpc::Status Close(grpc::ServerContextBase& context, absl::string_view method,
                     const absl::Status& status) const;

  // Open, `body(call)`, Close.
  template <typename Body>
  grpc::Status Run(grpc::ServerContextBase& context, absl::string_view method,
                   const google::protobuf::Message& request, Body body) const {
    absl::StatusOr<ApiCall> call = Open(context, method, request);
    return Close(context, method, call.ok() ? body(*call) : call.status());
  }

 private:
  // Where the client names no position, waits for what others have written, 1 s at most, and is ok
  // in any case. Ok at once for a position that is applied; else it waits at most 2 s, then
  // DeadlineExceeded; ResourceExhausted where too many wait already.
  absl::Status WaitForPosition(grpc::ServerContextBase& context, bool changes) const;

  const Authorizer& authorizer_;
  CommandLog& log_;
  const CallObserver observer_;
  mutable std::atomic<int> waiting_ = 0;
  mutable SecondLook look_;
};

}  // namespace muster::server
