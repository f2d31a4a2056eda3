#include "server/snapshots/snapshot_chunk.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace muster::server {
namespace {

class TextSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  std::string text;
};

const std::string kFile = "the file of a backup";

SnapshotChunk Piece(uint64_t offset, size_t size) {
  SnapshotChunk chunk;
  chunk.snapshot_id = std::string(kSnapshotIdBytes, 'i');
  chunk.file_bytes = kFile.size();
  chunk.state_bytes = 1'000;
  chunk.offset = offset;
  chunk.content = kFile.substr(offset, size);
  chunk.checksum = ChecksumOf(chunk);
  return chunk;
}

TEST(SnapshotIntakeTest, TakesAFileInPiecesOfAnySize) {
  for (size_t size = 1; size <= kFile.size(); ++size) {
    TextSink sink;
    SnapshotIntake intake(sink);
    while (!intake.is_whole()) ASSERT_TRUE(intake.Take(Piece(intake.offset(), size)).ok());
    EXPECT_EQ(sink.text, kFile);
  }
}

TEST(SnapshotIntakeTest, RefusesWhatIsDamagedOrOutOfPlaceAndTakesTheRightOneThen) {
  struct Case {
    const char* name;
    std::function<void(SnapshotChunk&)> change;
    // The sender's own fault: its checksum is right.
    bool checksum_fits = true;
  };
  const std::vector<Case> cases = {
      {"a flipped bit", [](SnapshotChunk& chunk) { chunk.content[0] ^= 1; }, false},
      {"cut", [](SnapshotChunk& chunk) { chunk.content.pop_back(); }, false},
      {"moved", [](SnapshotChunk& chunk) { ++chunk.offset; }, false},
      {"another size", [](SnapshotChunk& chunk) { ++chunk.file_bytes; }},
      {"another size of the state", [](SnapshotChunk& chunk) { ++chunk.state_bytes; }},
      {"of another snapshot", [](SnapshotChunk& chunk) { chunk.snapshot_id[0] = 'x'; }},
      {"an id that is none", [](SnapshotChunk& chunk) { chunk.snapshot_id.pop_back(); }},
      {"a gap", [](SnapshotChunk& chunk) { ++chunk.offset; }},
      {"once more", [](SnapshotChunk& chunk) { chunk.offset = 0; }},
      {"an offset beyond all", [](SnapshotChunk& chunk) { chunk.offset = ~uint64_t{0}; }},
      {"empty", [](SnapshotChunk& chunk) { chunk.content.clear(); }},
      {"too long", [](SnapshotChunk& chunk) { chunk.content.append(100, 'x'); }},
      {"huge", [](SnapshotChunk& chunk) { chunk.content.resize(kMostChunkBytes + 1); }},
      {"a file that can't be", [](SnapshotChunk& chunk) { chunk.file_bytes = ~uint64_t{0}; }},
  };
  for (const Case& c : cases) {
    TextSink sink;
    SnapshotIntake intake(sink);
    ASSERT_TRUE(intake.Take(Piece(0, 5)).ok());
    SnapshotChunk chunk = Piece(5, 5);
    c.change(chunk);
    if (c.checksum_fits) chunk.checksum = ChecksumOf(chunk);
    EXPECT_EQ(intake.Take(chunk).code(), absl::StatusCode::kDataLoss) << c.name;
    EXPECT_EQ(sink.text, kFile.substr(0, 5)) << c.name;
    EXPECT_TRUE(intake.Take(Piece(5, 5)).ok()) << c.name;
  }
}

TEST(SnapshotIntakeTest, IsNotWholeBeforeTheEnd) {
  TextSink sink;
  SnapshotIntake intake(sink);
  EXPECT_FALSE(intake.is_whole());
  ASSERT_TRUE(intake.Take(Piece(0, kFile.size() - 1)).ok());
  EXPECT_FALSE(intake.is_whole());
  ASSERT_TRUE(intake.Take(Piece(kFile.size() - 1, 1)).ok());
  EXPECT_TRUE(intake.is_whole());
}

}  // namespace
}  // namespace muster::server
