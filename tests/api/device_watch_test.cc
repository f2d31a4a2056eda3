// Device watches: over gRPC as clients see them, and without it where readers are slow or go.
#include "server/devices/device_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/sync/mutex.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/device_identity_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "server/access/api_key_text.h"
#include "tests/api/api_test_server.h"

namespace muster::server {
namespace {

// What a watcher has read changes without a change of the state: looks again and again.
bool WaitUntil(const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (!done()) {
    if (absl::Now() > deadline) return false;
    Mutex mutex;
    ConditionVariable never;
    MutexLock lock(mutex);
    never.WaitFor(mutex, absl::Milliseconds(5));
  }
  return true;
}

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Reads a stream on a thread of its own and keeps what it says.
class Watcher {
 public:
  // `goes_on`: from a token, so that it may be told of devices that it does not know.
  Watcher(ApiTestServer& server, const std::string& key, const v1::WatchDevicesRequest& request,
          bool goes_on = false)
      : goes_on_(goes_on),
        stub_(v1::DeviceService::NewStub(server.channel())),
        context_(server.Context(key)) {
    context_->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    reader_ = stub_->WatchDevices(context_.get(), request);
    thread_ = std::thread([this] { Read(); });
  }
  ~Watcher() {
    context_->TryCancel();
    thread_.join();
  }

  bool synced() const {
    MutexLock lock(mutex_);
    return synced_;
  }
  // Of the devices that are there now, by identity.
  std::vector<std::string> identities() const {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, device] : devices_) names.push_back(device.identity());
    return names;
  }
  v1::Device device(const std::string& name) const {
    MutexLock lock(mutex_);
    const auto found = devices_.find(name);
    return found == devices_.end() ? v1::Device() : found->second;
  }
  size_t changes() const {
    MutexLock lock(mutex_);
    return changes_;
  }
  std::optional<grpc::Status> end() const {
    MutexLock lock(mutex_);
    return end_;
  }

 private:
  void Read() {
    v1::WatchDevicesResponse response;
    while (reader_->Read(&response)) {
      MutexLock lock(mutex_);
      for (const v1::DeviceChange& change : response.changes()) {
        ++changes_;
        const bool known = devices_.contains(change.device().name());
        if (!goes_on_) {
          EXPECT_EQ(known, change.kind() != v1::DEVICE_CHANGE_KIND_ADDED) << change.DebugString();
        }
        devices_[change.device().name()] = change.device();
        if (change.kind() == v1::DEVICE_CHANGE_KIND_REMOVED) devices_.erase(change.device().name());
      }
      EXPECT_FALSE(synced_ && response.synced());
      synced_ = synced_ || response.synced();
    }
    const grpc::Status status = reader_->Finish();
    MutexLock lock(mutex_);
    end_ = status;
  }

  const bool goes_on_;
  const std::unique_ptr<v1::DeviceService::Stub> stub_;
  const std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchDevicesResponse>> reader_;
  mutable Mutex mutex_;
  std::map<std::string, v1::Device> devices_ ABSL_GUARDED_BY(mutex_);
  size_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool synced_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class DeviceWatchTest : public testing::Test {
 protected:
  DeviceWatchTest() {
    server_.MakeOrganization("other");
    key_ = server_.MakeKey("default", v1::ROLE_ADMIN);
  }

  std::unique_ptr<Watcher> Watch(const std::string& filter, bool include_status = false) {
    v1::WatchDevicesRequest request;
    request.set_parent("organizations/default");
    request.set_filter(filter);
    request.set_include_status(include_status);
    auto watcher = std::make_unique<Watcher>(server_, key_, request);
    EXPECT_TRUE(WaitUntil([&] { return watcher->synced(); })) << filter;
    return watcher;
  }

  void SetSite(const std::string& device, const std::string& site) {
    v1::UpdateDeviceRequest request;
    request.mutable_device()->set_name(device);
    request.mutable_device()->set_site(site);
    request.mutable_update_mask()->add_paths("site");
    v1::UpdateDeviceResponse response;
    ASSERT_TRUE(v1::DeviceService::NewStub(server_.channel())
                    ->UpdateDevice(server_.Context(key_).get(), request, &response)
                    .ok());
  }

  OrganizationScope Scope() {
    return *authorizer_.Enter(*authorizer_.Authenticate("Bearer " + key_), "default");
  }

  void RevokeKey() {
    v1::RevokeApiKeyRequest revoke;
    revoke.set_name("apiKeys/" + FormatId(*IdOfApiKey(key_)));
    v1::RevokeApiKeyResponse revoked;
    ASSERT_TRUE(v1::ApiKeyService::NewStub(server_.channel())
                    ->RevokeApiKey(server_.Context(server_.root_key()).get(), revoke, &revoked)
                    .ok());
  }

  ApiTestServer server_;
  Authorizer authorizer_{server_.state()};
  std::string key_;
};

TEST_F(DeviceWatchTest, ShowsAllOnceAndThenWhatChanges) {
  const std::string a = server_.EnrollDevice("default", "a");
  server_.EnrollDevice("other", "foreign");
  const auto watcher = Watch("");
  EXPECT_THAT(watcher->identities(), ElementsAre("a"));
  const std::string b = server_.EnrollDevice("default", "b");
  EXPECT_TRUE(WaitUntil([&] { return watcher->identities().size() == 2; }));
  server_.CheckIn(b);
  EXPECT_TRUE(
      WaitUntil([&] { return watcher->device(b).status().online() == v1::ONLINE_STATE_ONLINE; }));
  SetSite(a, "riga");
  EXPECT_TRUE(WaitUntil([&] { return watcher->device(a).site() == "riga"; }));
  v1::DeleteDeviceRequest request;
  request.set_name(b);
  v1::DeleteDeviceResponse response;
  ASSERT_TRUE(v1::DeviceService::NewStub(server_.channel())
                  ->DeleteDevice(server_.Context(key_).get(), request, &response)
                  .ok());
  EXPECT_TRUE(WaitUntil([&] { return watcher->identities().size() == 1; }));
  EXPECT_THAT(watcher->identities(), ElementsAre("a"));
}

TEST_F(DeviceWatchTest, AFilterAddsWhatBeginsToMatchAndRemovesWhatNoLongerDoes) {
  const std::string a = server_.EnrollDevice("default", "a");
  const std::string b = server_.EnrollDevice("default", "b");
  const auto sites = Watch("site = riga");
  const auto busy = Watch("cpu > 50");
  const auto both = Watch("site = riga AND cpu > 50");
  EXPECT_THAT(sites->identities(), IsEmpty());
  SetSite(a, "riga");
  server_.CheckIn(a, 90);
  server_.CheckIn(b, 90);
  EXPECT_TRUE(WaitUntil([&] {
    return sites->identities().size() == 1 && busy->identities().size() == 2 &&
           both->identities().size() == 1;
  }));
  EXPECT_THAT(both->identities(), ElementsAre("a"));
  EXPECT_THAT(busy->identities(), UnorderedElementsAre("a", "b"));
  server_.CheckIn(a, 10);
  EXPECT_TRUE(
      WaitUntil([&] { return busy->identities().size() == 1 && both->identities().empty(); }));
  EXPECT_THAT(sites->identities(), ElementsAre("a"));
}

TEST_F(DeviceWatchTest, ACheckInAloneIsAChangeOnlyWhereStatusIsAskedFor) {
  const std::string a = server_.EnrollDevice("default", "a");
  server_.CheckIn(a, 10);
  const auto quiet = Watch("");
  const auto with_status = Watch("", true);
  const size_t before = quiet->changes();
  for (const uint32_t cpu : {20, 30}) {
    server_.CheckIn(a, cpu);
    EXPECT_TRUE(WaitUntil([&] {
      return with_status->device(a).status().cpu_load_percent() == static_cast<int>(cpu);
    }));
  }
  EXPECT_EQ(quiet->changes(), before);
}

TEST_F(DeviceWatchTest, MoreDevicesThanAMessageHoldsComeInSeveral) {
  for (int i = 0; i < 620; ++i) server_.EnrollDevice("default", "gw-" + std::to_string(i));
  const auto watcher = Watch("");
  EXPECT_EQ(watcher->identities().size(), 620u);
  EXPECT_EQ(watcher->changes(), 620u);
}

TEST_F(DeviceWatchTest, ARevokedKeyEndsItsWatchWithinFiveSeconds) {
  const auto watcher = Watch("");
  RevokeKey();
  const absl::Time begin = absl::Now();
  ASSERT_TRUE(WaitUntil([&] { return watcher->end().has_value(); }));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  EXPECT_EQ(watcher->end()->error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(DeviceWatchTest, AServerThatStopsEndsWatchesAsUnavailable) {
  const auto watcher = Watch("");
  server_.StopApi();
  ASSERT_TRUE(WaitUntil([&] { return watcher->end().has_value(); }));
  EXPECT_EQ(watcher->end()->error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(DeviceWatchTest, ABadFilterIsRefusedAtOnce) {
  v1::WatchDevicesRequest request;
  request.set_parent("organizations/default");
  request.set_filter("online = maybe");
  const Watcher watcher(server_, key_, request);
  ASSERT_TRUE(WaitUntil([&] { return watcher.end().has_value(); }));
  EXPECT_EQ(watcher.end()->error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// What a watch says up to the message that has caught up, and the token of that one.
struct Heard {
  std::vector<std::string> words;
  std::string token;
  grpc::Status status;
};

class DeviceWatchTokenTest : public DeviceWatchTest {
 protected:
  v1::WatchDevicesRequest Request(const std::string& filter, const std::string& token) {
    v1::WatchDevicesRequest request;
    request.set_parent("organizations/default");
    request.set_filter(filter);
    request.set_resume_token(token);
    return request;
  }

  Heard Hear(const v1::WatchDevicesRequest& request) {
    Heard heard;
    const auto stub = v1::DeviceService::NewStub(server_.channel());
    const auto context = server_.Context(key_);
    const auto reader = stub->WatchDevices(context.get(), request);
    v1::WatchDevicesResponse response;
    while (reader->Read(&response)) {
      for (const v1::DeviceChange& change : response.changes()) {
        heard.words.push_back(absl::StrCat(change.kind(), " ", names_[change.device().name()]));
      }
      heard.token = response.resume_token();
      if (response.synced()) context->TryCancel();
    }
    heard.status = reader->Finish();
    return heard;
  }

  std::string Enroll(const std::string& identity) {
    const std::string name = server_.EnrollDevice("default", identity);
    names_[name] = identity;
    return name;
  }

  void Delete(const std::string& device) {
    v1::DeleteDeviceRequest request;
    request.set_name(device);
    v1::DeleteDeviceResponse response;
    ASSERT_TRUE(v1::DeviceService::NewStub(server_.channel())
                    ->DeleteDevice(server_.Context(key_).get(), request, &response)
                    .ok());
  }

  std::map<std::string, std::string> names_;
};

TEST_F(DeviceWatchTokenTest, GoesOnWithWhatChangedSinceAndNothingElse) {
  const std::string a = Enroll("a");
  const std::string b = Enroll("b");
  Enroll("c");
  const Heard first = Hear(Request("", ""));
  EXPECT_THAT(first.words, UnorderedElementsAre("1 a", "1 b", "1 c"));
  SetSite(a, "riga");
  Delete(b);
  Enroll("d");
  SetSite(a, "rix");
  const Heard second = Hear(Request("", first.token));
  EXPECT_THAT(second.words, ElementsAre("3 b", "2 d", "2 a")) << "in the order of the last changes";
  const Heard third = Hear(Request("", second.token));
  EXPECT_THAT(third.words, IsEmpty());
  EXPECT_EQ(third.status.error_code(), grpc::StatusCode::CANCELLED) << "it has said that it is up";
  // The older token is as good as it was.
  EXPECT_EQ(Hear(Request("", first.token)).words, second.words);
}

TEST_F(DeviceWatchTokenTest, WithAFilterWhatMatchesNoMoreIsRemovedOnce) {
  const std::string a = Enroll("a");
  const std::string b = Enroll("b");
  SetSite(a, "riga");
  const Heard first = Hear(Request("site = riga", ""));
  EXPECT_THAT(first.words, ElementsAre("1 a"));
  SetSite(a, "rix");
  SetSite(b, "riga");
  const Heard second = Hear(Request("site = riga", first.token));
  EXPECT_THAT(second.words, ElementsAre("3 a", "2 b"));
  v1::WatchDevicesRequest request = Request("site = riga", first.token);
  Watcher watcher(server_, key_, request, /*goes_on=*/true);
  ASSERT_TRUE(WaitUntil([&] { return watcher.synced(); }));
  EXPECT_EQ(watcher.changes(), 2u);
  // Gone is gone: another change of it is nobody's business.
  SetSite(a, "vilnius");
  SetSite(b, "rix");
  ASSERT_TRUE(WaitUntil([&] { return watcher.changes() == 3; }));
  EXPECT_THAT(watcher.identities(), IsEmpty());
}

TEST_F(DeviceWatchTokenTest, ADeviceThatWasMovedAwayIsRemovedByNameOnly) {
  const std::string a = Enroll("a");
  const std::string b = Enroll("b");
  const Heard first = Hear(Request("", ""));
  Watcher watcher(server_, key_, Request("", ""));
  ASSERT_TRUE(WaitUntil([&] { return watcher.synced(); }));
  v1::MoveDeviceRequest move;
  move.set_name(a);
  move.set_organization("organizations/other");
  v1::MoveDeviceResponse moved;
  const grpc::Status status =
      v1::DeviceIdentityService::NewStub(server_.channel())
          ->MoveDevice(server_.Context(server_.root_key()).get(), move, &moved);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(Hear(Request("", first.token)).words, ElementsAre("3 a"));
  EXPECT_TRUE(WaitUntil([&] { return watcher.identities() == std::vector<std::string>{"b"}; }));
}

TEST_F(DeviceWatchTokenTest, WhatCheckInsChangeHasNoToken) {
  const std::string a = Enroll("a");
  server_.CheckIn(a, 90);
  const std::string token = Hear(Request("online = true", "")).token;
  EXPECT_NE(token, "") << "who is online is decided in order";
  EXPECT_EQ(Hear(Request("cpu > 5", "")).token, "");
  v1::WatchDevicesRequest with_status = Request("", "");
  with_status.set_include_status(true);
  EXPECT_EQ(Hear(with_status).token, "");
  with_status.set_resume_token(token);
  EXPECT_EQ(Hear(with_status).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(DeviceWatchTokenTest, ATokenIsOfItsOwnWatchOnly) {
  Enroll("a");
  const std::string token = Hear(Request("site = riga", "")).token;
  EXPECT_EQ(Hear(Request("site = rix", token)).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Hear(Request("site = riga", token + "x")).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  v1::WatchDevicesRequest elsewhere = Request("site = riga", token);
  elsewhere.set_parent("organizations/other");
  key_ = server_.MakeKey("other", v1::ROLE_ADMIN);
  EXPECT_EQ(Hear(elsewhere).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// Takes messages only when it is told to.
class SlowSink : public DeviceWatchSink {
 public:
  void Begun(uint64_t watch) override {
    MutexLock lock(mutex_);
    watch_ = watch;
  }
  void Send(const OrganizationScope& scope, const DeviceWatchMessage& message) override {
    MutexLock lock(mutex_);
    messages_.push_back(message);
  }
  void Abort() override {
    MutexLock lock(mutex_);
    ++aborts_;
  }
  void End(const absl::Status& status) override {
    MutexLock lock(mutex_);
    end_ = status;
  }

  uint64_t watch() const {
    MutexLock lock(mutex_);
    return watch_;
  }
  std::vector<DeviceWatchMessage> messages() const {
    MutexLock lock(mutex_);
    return messages_;
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
  mutable Mutex mutex_;
  uint64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<DeviceWatchMessage> messages_ ABSL_GUARDED_BY(mutex_);
  int aborts_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

class SlowDeviceWatchTest : public DeviceWatchTest {
 protected:
  DeviceWatches watches_{server_.state(), authorizer_};
  SlowSink sink_;
};

TEST_F(SlowDeviceWatchTest, ASlowReaderGetsEachDeviceOnceAsItIsInTheEnd) {
  const std::string a = server_.EnrollDevice("default", "a");
  ASSERT_TRUE(watches_.Start(Scope(), {*Filter::Parse(""), false}, &sink_).ok());
  ASSERT_TRUE(WaitUntil([&] { return sink_.messages().size() == 1; }));
  for (int i = 0; i < 50; ++i) SetSite(a, "site-" + std::to_string(i));
  EXPECT_EQ(sink_.messages().size(), 1u) << "nothing is sent before the first message was taken";
  watches_.Taken(sink_.watch(), true);
  ASSERT_TRUE(WaitUntil([&] { return sink_.messages().size() == 2; }));
  const DeviceWatchMessage second = sink_.messages()[1];
  ASSERT_EQ(second.changes.size(), 1u);
  EXPECT_EQ(second.changes[0].kind, DeviceChangeKind::kChanged);
  EXPECT_EQ(second.changes[0].device.site, "site-49");
  watches_.Taken(sink_.watch(), true);
}

TEST_F(SlowDeviceWatchTest, AReaderThatTakesNothingIsCutOffWhenItsKeyIsRevoked) {
  ASSERT_TRUE(watches_.Start(Scope(), {*Filter::Parse(""), false}, &sink_).ok());
  ASSERT_TRUE(WaitUntil([&] { return sink_.messages().size() == 1; }));
  RevokeKey();
  ASSERT_TRUE(WaitUntil([&] { return sink_.aborts() == 1; }));
  EXPECT_FALSE(sink_.end().has_value()) << "the message is still under way";
  watches_.Taken(sink_.watch(), false);
  ASSERT_TRUE(WaitUntil([&] { return sink_.end().has_value(); }));
  EXPECT_EQ(sink_.end()->code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(watches_.size(), 0u);
}

}  // namespace
}  // namespace muster::server
