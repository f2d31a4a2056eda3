#include "server/command_log/etcd/root_record.h"

#include <gtest/gtest.h>

#include <memory>

#include "server/command_log/etcd/fake_etcd.h"
#include "server/command_log/etcd/log_keys.h"
#include "server/command_log/etcd/sealed_entry.h"

namespace muster::server {
namespace {

class RootRecordTest : public testing::Test {
 protected:
  RootRecordTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    options_.keys = std::make_shared<SealKeys>(std::vector<Secret>{Secret(std::string(32, 'k'))});
    root_.set_cluster_id(std::string(16, 'c'));
    root_.set_certificate_pem("a certificate");
    root_.set_sealed_key("sealed");
  }

  std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
  FakeEtcd etcd_{store_};
  EtcdLogOptions options_;
  ClusterRoot root_;
};

TEST_F(RootRecordTest, WhatWasKeptIsReadBackAndCanNotBeReadInEtcd) {
  EXPECT_EQ(ReadClusterRoot(etcd_, options_).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(KeepClusterRoot(etcd_, options_, root_).ok());
  const auto read = ReadClusterRoot(etcd_, options_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), root_.SerializeAsString());
  EXPECT_EQ(store_->ValueBefore(RootKey(options_), 0).find("certificate"), std::string::npos);
}

TEST_F(RootRecordTest, TheSameIsNotWrittenTwiceAndAnotherOneTakesItsPlace) {
  ASSERT_TRUE(KeepClusterRoot(etcd_, options_, root_).ok());
  const std::string first = store_->ValueBefore(RootKey(options_), 0);
  ASSERT_TRUE(KeepClusterRoot(etcd_, options_, root_).ok());
  EXPECT_EQ(store_->ValueBefore(RootKey(options_), 0), first);
  root_.set_certificate_pem("another");
  ASSERT_TRUE(KeepClusterRoot(etcd_, options_, root_).ok());
  EXPECT_EQ(ReadClusterRoot(etcd_, options_)->certificate_pem(), "another");
}

TEST_F(RootRecordTest, WhatAStrangerWroteIsRefusedAndWrittenAnew) {
  store_->Overwrite(RootKey(options_), "a root of his own");
  EXPECT_EQ(ReadClusterRoot(etcd_, options_).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(KeepClusterRoot(etcd_, options_, root_).ok());
  EXPECT_TRUE(ReadClusterRoot(etcd_, options_).ok());
}

}  // namespace
}  // namespace muster::server
