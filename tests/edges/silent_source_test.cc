// A stop while a node takes a snapshot from one that lives, answers keepalives, and sends nothing.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/sync/deadline.h"
#include "common/sync/mutex.h"
#include "gmock/gmock.h"
#include "server/nodes/node_client.h"
#include "server/pki/certificate_issuer.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using node::v1::FetchSnapshotRequest;
using node::v1::FetchSnapshotResponse;

// How often something has happened, for tests that wait for it.
class Counter {
 public:
  void Add() {
    const MutexLock lock(mutex_);
    ++count_;
    changed_.NotifyAll();
  }
  bool WaitFor(int count) {
    const Deadline end(absl::Seconds(30));
    MutexLock lock(mutex_);
    while (count_ < count && !end.HasPassed()) changed_.WaitFor(mutex_, end.Left());
    return count_ >= count;
  }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Sends as many chunks as it is told and then ends, or nothing until the caller has enough of it.
class SilentStream final : public grpc::ServerWriteReactor<FetchSnapshotResponse> {
 public:
  SilentStream(int chunks, bool ends, Counter& silent, Counter& cancelled)
      : left_(chunks), ends_(ends), silent_(silent), cancelled_(cancelled) {
    OnWriteDone(true);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return;
    if (left_-- > 0) {
      StartWrite(&chunk_);
    } else if (ends_) {
      FinishOnce(grpc::Status::OK);
    } else {
      silent_.Add();
    }
  }
  void OnCancel() override {
    cancelled_.Add();
    FinishOnce(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  void FinishOnce(const grpc::Status& status) {
    if (!finished_.exchange(true)) Finish(status);
  }

  int left_;
  const bool ends_;
  Counter& silent_;
  Counter& cancelled_;
  std::atomic<bool> finished_ = false;
  FetchSnapshotResponse chunk_;
};

class SilentNode final : public node::v1::NodeService::CallbackService {
 public:
  grpc::ServerWriteReactor<FetchSnapshotResponse>* FetchSnapshot(
      grpc::CallbackServerContext*, const FetchSnapshotRequest*) override {
    return new SilentStream(chunks, ends, silent, cancelled);
  }

  std::atomic<int> chunks = 0;
  std::atomic<bool> ends = false;
  Counter silent;
  Counter cancelled;
};

class SilentSourceTest : public EdgeHarness {
 protected:
  void SetUp() override {
    EdgeHarness::SetUp();
    const Identity own = *issuer().IssueServer({});
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = installation().keys.cluster_root.pem;
    options.pem_key_cert_pairs.push_back({std::string(own.key_pem.Reveal()), own.chain_pem});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port);
    builder.RegisterService(&node_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    silent_address_ = absl::StrCat("127.0.0.1:", port);
    client_ =
        std::make_unique<NodeClient>(*issuer().IssueNode(5), installation().keys.cluster_root.pem);
  }
  void TearDown() override {
    client_.reset();
    server_->Shutdown();
    server_.reset();
    EdgeHarness::TearDown();
  }

  absl::Status Fetch() {
    return client_->FetchSnapshot(
        silent_address_, "", 0,
        [this](const FetchSnapshotResponse&) {
          ++taken_;
          return absl::OkStatus();
        },
        [this] { return wants_end_.load(); });
  }

  SilentNode node_;
  std::unique_ptr<grpc::Server> server_;
  std::string silent_address_;
  std::unique_ptr<NodeClient> client_;
  std::atomic<bool> wants_end_ = false;
  int taken_ = 0;
};

TEST_F(SilentSourceTest, AStopEndsACallToWhichNothingEverCame) {
  absl::Status ended;
  std::thread caller([&] { ended = Fetch(); });
  EXPECT_TRUE(node_.silent.WaitFor(1));
  const Deadline at_once(absl::Seconds(10));
  wants_end_ = true;
  caller.join();
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled) << ended;
  EXPECT_FALSE(at_once.HasPassed());
  EXPECT_TRUE(node_.cancelled.WaitFor(1)) << "the other node has heard of it";
}

TEST_F(SilentSourceTest, AStopEndsACallThatFellSilentInItsMiddle) {
  node_.chunks = 3;
  absl::Status ended;
  std::thread caller([&] { ended = Fetch(); });
  EXPECT_TRUE(node_.silent.WaitFor(1));
  wants_end_ = true;
  caller.join();
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled) << ended;
  EXPECT_LE(taken_, 3);
}

TEST_F(SilentSourceTest, AStopBeforeTheCallEndsItToo) {
  wants_end_ = true;
  EXPECT_EQ(Fetch().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(taken_, 0);
}

// Under TSan and ASan: the thread that may cancel never meets a call that has ended.
TEST_F(SilentSourceTest, AStopAtTheMomentTheCallEndsMeetsNoCallThatIsGone) {
  node_.ends = true;
  for (int i = 0; i < 50; ++i) {
    node_.chunks = i;
    wants_end_ = i % 2 == 1;
    std::thread stop([this] { wants_end_ = true; });
    const absl::Status ended = Fetch();
    EXPECT_TRUE(ended.ok() || ended.code() == absl::StatusCode::kCancelled) << ended;
    stop.join();
  }
}

}  // namespace
}  // namespace muster::server
