#include "server/backup/file/backup_file.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command_log/log/entry_codec.h"

namespace muster::server {
namespace {

class TextSource : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  absl::StatusOr<std::string> Read(size_t most) override {
    std::string some = text_.substr(at_, most);
    at_ += some.size();
    return some;
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

class TextSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    absl::StrAppend(&text, bytes);
    return absl::OkStatus();
  }
  std::string text;
};

class BackupFileTest : public testing::Test {
 protected:
  BackupFileTest() { EXPECT_TRUE(InitializeCryptography().ok()); }

  std::string Write(const std::vector<std::string>& pieces) {
    BackupManifest manifest;
    manifest.set_cluster_id(std::string(16, 'c'));
    manifest.set_log_index(77);
    uint64_t bytes = 0;
    for (const std::string& piece : pieces) bytes += piece.size();
    manifest.set_state_bytes(bytes);
    TextSink sink;
    auto writer = BackupWriter::Begin(keys_, manifest, sink);
    EXPECT_TRUE(writer.ok());
    for (const std::string& piece : pieces) EXPECT_TRUE((*writer)->Add(piece).ok());
    EXPECT_TRUE((*writer)->Finish().ok());
    return sink.text;
  }

  // All of the state, or the first error.
  static absl::StatusOr<std::string> Read(const BackupKeys* keys, const std::string& file) {
    TextSource source(file);
    auto reader = BackupReader::Open(keys, source);
    if (!reader.ok()) return reader.status();
    std::string all;
    for (;;) {
      auto piece = (*reader)->Next();
      if (!piece.ok()) return piece.status();
      if (!piece->has_value()) return all;
      all += **piece;
    }
  }

  // Where the pieces begin; each entry is the place of one, the last is the end's.
  static std::vector<size_t> Places(const std::string& file) {
    size_t at = 24 + GetNumber(file, 20, 4) + 4 + 32;
    std::vector<size_t> places;
    while (at + kPieceHeadBytes <= file.size()) {
      places.push_back(at);
      at += kPieceHeadBytes + GetNumber(file, at + 4, 4);
    }
    return places;
  }

  // What an attacker without the key can do: makes all checksums right again, as far as lengths
  // lead.
  static std::string Recomputed(std::string file) {
    const size_t manifest_end = 24 + GetNumber(file, 20, 4);
    if (manifest_end + 4 > file.size()) return file;
    std::string crc;
    PutNumber(Crc32c(file.substr(0, manifest_end)), 4, crc);
    file.replace(manifest_end, 4, crc);
    for (const size_t at : Places(file)) {
      const size_t size = GetNumber(file, at + 4, 4);
      if (at + kPieceHeadBytes + size > file.size()) break;
      crc.clear();
      PutNumber(Crc32c(file.substr(at, 8) + file.substr(at + kPieceHeadBytes, size)), 4, crc);
      file.replace(at + 8, 4, crc);
    }
    return file;
  }

  const BackupKeys keys_{Secret(std::string(32, 'k'))};
  const BackupKeys others_{Secret(std::string(32, 'o'))};
  const std::string long_ = std::string(kMostPieceBytes, 'a');
};

TEST_F(BackupFileTest, GivesBackWhatWasWritten) {
  const std::string file = Write({long_, "and the rest"});
  const auto read = Read(&keys_, file);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, long_ + "and the rest");
  EXPECT_EQ(Read(&keys_, Write({})).value_or("no"), "");
}

TEST_F(BackupFileTest, HoldsNothingOfTheStateInClear) {
  EXPECT_EQ(Write({"router-of-the-bank"}).find("bank"), std::string::npos);
}

TEST_F(BackupFileTest, TellsItsManifestAndDamageWithoutAKey) {
  std::string file = Write({"one", "two"});
  TextSource source(file);
  auto reader = BackupReader::Open(nullptr, source);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->manifest().log_index(), 77);
  EXPECT_TRUE(Read(nullptr, file).ok());
  file[Places(file)[1] + 20] ^= 1;
  EXPECT_EQ(Read(nullptr, file).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(BackupFileTest, RefusesAFileThatWasCutAnywhere) {
  const std::string file = Write({"one", "two"});
  for (size_t size = 0; size < file.size(); ++size) {
    for (const BackupKeys* keys : {&keys_, static_cast<const BackupKeys*>(nullptr)}) {
      const auto read = Read(keys, file.substr(0, size));
      ASSERT_FALSE(read.ok()) << size;
      // Nothing at all is any file, not a cut one.
      ASSERT_EQ(read.status().code(),
                size == 0 ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kDataLoss)
          << size;
    }
  }
}

TEST_F(BackupFileTest, RefusesAFileWithAnyByteChanged) {
  const std::string file = Write({"one", "two"});
  for (size_t at = 0; at < file.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      ASSERT_FALSE(Read(&keys_, changed).ok()) << at;
      // A changed checksum is as it was then.
      changed = Recomputed(changed);
      ASSERT_TRUE(changed == file || !Read(&keys_, changed).ok()) << at;
    }
  }
}

TEST_F(BackupFileTest, NamesDamageNoiseAndAnotherKeyApart) {
  const std::string file = Write({"one", "two"});
  const size_t second = Places(file)[1];
  struct Case {
    const char* name;
    std::string file;
    absl::StatusCode code;
    const char* word;
  };
  std::string flipped = file;
  flipped[second + 30] ^= 1;
  std::string newer = file;
  newer[16] = 9;
  std::string behind = file + "x";
  const Case cases[] = {
      {"noise", "PK\x03\x04 something else", absl::StatusCode::kInvalidArgument, "no backup"},
      {"damaged", flipped, absl::StatusCode::kDataLoss, "damaged"},
      {"altered, checksums right", Recomputed(flipped), absl::StatusCode::kDataLoss, "altered"},
      {"newer", newer, absl::StatusCode::kFailedPrecondition, "newer"},
      {"longer", behind, absl::StatusCode::kDataLoss, "behind its end"},
  };
  for (const Case& c : cases) {
    const auto read = Read(&keys_, c.file);
    EXPECT_EQ(read.status().code(), c.code) << c.name << ": " << read.status();
    EXPECT_NE(read.status().message().find(c.word), absl::string_view::npos) << read.status();
  }
  const auto other = Read(&others_, file);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kPermissionDenied) << other.status();
}

TEST_F(BackupFileTest, RefusesPiecesThatWereSwappedRepeatedLeftOutOrBroughtFromElsewhere) {
  const std::string file = Write({"one", "two", "six"});
  const std::string other = Write({"one", "two", "six"});
  const std::vector<size_t> at = Places(file);
  const std::vector<size_t> there = Places(other);
  const auto piece = [&](size_t i) { return file.substr(at[i], at[i + 1] - at[i]); };
  const std::string head = file.substr(0, at[0]);
  const std::string end = file.substr(at[3]);
  EXPECT_TRUE(Read(&keys_, head + piece(0) + piece(1) + piece(2) + end).ok());
  for (const std::string& middle :
       {piece(1) + piece(0) + piece(2), piece(0) + piece(1) + piece(1) + piece(2),
        piece(0) + piece(1), piece(0) + piece(2), std::string(),
        piece(0) + other.substr(there[1], there[2] - there[1]) + piece(2)}) {
    EXPECT_EQ(Read(&keys_, head + middle + end).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_EQ(Read(&keys_, other.substr(0, there[0]) + file.substr(at[0])).status().code(),
            absl::StatusCode::kDataLoss);
}

// Lengths are the first thing that a hostile file lies about.
TEST_F(BackupFileTest, ReservesNothingForImpossibleLengths) {
  const std::string file = Write({"one"});
  const size_t at = Places(file)[0];
  for (const auto& [place, bytes] : {std::pair<size_t, std::string>(20, "\xff\xff\xff\xff"),
                                     {at, "\xff\xff\xff\x7f"},
                                     {at + 4, "\xff\xff\xff\x7f"}}) {
    std::string changed = file;
    changed.replace(place, 4, bytes);
    EXPECT_EQ(Read(&keys_, changed).status().code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace muster::server
