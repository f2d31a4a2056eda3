#include "server/command_log/etcd/member_board.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "common/ids/ids.h"
#include "server/command_log/etcd/fake_etcd.h"
#include "server/command_log/etcd/log_keys.h"
#include "server/command_log/etcd/sealed_entry.h"

namespace muster::server {
namespace {

class MemberBoardTest : public testing::Test {
 protected:
  struct Member {
    Member(std::shared_ptr<FakeEtcdStore> store, uint64_t id, const std::string& name)
        : etcd(std::move(store)) {
      EXPECT_TRUE(InitializeCryptography().ok());
      options.node_id = id;
      options.keys = std::make_shared<SealKeys>(std::vector<Secret>{Secret(std::string(32, 'k'))});
      board = std::make_unique<MemberBoard>(etcd, options, [name] {
        MemberReport report;
        report.set_display_name(name);
        return report;
      });
    }

    // Waits for so many; what there was after 20 s.
    std::vector<MemberReport> Sees(size_t count) {
      const absl::Time deadline = absl::Now() + absl::Seconds(20);
      for (;;) {
        auto reports = board->List();
        EXPECT_TRUE(reports.ok()) << reports.status();
        if (!reports.ok() || reports->size() >= count || absl::Now() > deadline) return *reports;
        std::this_thread::yield();
      }
    }

    FakeEtcd etcd;
    EtcdLogOptions options;
    std::unique_ptr<MemberBoard> board;
  };

  std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
};

TEST_F(MemberBoardTest, EachSeesAllAndAlsoThoseThatAreGone) {
  Member first(store_, 1, "riga");
  first.Sees(1);
  {
    Member second(store_, 2, "tartu");
    EXPECT_EQ(second.Sees(2).size(), 2);
  }
  const std::vector<MemberReport> reports = first.Sees(2);
  ASSERT_EQ(reports.size(), 2);
  EXPECT_EQ(reports[0].display_name(), "riga");
  EXPECT_EQ(reports[0].node_id(), 1);
  EXPECT_EQ(reports[1].display_name(), "tartu");
  EXPECT_GT(reports[1].time_us(), 0);
}

TEST_F(MemberBoardTest, WhatAStrangerWritesIsLeftOutAndSoIsAReportInAnothersPlace) {
  Member first(store_, 1, "riga");
  first.Sees(1);
  const std::string folder = NodesKey(first.options);
  store_->Overwrite(folder + FormatId(7), "anything");
  store_->Overwrite(folder + FormatId(8), store_->ValueBefore(folder + FormatId(1), 0));
  EXPECT_EQ(first.Sees(1).size(), 1);
}

TEST_F(MemberBoardTest, TheReportOfANodeThatIsForgottenIsGone) {
  Member first(store_, 1, "riga");
  {
    Member second(store_, 2, "tartu");
    EXPECT_EQ(second.Sees(2).size(), 2);
  }
  EXPECT_TRUE(first.board->Forget(2).ok());
  EXPECT_TRUE(first.board->Forget(2).ok()) << "repeating is harmless";
  EXPECT_EQ(first.board->List()->size(), 1);
}

TEST_F(MemberBoardTest, NothingOfAReportCanBeReadInEtcd) {
  Member first(store_, 1, "riga");
  first.Sees(1);
  const std::string value = store_->ValueBefore(NodesKey(first.options) + FormatId(1), 0);
  EXPECT_EQ(value.find("riga"), std::string::npos);
}

}  // namespace
}  // namespace muster::server
