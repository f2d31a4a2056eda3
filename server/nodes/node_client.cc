#include "server/nodes/node_client.h"

#include <grpcpp/grpcpp.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"

namespace muster::server {
namespace {

absl::Status FromWire(absl::string_view address, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()),
          absl::StrCat("node at ", address, ": ", status.error_message())};
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const Identity& own,
                                       const std::string& cluster_root_pem) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = cluster_root_pem;
  options.pem_private_key = std::string(own.key_pem.Reveal());
  options.pem_cert_chain = own.chain_pem;
  grpc::ChannelArguments arguments;
  // The address may be no name of the certificate; that it stands for a node is what counts.
  arguments.SetSslTargetNameOverride(std::string(kAnyNode));
  // A node that froze is noticed in 7 s, as edges notice it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 4'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

// One node that is asked.
struct Question {
  std::shared_ptr<node::v1::NodeService::Stub> stub;
  grpc::ClientContext context;
  node::v1::AskContactsResponse response;
  grpc::Status status;
};

// How many answers are still to come, and whether one was good.
class Answers {
 public:
  void Expect() {
    MutexLock lock(mutex_);
    ++missing_;
  }
  void Take(bool good) {
    MutexLock lock(mutex_);
    --missing_;
    good_ |= good;
    changed_.NotifyAll();
  }
  // Or until all have come.
  void WaitForGoodOne() {
    MutexLock lock(mutex_);
    while (missing_ > 0 && !good_) changed_.WaitFor(mutex_, absl::Seconds(1));
  }
  void WaitForAll() {
    MutexLock lock(mutex_);
    while (missing_ > 0) changed_.WaitFor(mutex_, absl::Seconds(1));
  }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  int missing_ ABSL_GUARDED_BY(mutex_) = 0;
  bool good_ ABSL_GUARDED_BY(mutex_) = false;
};

// Cancels a call, which outlives it, once `wants_end` says so. Its thread is gone when it is
// destroyed, so that nobody cancels a call that is no more.
class CallEnder {
 public:
  CallEnder(grpc::ClientContext& context, const std::function<bool()>& wants_end)
      : context_(context), wants_end_(wants_end), thread_([this] { Run(); }) {}
  ~CallEnder() {
    {
      const MutexLock lock(mutex_);
      over_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }

 private:
  void Run() {
    while (!wants_end_()) {
      const Deadline next(NodeClient::kLook);
      MutexLock lock(mutex_);
      while (!over_ && !next.HasPassed()) changed_.WaitFor(mutex_, next.Left());
      if (over_) return;
    }
    context_.TryCancel();
  }

  grpc::ClientContext& context_;
  const std::function<bool()>& wants_end_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<node::v1::DescribeNodeResponse> NodeClient::Describe(absl::string_view address,
                                                                    absl::Duration deadline) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
  node::v1::DescribeNodeResponse response;
  RETURN_IF_ERROR(FromWire(address, StubOf(address)->DescribeNode(
                                        &context, node::v1::DescribeNodeRequest(), &response)));
  return response;
}

absl::StatusOr<node::v1::AskContactsResponse> NodeClient::AskContacts(
    const std::vector<std::string>& addresses, uint64_t device, absl::Duration deadline) {
  node::v1::AskContactsRequest request;
  request.set_device_id(device);
  const absl::Time end = absl::Now() + deadline;
  std::vector<std::unique_ptr<Question>> questions;
  Answers answers;
  for (const std::string& address : addresses) {
    questions.push_back(std::make_unique<Question>());
    Question& question = *questions.back();
    question.stub = StubOf(address);
    question.context.set_deadline(absl::ToChronoTime(end));
    answers.Expect();
    question.stub->async()->AskContacts(&question.context, &request, &question.response,
                                        [&question, &answers](const grpc::Status& status) {
                                          question.status = status;
                                          answers.Take(status.ok());
                                        });
  }
  answers.WaitForGoodOne();
  // The others are of no use any more; their callbacks must have come before this returns.
  for (const auto& question : questions) question->context.TryCancel();
  answers.WaitForAll();
  std::string silent;
  for (size_t i = 0; i < questions.size(); ++i) {
    const grpc::Status& status = questions[i]->status;
    if (status.ok()) return std::move(questions[i]->response);
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) continue;
    absl::StrAppend(&silent, silent.empty() ? "" : "; ",
                    std::string(FromWire(addresses[i], status).message()));
  }
  if (silent.empty()) return absl::NotFoundError("no other node has the edge");
  return absl::UnavailableError(silent);
}

absl::Status NodeClient::FetchSnapshot(
    absl::string_view address, absl::string_view snapshot_id, uint64_t offset,
    const std::function<absl::Status(node::v1::FetchSnapshotResponse)>& take,
    const std::function<bool()>& wants_end) {
  // Without a deadline: a node that died is noticed by its silence (keepalive), and a large state
  // takes as long as it takes.
  grpc::ClientContext context;
  // The only one to hear of it where a node lives and sends nothing.
  const CallEnder ender(context, wants_end);
  node::v1::FetchSnapshotRequest request;
  request.set_snapshot_id(std::string(snapshot_id));
  request.set_offset(offset);
  const std::shared_ptr<Stub> stub = StubOf(address);
  const auto reader = stub->FetchSnapshot(&context, request);
  node::v1::FetchSnapshotResponse response;
  absl::Status refused;
  while (refused.ok() && reader->Read(&response)) refused = take(std::move(response));
  if (!refused.ok()) context.TryCancel();
  const absl::Status ended = FromWire(address, reader->Finish());
  return refused.ok() ? ended : refused;
}

std::shared_ptr<NodeClient::Stub> NodeClient::StubOf(absl::string_view address) {
  const MutexLock lock(mutex_);
  const auto found = stubs_.find(address);
  if (found != stubs_.end()) return found->second;
  const std::string key(address);
  std::shared_ptr<Stub> stub =
      node::v1::NodeService::NewStub(Connect(key, own_, cluster_root_pem_));
  stubs_.emplace(key, stub);
  return stub;
}

}  // namespace muster::server
