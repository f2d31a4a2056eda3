#include "server/command_log/local/local_log.h"

#include "server/command_log/local/local_node.h"
#include "server/command_log/log/contract_test_suite.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

class LocalUnderTest : public LogUnderTest {
 public:
  LocalUnderTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    Restart();
  }

  CommandLog& log() override { return node_->log(); }
  State& state() override { return node_->state(); }
  void Restart() override {
    node_.reset();
    LocalNodeOptions options;
    options.data_dir = folder_.path() + "/data";
    options.start_ticker = false;
    auto node = LocalNode::Open(options, clock_);
    EXPECT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
  }

 private:
  TempFolder folder_;
  FakeClock clock_{absl::FromUnixMicros(kStartUs)};
  std::unique_ptr<LocalNode> node_;
};

INSTANTIATE_TEST_SUITE_P(Local, CommandLogContract, testing::Values(MakeLog([] {
                           return std::make_unique<LocalUnderTest>();
                         })),
                         [](const auto&) { return "Log"; });

}  // namespace
}  // namespace muster::server
