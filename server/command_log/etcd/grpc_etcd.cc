#include "server/command_log/etcd/grpc_etcd.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"
#include "common/sync/mutex.h"
#include "server/command_log/etcd/etcd_members.h"
#include "server/command_log/etcd/etcd_replies.h"
#include "server/command_log/etcd/grpc_watch.h"

namespace muster::server {
namespace {

namespace pb = etcdserverpb;

// What one member gets of a read's time, so that a frozen one doesn't use it up.
constexpr absl::Duration kReadAttempt = absl::Seconds(1);

// How long a member that isn't connected is waited for.
constexpr absl::Duration kConnect = absl::Milliseconds(700);

// Without gRPC's own beginning, which says nothing more.
// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: ..." in gRPC 1.51.
absl::string_view ReasonOf(absl::string_view message) {
  constexpr absl::string_view kLastError = "last error: ";
  const size_t last = message.find(kLastError);
  if (last != absl::string_view::npos) message.remove_prefix(last + kLastError.size());
  absl::ConsumePrefix(&message, "UNKNOWN: ");
  return message;
}

// A blocking client moves its connection on only while a call waits: a call that fails fast, then a
// pause, would never let it come up.
grpc::Status Reach(EtcdMember& member, absl::Duration timeout) {
  const auto wait = absl::ToChronoMicroseconds(std::min(timeout, kConnect));
  if (member.channel->WaitForConnected(std::chrono::system_clock::now() + wait)) {
    return grpc::Status::OK;
  }
  // Why, only a call says, and fails at once where the channel does not connect.
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  pb::StatusResponse response;
  const grpc::Status status = member.maintenance->Status(&context, pb::StatusRequest(), &response);
  const std::string why = status.error_code() == grpc::StatusCode::UNAVAILABLE
                              ? absl::StrCat(": ", ReasonOf(status.error_message()))
                              : "";
  return {grpc::StatusCode::UNAVAILABLE,
          absl::StrCat("no connection to etcd at ", member.address, why)};
}

bool IsTokenProblem(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
}

// The member may be the problem: another one may do better.
bool IsMemberProblem(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

class GrpcEtcd : public Etcd {
 public:
  GrpcEtcd(std::unique_ptr<EtcdMembers> members, const EtcdTerms& terms)
      : members_(std::move(members)), user_(terms.user), password_(terms.password) {}

  absl::StatusOr<EtcdAnswer> Get(const EtcdGet& get, absl::Duration timeout) override {
    pb::RangeRequest request;
    request.set_key(std::string(get.key));
    request.set_revision(get.revision);
    request.set_keys_only(get.without_value);
    pb::RangeResponse response;
    RETURN_IF_ERROR(Read(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->Range(&context, request, &response);
    }));
    return AnswerIn(std::move(response), get.key);
  }

  absl::StatusOr<std::vector<std::pair<std::string, EtcdValue>>> List(
      absl::string_view prefix, absl::Duration timeout) override {
    pb::RangeRequest request;
    request.set_key(std::string(prefix));
    // The first key that no longer begins with it; its last byte is a slash.
    std::string end(prefix);
    ++end.back();
    request.set_range_end(std::move(end));
    pb::RangeResponse response;
    RETURN_IF_ERROR(Read(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->Range(&context, request, &response);
    }));
    return ListIn(std::move(response), prefix);
  }

  absl::Status Put(absl::string_view key, absl::string_view value,
                   absl::Duration timeout) override {
    pb::PutRequest request;
    request.set_key(std::string(key));
    request.set_value(std::string(value));
    pb::PutResponse response;
    return Once(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->Put(&context, request, &response);
    });
  }

  absl::Status Delete(absl::string_view key, absl::Duration timeout) override {
    pb::DeleteRangeRequest request;
    request.set_key(std::string(key));
    pb::DeleteRangeResponse response;
    return Once(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->DeleteRange(&context, request, &response);
    });
  }

  absl::StatusOr<std::optional<EtcdValue>> PutIfAbsent(absl::string_view key,
                                                       absl::string_view value, int64_t lease,
                                                       absl::Duration timeout) override {
    pb::TxnRequest request;
    pb::Compare& absent = *request.add_compare();
    absent.set_target(pb::Compare::CREATE);
    absent.set_key(std::string(key));
    absent.set_create_revision(0);
    pb::PutRequest& put = *request.add_success()->mutable_request_put();
    put.set_key(std::string(key));
    put.set_value(std::string(value));
    put.set_lease(lease);
    request.add_failure()->mutable_request_range()->set_key(std::string(key));
    pb::TxnResponse response;
    RETURN_IF_ERROR(Once(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->Txn(&context, request, &response);
    }));
    return HolderIn(std::move(response), key);
  }

  std::unique_ptr<EtcdWatch> Watch(absl::string_view key, int64_t from_revision) override {
    const size_t number = members_->Current();
    auto context = std::make_unique<grpc::ClientContext>();
    Authorize(*context);
    return OpenGrpcWatch(*members_->at(number).watch, std::move(context), key, from_revision,
                         [this, number](const absl::Status& status) {
                           if (absl::IsUnauthenticated(status)) ForgetToken();
                           members_->GoOnFrom(number);
                         });
  }

  absl::Status Compact(int64_t revision, absl::Duration timeout) override {
    pb::CompactionRequest request;
    request.set_revision(revision);
    pb::CompactionResponse response;
    return Once(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->Compact(&context, request, &response);
    });
  }

  absl::StatusOr<EtcdStatus> Status(absl::Duration timeout) override {
    pb::StatusResponse status;
    RETURN_IF_ERROR(Read(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.maintenance->Status(&context, pb::StatusRequest(), &status);
    }));
    pb::AlarmResponse alarms;
    RETURN_IF_ERROR(Read(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.maintenance->Alarm(&context, pb::AlarmRequest(), &alarms);
    }));
    return StatusIn(status, alarms);
  }

  absl::StatusOr<int64_t> GrantLease(absl::Duration ttl, absl::Duration timeout) override {
    pb::LeaseGrantRequest request;
    request.set_ttl(absl::ToInt64Seconds(ttl));
    pb::LeaseGrantResponse response;
    RETURN_IF_ERROR(Once(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.lease->LeaseGrant(&context, request, &response);
    }));
    return response.id();
  }

  absl::Status KeepLease(int64_t lease, absl::Duration timeout) override {
    pb::LeaseKeepAliveRequest request;
    request.set_id(lease);
    pb::LeaseKeepAliveResponse response;
    RETURN_IF_ERROR(Once(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      const auto stream = member.lease->LeaseKeepAlive(&context);
      const bool answered = stream->Write(request) && stream->Read(&response);
      stream->WritesDone();
      if (answered) {
        context.TryCancel();
        stream->Finish();
        return grpc::Status::OK;
      }
      const grpc::Status status = stream->Finish();
      return status.ok() ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "no answer") : status;
    }));
    return response.ttl() > 0 ? absl::OkStatus() : absl::NotFoundError("the lease has ended");
  }

  absl::Status RevokeLease(int64_t lease, absl::Duration timeout) override {
    pb::LeaseRevokeRequest request;
    request.set_id(lease);
    pb::LeaseRevokeResponse response;
    return Once(timeout, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.lease->LeaseRevoke(&context, request, &response);
    });
  }

 private:
  using Call = std::function<grpc::Status(EtcdMember&, grpc::ClientContext&)>;

  // One attempt at one member, and one more with a new token.
  grpc::Status Attempt(absl::Duration timeout, const Call& call) {
    const size_t number = members_->Current();
    EtcdMember& member = members_->at(number);
    grpc::Status status = Reach(member, timeout);
    if (status.ok()) status = LogIn(member, timeout);
    for (int attempt = 0; status.ok() && attempt < 2; ++attempt) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
      Authorize(context);
      status = call(member, context);
      if (!IsTokenProblem(status) || user_.empty() || attempt == 1) break;
      ForgetToken();
      status = LogIn(member, timeout);
    }
    if (IsMemberProblem(status)) members_->GoOnFrom(number);
    return status;
  }

  absl::Status Once(absl::Duration timeout, const Call& call) {
    return ToAbsl(Attempt(timeout, call));
  }

  absl::Status Read(absl::Duration timeout, const Call& call) {
    const Deadline deadline(timeout);
    grpc::Status status;
    for (size_t attempt = 0; attempt < members_->size(); ++attempt) {
      const absl::Duration left = deadline.Left();
      if (left <= absl::ZeroDuration()) break;
      const bool last = attempt + 1 == members_->size();
      status = Attempt(last ? left : std::min(left, kReadAttempt), call);
      if (!IsMemberProblem(status)) break;
    }
    return ToAbsl(status);
  }

  grpc::Status LogIn(EtcdMember& member, absl::Duration timeout) {
    if (user_.empty() || !Token().empty()) return grpc::Status::OK;
    pb::AuthenticateRequest request;
    request.set_name(user_);
    request.set_password(std::string(password_.Reveal()));
    pb::AuthenticateResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
    const grpc::Status status = member.auth->Authenticate(&context, request, &response);
    if (!status.ok()) return status;
    MutexLock lock(mutex_);
    token_ = response.token();
    return status;
  }

  std::string Token() const {
    MutexLock lock(mutex_);
    return token_;
  }

  void ForgetToken() {
    MutexLock lock(mutex_);
    token_.clear();
  }

  void Authorize(grpc::ClientContext& context) const {
    const std::string token = Token();
    if (!token.empty()) context.AddMetadata("token", token);
  }

  const std::unique_ptr<EtcdMembers> members_;
  const std::string user_;
  const Secret password_;
  mutable Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Etcd>> ConnectToEtcd(const EtcdTerms& terms) {
  ASSIGN_OR_RETURN(std::unique_ptr<EtcdMembers> members, EtcdMembers::Make(terms));
  return std::make_unique<GrpcEtcd>(std::move(members), terms);
}

}  // namespace muster::server
