#include "server/command_log/log/member_key.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

TEST(MemberKeyTest, ACopyOpensForItsMemberClusterAndGenerationAlone) {
  ASSERT_TRUE(InitializeCryptography().ok());
  const BoxKeyPair keys = MakeBoxKeyPair();
  const std::string cluster(16, 'c');
  const Secret master(std::string(kMasterKeyBytes, 'm'));
  const auto sealed = SealForMember(keys.public_key, cluster, 2, 7, master);
  ASSERT_TRUE(sealed.ok());
  const auto opened = OpenForMember(keys, cluster, 2, 7, *sealed);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->Reveal(), master.Reveal());
  EXPECT_TRUE(absl::IsDataLoss(OpenForMember(keys, cluster, 1, 7, *sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(OpenForMember(keys, cluster, 2, 8, *sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(OpenForMember(keys, std::string(16, 'd'), 2, 7, *sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(OpenForMember(MakeBoxKeyPair(), cluster, 2, 7, *sealed).status()));
}

TEST(MemberKeyTest, WhatIsNoMasterKeyIsRefusedAlsoWhereItOpens) {
  ASSERT_TRUE(InitializeCryptography().ok());
  const BoxKeyPair keys = MakeBoxKeyPair();
  const auto sealed = SealForMember(keys.public_key, "c", 1, 7, Secret("short"));
  ASSERT_TRUE(sealed.ok());
  EXPECT_TRUE(absl::IsDataLoss(OpenForMember(keys, "c", 1, 7, *sealed).status()));
}

}  // namespace
}  // namespace muster::server
