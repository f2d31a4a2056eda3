#include "server/grpc_api/watch_tokens.h"

#include <gmock/gmock.h>

namespace muster::server {
namespace {

using testing::HasSubstr;

// Has applied up to where a test says.
class LogAt : public CommandLog {
 public:
  explicit LogAt(uint64_t index) { position_ = {std::string(16, 'l'), index}; }
  void Become(const std::string& log_id) { position_.log_id = log_id; }
  Position AppliedPosition() const override { return position_; }

  void ProposeAsync(Command, Done) override {}
  absl::Status WaitUntilApplied(const Position&, absl::Duration) override { return {}; }
  absl::Status ReadBarrier(absl::Duration) override { return {}; }
  LogHealth Health() const override { return {}; }
  void Stop() override {}

 private:
  Position position_;
};

class WatchTokensTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(InitializeCryptography().ok()); }

  const PageTokens pages_{Secret(std::string(32, 'k'))};
  LogAt log_{100};
  const WatchTokens tokens_{pages_, log_};
  const PageBinding watch_{"WatchJob", 7, "a job"};
};

TEST_F(WatchTokensTest, APlaceComesBackAndNoTokenIsTheBeginning) {
  const ChangePlace place{99, DeviceId{~uint64_t{0}}};
  EXPECT_EQ(*tokens_.Open(watch_, tokens_.Seal(watch_, place)), place);
  EXPECT_EQ(*tokens_.Open(watch_, ""), ChangePlace{});
}

TEST_F(WatchTokensTest, AnotherWatchAnotherLogAndALaterPlaceAreToldApart) {
  const std::string token = tokens_.Seal(watch_, {99, DeviceId{1}});
  EXPECT_TRUE(absl::IsInvalidArgument(tokens_.Open({"WatchJob", 7, "another"}, token).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(tokens_.Open({"WatchJob", 8, "a job"}, token).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(tokens_.Open(watch_, pages_.Seal(watch_, "short")).status()));
  LogAt behind(98);
  const absl::Status early = WatchTokens(pages_, behind).Open(watch_, token).status();
  EXPECT_TRUE(absl::IsUnavailable(early)) << early;
  log_.Become(std::string(16, 'm'));
  const absl::Status other = tokens_.Open(watch_, token).status();
  EXPECT_TRUE(absl::IsOutOfRange(other)) << other;
  EXPECT_THAT(std::string(other.message()), HasSubstr("leave it out"));
}

}  // namespace
}  // namespace muster::server
