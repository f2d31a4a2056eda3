#include "server/pki/cluster_keys.h"

#include "gtest/gtest.h"

namespace muster::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'750'000'000);

class ClusterKeysTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeCryptography().ok()); }

  const ClusterKeys keys_ = *GenerateClusterKeys(kNow);
  const Secret master_ = RandomSecret(32);
  SealedClusterKeys sealed_ = *SealClusterKeys(master_, keys_);
};

TEST_F(ClusterKeysTest, OpensWhatItSealed) {
  const absl::StatusOr<ClusterKeys> opened = OpenClusterKeys(master_, sealed_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->cluster_id, keys_.cluster_id);
  ASSERT_EQ(opened->token_keys.size(), 1u);
  EXPECT_EQ(opened->token_keys[0].key.Reveal(), keys_.token_keys[0].key.Reveal());
  EXPECT_TRUE(
      CheckChain(opened->router_root.pem, opened->router_root.key, keys_.router_root.pem, kNow)
          .ok());
  EXPECT_TRUE(
      CheckChain(opened->cluster_root.pem, opened->cluster_root.key, keys_.cluster_root.pem, kNow)
          .ok());
}

TEST_F(ClusterKeysTest, OpensNothingWithAnotherMasterKey) {
  EXPECT_EQ(OpenClusterKeys(RandomSecret(32), sealed_).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(ClusterKeysTest, KeysCanNotChangePlaces) {
  std::swap(sealed_.sealed_cluster_root_key, sealed_.sealed_router_root_key);
  EXPECT_EQ(OpenClusterKeys(master_, sealed_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ClusterKeysTest, TwoInstallationsShareNothing) {
  const ClusterKeys other = *GenerateClusterKeys(kNow);
  EXPECT_NE(other.cluster_id, keys_.cluster_id);
  EXPECT_NE(ReadCertificate(other.router_root.pem)->common_name,
            ReadCertificate(keys_.router_root.pem)->common_name);
}

}  // namespace
}  // namespace muster::server
