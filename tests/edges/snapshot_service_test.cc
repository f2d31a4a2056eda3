// The state of a node on its way to another one, over real mutual TLS.
#include "gmock/gmock.h"
#include "server/nodes/node_client.h"
#include "server/snapshots/snapshot_chunk.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using node::v1::FetchSnapshotResponse;

class SnapshotServiceTest : public EdgeHarness {
 protected:
  void SetUp() override {
    EdgeHarness::SetUp();
    client_ =
        std::make_unique<NodeClient>(*issuer().IssueNode(5), installation().keys.cluster_root.pem);
  }

  // What comes of the snapshot `id` from `offset` on.
  absl::StatusOr<std::string> Fetch(const std::string& id, uint64_t offset) {
    std::string bytes;
    const absl::Status status = client_->FetchSnapshot(
        address(), id, offset,
        [&](const FetchSnapshotResponse& chunk) {
          EXPECT_EQ(chunk.offset(), offset + bytes.size());
          EXPECT_LE(chunk.content().size(), kMostChunkBytes);
          EXPECT_EQ(chunk.checksum(),
                    ChecksumOf({chunk.snapshot_id(), chunk.file_bytes(), chunk.state_bytes(),
                                chunk.offset(), chunk.content(), 0}));
          id_ = chunk.snapshot_id();
          file_bytes_ = chunk.file_bytes();
          bytes += chunk.content();
          return absl::OkStatus();
        },
        [] { return false; });
    if (!status.ok()) return status;
    return bytes;
  }

  std::unique_ptr<NodeClient> client_;
  std::string id_;
  uint64_t file_bytes_ = 0;
};

TEST_F(SnapshotServiceTest, ANodeGetsTheStateAndGoesOnAnywhereInIt) {
  const absl::StatusOr<std::string> whole = Fetch("", 0);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->size(), file_bytes_);
  const std::string first = id_;
  for (const uint64_t offset : {uint64_t{1}, file_bytes_ / 2, file_bytes_ - 1, file_bytes_}) {
    const absl::StatusOr<std::string> rest = Fetch(first, offset);
    ASSERT_TRUE(rest.ok()) << rest.status();
    EXPECT_EQ(*rest, whole->substr(offset));
    EXPECT_EQ(id_, first);
  }
}

TEST_F(SnapshotServiceTest, OneThatIsNotKeptAndAnOffsetBeyondTheEndAreNotFound) {
  EXPECT_EQ(Fetch(std::string(kSnapshotIdBytes, 'x'), 0).status().code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(Fetch("", 0).ok());
  EXPECT_EQ(Fetch(id_, file_bytes_ + 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Fetch(id_, ~uint64_t{0}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SnapshotServiceTest, WhoeverAsksMayEndItAndSaysWhy) {
  const absl::Status ended = client_->FetchSnapshot(
      address(), "", 0,
      [](const FetchSnapshotResponse&) { return absl::ResourceExhaustedError("disk"); },
      [] { return false; });
  EXPECT_EQ(ended, absl::ResourceExhaustedError("disk"));
  EXPECT_TRUE(Fetch("", 0).ok());
}

TEST_F(SnapshotServiceTest, ARemovedNodeGetsNone) {
  Command add;
  add.mutable_add_member()->set_node_id(6);
  add.mutable_add_member()->set_display_name("six");
  add.mutable_add_member()->set_public_key(std::string(32, '6'));
  ASSERT_TRUE(Propose(std::move(add)).ok());
  Command remove;
  remove.mutable_remove_member()->set_node_id(5);
  remove.mutable_remove_member()->set_key_generation(1);
  internal::v1::SealedClusterKey& copy = *remove.mutable_remove_member()->add_sealed_keys();
  copy.set_node_id(6);
  copy.set_sealed("sealed");
  ASSERT_TRUE(Propose(std::move(remove)).ok());
  const absl::Status refused = Fetch("", 0).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
  EXPECT_THAT(std::string(refused.message()),
              ::testing::HasSubstr("this node was removed from the cluster"));
}

}  // namespace
}  // namespace muster::server
