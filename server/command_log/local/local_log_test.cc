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
  bool HasOrganization(uint64_t id) override {
    return node_->state().FindOrganization(OrganizationId{id}).has_value();
  }
  size_t CountOrganizations() override {
    return node_->state().ListOrganizations("", 1'000'000).size();
  }
  std::shared_ptr<void> CountKeyChanges(std::atomic<int>& told) override {
    return std::shared_ptr<Subscription>(node_->state().Subscribe([&told](const ChangeBatch& b) {
      for (const Change& change : b.changes) told += change.kind == ChangeKind::kApiKey ? 1 : 0;
    }));
  }
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
