// A channel to musterd: TLS, the API key with each call, repeated attempts while it is unavailable.
//
// Threads:  one command uses it; its Call is safe to call from several threads.
// Blocks:   Call waits for the answer, at most 30 s an attempt.
// Errors:   Unauthenticated without a usable key; FailedPrecondition for an unreadable CA file;
//           what the server said (rpc_status.h), with what to do next where we know it.
// Example:
//   RETURN_IF_ERROR(connection.Call(CallKind::kRead, [&](grpc::ClientContext* context) {
//     return stub->GetDevice(context, request, &response);
//   }));
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/connection/settings.h"
#include "common/secrets/secrets.h"

namespace muster::cli {

enum class CallKind {
  kRead,
  // Carries a request id, so that repeating it is harmless.
  kWrite,
};

class Connection {
 public:
  // Reads the key and the CA file. Does not connect yet.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Settings& settings);

  // The same with a key that isn't in a file yet.
  static absl::StatusOr<std::unique_ptr<Connection>> OpenWithKey(const Settings& settings,
                                                                 Secret key);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // The id that all writes of this program run carry. Random unless set.
  const std::string& request_id() const { return request_id_; }
  void set_request_id(std::string request_id) { request_id_ = std::move(request_id); }

  // Called once a call, before it is tried again for the first time.
  void set_on_retry(std::function<void(const std::string& server)> on_retry) {
    on_retry_ = std::move(on_retry);
  }

  // Called once, with the reason, where a node answered without knowing whether it has everything.
  void set_on_stale(std::function<void(const std::string& why)> on_stale) {
    on_stale_ = std::move(on_stale);
  }

  // A change is safe to try again because every attempt carries the same request id.
  // Makes the call, again with back-off while the answer is Unavailable, for settings.retry_for.
  // Each attempt has `patience`; a call that works through everything that is stored needs more.
  absl::Status Call(CallKind kind, absl::FunctionRef<grpc::Status(grpc::ClientContext*)> call,
                    absl::Duration patience = absl::Seconds(30));

  // Waits before another attempt, and lets the channel connect meanwhile.
  void Pause(absl::Duration duration);

  // The caller decides when to try a stream again: only it knows what it has shown already.
  // For a stream, with the key but without a deadline.
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  // What to tell about a call that failed for good.
  absl::Status Explain(const grpc::Status& status, CallKind kind) const;

  absl::Duration retry_for() const { return settings_.retry_for; }

 private:
  void TellStale(const grpc::ClientContext& context);
  Connection(Settings settings, Secret key, std::shared_ptr<grpc::Channel> channel);

  const Settings settings_;
  // Goes into metadata only; no message holds any of it.
  const Secret key_;
  const std::shared_ptr<grpc::Channel> channel_;
  std::string request_id_;
  std::function<void(const std::string& server)> on_retry_;
  std::function<void(const std::string& why)> on_stale_;
};

// Reads a key file and checks that it can be a key. Unauthenticated says what to do.
absl::StatusOr<Secret> ReadApiKey(const std::string& path);
// InvalidArgument for what can't be a key; the message holds no part of it.
absl::Status CheckApiKey(const Secret& key);

}  // namespace muster::cli
