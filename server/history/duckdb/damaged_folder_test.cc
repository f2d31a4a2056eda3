// What is damaged, missing or not ours is named, and nothing is deleted for it.
#include <fstream>
#include <map>
#include <random>

#include "absl/strings/match.h"
#include "server/history/duckdb/history_fixture.h"

namespace muster::server {
namespace {

namespace fs = std::filesystem;

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

void WriteBytes(const std::string& path, absl::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class DamagedFolderTest : public HistoryFixture {
 protected:
  // Two sealed ranges and a hot one.
  void SetUp() override {
    const auto history = Open();
    SealUpTo(*history, 100);
    SealUpTo(*history, 200);
    AppendUpTo(*history, 250);
    sealed_ = duck::SealedPath(folder(), history->SealedRanges()[1]);
  }

  std::string manifest() const { return duck::ManifestPath(folder()); }
  std::string hot() const { return duck::HotPath(folder()); }

  // Sizes of what belongs to history.
  std::map<std::string, uint64_t> Files() const {
    std::map<std::string, uint64_t> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
      if (entry.is_regular_file()) files[entry.path().string()] = entry.file_size();
    }
    return files;
  }

  // Opening fails with `code` and a text that has `word` in it, and leaves each file as it is.
  void ExpectRefused(absl::StatusCode code, absl::string_view word) {
    const auto before = Files();
    const absl::Status status = TryOpen().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), word)) << status;
    EXPECT_EQ(Files(), before);
  }

  std::string sealed_;
};

TEST_F(DamagedFolderTest, RefusesADamagedManifest) {
  const std::string good = ReadBytes(manifest());
  WriteBytes(manifest(), good.substr(0, good.size() / 2));
  ExpectRefused(absl::StatusCode::kDataLoss, "manifest");
  WriteBytes(manifest(), "");
  ExpectRefused(absl::StatusCode::kDataLoss, "manifest");
  std::string changed = good;
  changed[changed.find("file ") + 5] = '3';
  WriteBytes(manifest(), changed);
  ExpectRefused(absl::StatusCode::kDataLoss, "manifest");
  WriteBytes(manifest(), good);
  ExpectRows(*Open(), 1, 250);
}

TEST_F(DamagedFolderTest, RefusesAFolderWithoutManifest) {
  fs::rename(manifest(), folder_.path() + "/elsewhere");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "no manifest");
  fs::rename(folder_.path() + "/elsewhere", manifest());
  ExpectRows(*Open(), 1, 250);
}

TEST_F(DamagedFolderTest, RefusesASealedFileThatIsMissingOrCut) {
  const std::string good = ReadBytes(sealed_);
  fs::remove(sealed_);
  ExpectRefused(absl::StatusCode::kDataLoss, sealed_);
  WriteBytes(sealed_, good.substr(0, good.size() - 1));
  ExpectRefused(absl::StatusCode::kDataLoss, sealed_);
  WriteBytes(sealed_, std::string(good.size(), 'x'));
  ExpectRefused(absl::StatusCode::kDataLoss, sealed_);
  WriteBytes(sealed_, good);
  ExpectRows(*Open(), 1, 250);
}

TEST_F(DamagedFolderTest, RefusesAnotherSealedFileUnderTheName) {
  const auto files = duck::ReadManifest(manifest())->files;
  const std::string other = ReadBytes(duck::SealedPath(folder(), files[0]));
  if (files[0].bytes != files[1].bytes) GTEST_SKIP() << "their sizes tell them apart";
  WriteBytes(sealed_, other);
  ExpectRefused(absl::StatusCode::kDataLoss, "not the one");
}

// DuckDB has a checksum over each block: what is damaged is refused when it is read.
TEST_F(DamagedFolderTest, NeverAnswersWrongFromADamagedSealedFile) {
  const uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const std::string good = ReadBytes(sealed_);
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::string changed = good;
    const size_t at = random() % changed.size();
    changed[at] = static_cast<char>(changed[at] ^ (1 << random() % 8));
    WriteBytes(sealed_, changed);
    absl::Status status;
    if (auto history = TryOpen(); !history.ok()) {
      status = history.status();
    } else {
      const auto series = (*history)->DeviceSeries(kOrganization, DeviceId{3}, AllTime(), 1000);
      status = series.status();
      if (series.ok()) {
        EXPECT_EQ(*series, ExpectedSeries(DeviceId{3}, 1, 250)) << at;
      }
    }
    if (status.ok()) continue;
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    ++refused;
  }
  std::cout << refused << " of 60 damaged files were refused, the others were read right\n";
  EXPECT_GT(refused, 0);
  WriteBytes(sealed_, good);
  ExpectRows(*Open(), 1, 250);
}

TEST_F(DamagedFolderTest, RefusesAHotFileThatIsMissingOrNone) {
  fs::rename(hot(), folder_.path() + "/elsewhere");
  ExpectRefused(absl::StatusCode::kDataLoss, "hot.duckdb");
  WriteBytes(hot(), std::string(100'000, 'x'));
  ExpectRefused(absl::StatusCode::kDataLoss, "hot.duckdb");
  fs::rename(folder_.path() + "/elsewhere", hot());
  ExpectRows(*Open(), 1, 250);
}

TEST_F(DamagedFolderTest, RefusesAManifestAndAHotFileOfDifferentTimes) {
  const std::string old_manifest = ReadBytes(manifest());
  const std::string old_hot = ReadBytes(hot());
  SealUpTo(*Open(), 300);
  const std::string new_manifest = ReadBytes(manifest());
  const std::string new_hot = ReadBytes(hot());
  WriteBytes(manifest(), old_manifest);
  ExpectRefused(absl::StatusCode::kDataLoss, "entry 201");
  WriteBytes(manifest(), new_manifest);
  WriteBytes(hot(), old_hot);
  ExpectRefused(absl::StatusCode::kDataLoss, "entry 301");
  WriteBytes(hot(), new_hot);
  ExpectRows(*Open(), 1, 300);
}

TEST_F(DamagedFolderTest, RefusesTheHistoryOfAnotherLog) {
  DuckDbSettings settings = SettingsFor(folder());
  settings.log_id = "another log";
  EXPECT_TRUE(absl::IsFailedPrecondition(DuckDbHistory::Open(settings).status()));
}

TEST_F(DamagedFolderTest, RefusesWhatANewerMusterWrote) {
  const std::string good = ReadBytes(manifest());
  WriteBytes(manifest(), "muster-history 2\n");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "newer Muster");
  WriteBytes(manifest(), good);
  {
    auto instance = duck::Instance::Open(hot(), {uint64_t{64} << 20, 1, ""});
    ASSERT_TRUE(instance.ok()) << instance.status();
    ASSERT_TRUE(duck::Connection::Make(*instance)->Execute("UPDATE about SET version = 2").ok());
  }
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "newer Muster");
}

TEST_F(DamagedFolderTest, RefusesAnotherDatabaseUnderTheName) {
  fs::remove_all(folder());
  ASSERT_NE(Open(), nullptr);
  fs::remove(hot());
  {
    auto instance = duck::Instance::Open(hot(), {uint64_t{64} << 20, 1, ""});
    ASSERT_TRUE(instance.ok()) << instance.status();
    ASSERT_TRUE(duck::Connection::Make(*instance)->Execute("CREATE TABLE t(i INTEGER)").ok());
  }
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "not this control plane's");
}

TEST_F(DamagedFolderTest, LeavesAloneAFolderOfSomebodyElse) {
  fs::remove_all(folder());
  fs::create_directory(folder());
  WriteBytes(folder() + "/photos", "mine");
  EXPECT_TRUE(absl::IsFailedPrecondition(TryOpen().status()));
  EXPECT_EQ(ReadBytes(folder() + "/photos"), "mine");
}

TEST_F(DamagedFolderTest, RemovesWhatACrashLeftAndNothingElse) {
  WriteBytes(duck::UnfinishedPath(folder()), "half");
  WriteBytes(duck::UnfinishedPath(folder()) + ".wal", "half");
  WriteBytes(manifest() + ".new", "half");
  const std::string orphan = duck::SealedPath(folder(), {201, 240});
  WriteBytes(orphan, "not in the manifest");
  WriteBytes(duck::SealedFolder(folder()) + "/note", "mine");
  const auto history = Open();
  EXPECT_EQ(SealedNames().size(), 3u);
  EXPECT_FALSE(fs::exists(orphan));
  EXPECT_EQ(ReadBytes(duck::SealedFolder(folder()) + "/note"), "mine");
  ExpectRows(*history, 1, 250);
  SealUpTo(*history, 300);
  EXPECT_FALSE(fs::exists(manifest() + ".new"));
}

TEST_F(DamagedFolderTest, BeginsAgainWhereItWasKilledAtItsVeryBeginning) {
  fs::remove(manifest());
  fs::remove_all(duck::SealedFolder(folder()));
  fs::remove(hot());
  fs::remove_all(folder() + "/temp");
  WriteBytes(manifest() + ".new", "half");
  ExpectRows(*Open(), 1, 0);
  // With an empty hot file beside the manifest.
  fs::remove(hot());
  ASSERT_TRUE(duck::Instance::Open(hot(), {uint64_t{64} << 20, 1, ""}).ok());
  const auto history = Open();
  AppendUpTo(*history, 10);
  ExpectRows(*history, 1, 10);
}

}  // namespace
}  // namespace muster::server
