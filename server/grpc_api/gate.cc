// In the order of cost and of what a stranger may learn: the key first, then the role, then the
// request, and waiting last. Nothing but the keys is read for a caller without a valid one.
#include "server/grpc_api/gate.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "server/errors/errors.h"
#include "server/grpc_api/position_text.h"

namespace muster::server {
namespace {

// Longer than a UUID with a prefix; it is kept for ten minutes for each change.
constexpr size_t kLongestRequestId = 64;
// A node that lags further is ill, and the client does better elsewhere.
constexpr absl::Duration kLongestWait = absl::Seconds(2);
// Old reads are better than none: without a quorum there is nothing to wait for.
constexpr absl::Duration kLongestBarrier = absl::Seconds(1);
// A quarter of the listener's threads: any key can name a position that never comes, and each such
// call holds a thread; the others' calls must find one.
constexpr int kMostWaiting = 64;

// The value of a metadata key; empty where it is absent or there twice.
absl::string_view Metadata(const grpc::ServerContextBase& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto range = all.equal_range(key);
  if (range.first == range.second || std::next(range.first) != range.second) return {};
  return {range.first->second.data(), range.first->second.size()};
}

// protobuf promises no order for map fields, and labels are maps: without this the same request
// could have another digest when it is repeated (protobuf docs, "Serialization Is Not Canonical").
std::string Deterministic(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// By reflection, so that a new method has dedup and validate_only as soon as its request has the
// fields: there is nothing to forget in a handler.
absl::StatusOr<AuditedCall> Describe(absl::string_view method,
                                     const google::protobuf::Message& request) {
  AuditedCall call;
  call.method = std::string(method);
  const auto* validate = request.GetDescriptor()->FindFieldByName("validate_only");
  call.validate_only = validate != nullptr && request.GetReflection()->GetBool(request, validate);
  const google::protobuf::FieldDescriptor* field =
      request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr) return call;
  call.request_id = request.GetReflection()->GetString(request, field);
  if (call.request_id.empty()) return call;
  if (call.request_id.size() > kLongestRequestId || CleanText(call.request_id) != call.request_id) {
    return BadField("request_id", "wants at most 64 characters without control characters");
  }
  // The digest is of all but the id itself. validate_only counts too, so a trial and the real call
  // under one id are different requests.
  const std::unique_ptr<google::protobuf::Message> copy(request.New());
  copy->CopyFrom(request);
  copy->GetReflection()->ClearField(copy.get(), field);
  call.request_digest = Hash256(Deterministic(*copy));
  return call;
}

}  // namespace

absl::Status Gate::WaitForPosition(grpc::ServerContextBase& context, bool changes) const {
  const absl::string_view text = Metadata(context, kPositionKey);
  if (text.empty()) {
    // What the barrier says and not what is known of the log: that lags behind a lost connection.
    if (log_.ReadBarrier(kLongestBarrier).ok()) return absl::OkStatus();
    const LogHealth health = log_.Health();
    const std::string why = health.state == LogState::kServing ? "no answer of the log in time"
                                                               : std::string(NameOf(health.state));
    // Judged by an old state it might be told that what it names is not there.
    if (changes) {
      return absl::UnavailableError(
          absl::StrCat("this node can't change anything now: ", why,
                       health.reason.empty() ? "" : absl::StrCat(" (", health.reason, ")"),
                       "; nothing was done, repeat the call with the same request id"));
    }
    context.AddTrailingMetadata(kStaleKey, why);
    return absl::OkStatus();
  }
  const std::optional<Position> position = ParsePosition(text);
  if (!position.has_value()) {
    // Refused and not passed over: a client that sends a broken one believes to read its own
    // writes.
    return BadField(kPositionKey, "is not a position that a trailer gave");
  }
  const absl::Status applied = log_.WaitUntilApplied(*position, absl::ZeroDuration());
  if (!absl::IsDeadlineExceeded(applied)) return applied;
  const bool room = ++waiting_ <= kMostWaiting;
  const absl::Status status =
      room ? log_.WaitUntilApplied(*position, kLongestWait) : TooManyWaiting();
  --waiting_;
  return status;
}

absl::StatusOr<ApiCall> Gate::OpenAtOnce(const grpc::ServerContextBase& context,
                                         absl::string_view method,
                                         const google::protobuf::Message& request) const {
  ASSIGN_OR_RETURN(Caller caller, authorizer_.Authenticate(Metadata(context, "authorization")));
  RETURN_IF_ERROR(authorizer_.CheckMethod(caller, method));
  ASSIGN_OR_RETURN(AuditedCall audited, Describe(method, request));
  return ApiCall(authorizer_, std::move(caller), std::move(audited));
}

bool Gate::MayBeKnownElsewhere(const grpc::ServerContextBase& context,
                               const absl::Status& refusal) {
  return absl::IsUnauthenticated(refusal) &&
         Authorizer::HoldsKey(Metadata(context, "authorization"));
}

absl::StatusOr<ApiCall> Gate::Open(grpc::ServerContextBase& context, absl::string_view method,
                                   const google::protobuf::Message& request) const {
  // Before the wait, so that only valid keys can make a thread wait for long.
  absl::StatusOr<ApiCall> first = OpenAtOnce(context, method, request);
  const bool again = MayBeKnownElsewhere(context, first.status()) && look_.Wait();
  ASSIGN_OR_RETURN(ApiCall call, again ? OpenAtOnce(context, method, request) : std::move(first));
  const bool changes = request.GetDescriptor()->FindFieldByName("request_id") != nullptr;
  RETURN_IF_ERROR(WaitForPosition(context, changes));
  return call;
}

grpc::Status Gate::Close(grpc::ServerContextBase& context, absl::string_view method,
                         const absl::Status& status) const {
  // What the client gets of these is no more than a hint (status_convert.cc), so the log must have
  // it.
  if (status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown ||
      status.code() == absl::StatusCode::kDataLoss) {
    LogError("api", "call failed",
             {{"method", std::string(method)}, {"error", std::string(status.message())}});
  }
  // Strangers learn nothing of the log.
  if (status.code() != absl::StatusCode::kUnauthenticated) {
    context.AddTrailingMetadata(kPositionKey, FormatPosition(log_.AppliedPosition()));
  }
  if (observer_) observer_(method, static_cast<grpc::StatusCode>(status.code()));
  return ToGrpcStatus(status);
}

}  // namespace muster::server
