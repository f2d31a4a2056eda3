// Job watches without gRPC: slow readers, readers that go, keys that end.
#include "server/jobs/job_watch.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/sync/mutex.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "server/access/api_key_text.h"
#include "server/filter/filter.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

// Takes messages only when it is told to.
class FakeSink : public JobWatchSink {
 public:
  void Begun(uint64_t watch) override {
    MutexLock lock(mutex_);
    watch_ = watch;
    Called();
  }
  void Send(const OrganizationScope& scope, const JobWatchMessage& message) override {
    MutexLock lock(mutex_);
    messages_.push_back(message);
    Called();
  }
  void Abort() override {
    MutexLock lock(mutex_);
    ++aborts_;
    Called();
  }
  void End(const absl::Status& status) override {
    MutexLock lock(mutex_);
    end_ = status;
    Called();
  }

  // Waits until `done` holds after a call; false after 10 s without one.
  bool WaitUntil(const std::function<bool()>& done) {
    for (uint64_t seen = 0; !done();) {
      MutexLock lock(mutex_);
      while (calls_ == seen) {
        if (!called_.WaitFor(mutex_, absl::Seconds(10))) return false;
      }
      seen = calls_;
    }
    return true;
  }

  uint64_t watch() const {
    MutexLock lock(mutex_);
    return watch_;
  }
  size_t count() const {
    MutexLock lock(mutex_);
    return messages_.size();
  }
  JobWatchMessage message(size_t i) const {
    MutexLock lock(mutex_);
    return messages_.at(i);
  }
  int aborts() const {
    MutexLock lock(mutex_);
    return aborts_;
  }
  std::optional<absl::Status> end() const {
    MutexLock lock(mutex_);
    return end_;
  }

 private:
  void Called() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++calls_;
    called_.NotifyAll();
  }

  mutable Mutex mutex_;
  ConditionVariable called_;
  uint64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<JobWatchMessage> messages_ ABSL_GUARDED_BY(mutex_);
  int aborts_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

class JobWatchTest : public testing::Test {
 protected:
  JobWatchTest() {
    device_ = server_.EnrollDevice("default", "gw");
    server_.CheckIn(device_);
    key_ = server_.MakeKey("default", v1::ROLE_OPERATOR);
    NewJob terms;
    terms.device = DeviceId{IdOfName(device_)};
    terms.script = ":put 1";
    job_ = board_.Create(Scope(), {"test", "", ""}, terms, false)->id;
  }

  OrganizationScope Scope() {
    return *authorizer_.Enter(*authorizer_.Authenticate("Bearer " + key_), "default");
  }

  ApiTestServer server_;
  Authorizer authorizer_{server_.state()};
  DeviceDirectory devices_{server_.state(), server_.log()};
  JobBoard board_{server_.state(), server_.log(), devices_, server_.installation().master_key};
  JobWatches watches_{server_.state(), board_, authorizer_};
  FakeSink sink_;
  std::string device_;
  std::string key_;
  JobId job_;
};

TEST_F(JobWatchTest, ASlowReaderMissesStepsInBetweenButNotTheEnd) {
  ASSERT_TRUE(watches_.Start(Scope(), job_, {}, &sink_).ok());
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.count() == 1; }));
  server_.RunJob(device_, true, "done");
  EXPECT_EQ(sink_.count(), 1u) << "nothing is sent before the first message was taken";
  watches_.Taken(sink_.watch(), true);
  size_t taken = 1;
  ASSERT_TRUE(sink_.WaitUntil([&] {
    for (; taken < sink_.count(); ++taken) watches_.Taken(sink_.watch(), true);
    return sink_.end().has_value();
  }));
  EXPECT_TRUE(sink_.end()->ok());
  EXPECT_LE(sink_.count(), 4u);
  bool succeeded = false;
  for (size_t i = 0; i < sink_.count(); ++i) {
    for (const JobTargetRow& row : sink_.message(i).targets) {
      succeeded = succeeded || row.target.state == JobTargetState::kSucceeded;
    }
  }
  EXPECT_TRUE(succeeded);
  EXPECT_EQ(watches_.size(), 0u);
}

TEST_F(JobWatchTest, AReaderThatHasGoneEndsItsWatch) {
  ASSERT_TRUE(watches_.Start(Scope(), job_, {}, &sink_).ok());
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.count() == 1; }));
  watches_.Cancel(sink_.watch());
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.aborts() == 1; }));
  EXPECT_FALSE(sink_.end().has_value()) << "the message is still under way";
  watches_.Taken(sink_.watch(), false);
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.end().has_value(); }));
  EXPECT_EQ(watches_.size(), 0u);
}

TEST_F(JobWatchTest, AReaderThatTakesNothingIsCutOffWhenItsKeyIsRevoked) {
  ASSERT_TRUE(watches_.Start(Scope(), job_, {}, &sink_).ok());
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.count() == 1; }));
  v1::RevokeApiKeyRequest revoke;
  revoke.set_name("apiKeys/" + FormatId(*IdOfApiKey(key_)));
  v1::RevokeApiKeyResponse revoked;
  ASSERT_TRUE(v1::ApiKeyService::NewStub(server_.channel())
                  ->RevokeApiKey(server_.Context(server_.root_key()).get(), revoke, &revoked)
                  .ok());
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.aborts() == 1; }));
  watches_.Taken(sink_.watch(), false);
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.end().has_value(); }));
  EXPECT_EQ(sink_.end()->code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(JobWatchTest, AnUnknownJobIsNotFoundAndUsesNothing) {
  EXPECT_EQ(watches_.Start(Scope(), JobId{RandomId()}, {}, &sink_).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(watches_.size(), 0u);
}

}  // namespace
}  // namespace muster::server
