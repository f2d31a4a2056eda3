// Backups of an installation on real files: made, checked, refused, restored.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "server/backup/backup_files.h"
#include "server/backup/create_backup.h"
#include "server/backup/restore_backup.h"
#include "server/command_log/local/local_log.h"
#include "server/command_log/local/local_node.h"
#include "server/pki/installation.h"
#include "server/pki/master_key.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    EXPECT_TRUE(Start(data_dir_).ok());
  }

  // A start of musterd on the folder, and its end; makes one more organization each time.
  absl::Status Start(const std::string& data_dir) {
    LocalNodeOptions options;
    options.data_dir = data_dir;
    options.start_ticker = false;
    auto node = LocalNode::Open(options, clock_);
    if (!node.ok()) return node.status();
    InstallationTerms terms;
    terms.data_dir = data_dir;
    terms.master_key_file = key_file_;
    terms.make_root_key = [this] { return RootKey(1); };
    auto installation = OpenInstallation(terms, (*node)->log(), (*node)->state(), clock_);
    if (!installation.ok()) return installation.status();
    Command command;
    command.mutable_create_organization()->set_organization_id(100 + ++organizations_);
    command.mutable_create_organization()->set_slug(absl::StrCat("o", organizations_));
    position_ = (*node)->log().AppliedPosition();
    root_keys_ = (*node)->state().ListApiKeys({}, {}, 100).size();
    return (*node)->log().Propose(command).status();
  }

  absl::StatusOr<internal::v1::CreateApiKey> RootKey(uint64_t id) {
    internal::v1::CreateApiKey key;
    key.set_api_key_id(id);
    key.set_role(4);
    key.set_key_hash(Hash256(absl::StrCat("root", id)));
    return key;
  }

  absl::StatusOr<CheckedBackup> Create(const std::string& file) {
    CreateBackupTerms terms;
    terms.data_dir = data_dir_;
    terms.master_key_file = key_file_;
    terms.file = file;
    terms.wants_end = [this] { return wants_end_; };
    return CreateBackup(terms, clock_);
  }

  absl::StatusOr<Restored> Restore(const std::string& file, const std::string& data_dir) {
    RestoreTerms terms;
    terms.file = file;
    terms.data_dir = data_dir;
    terms.master_key_file = key_file_;
    terms.make_root_key = [this](const std::string& path) {
      std::ofstream(path) << "new root key";
      return RootKey(2);
    };
    terms.wants_end = [this] { return wants_end_; };
    terms.as_node = as_node_;
    return RestoreBackup(terms, clock_);
  }

  absl::StatusOr<CheckedBackup> Verify(const std::string& file) {
    const BackupKeys keys(ReadMasterKeys(key_file_)->back());
    return VerifyBackup(file, &keys, [] { return false; });
  }

  // As the removal of a node does.
  void RaiseKeyGeneration() {
    const auto state = *SqliteState::Open(data_dir_ + "/state.db");
    LocalLog log(*state, {});
    internal::v1::Command command;
    command.mutable_restore_state()->set_backup_id(std::string(16, 'b'));
    command.mutable_restore_state()->set_key_generation(1);
    EXPECT_TRUE(log.Propose(command).ok());
    log.Stop();
  }

  std::set<std::string> Names(const std::string& folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  static std::string Content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  static void Put(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  TempFolder folder_;
  const std::string data_dir_ = folder_.path() + "/data";
  std::string key_file_ = folder_.path() + "/key";
  const std::string file_ = folder_.path() + "/b.backup";
  const std::string new_dir_ = folder_.path() + "/new";
  FakeClock clock_{absl::FromUnixMicros(kStartUs)};
  uint64_t organizations_ = 0;
  Position position_;
  size_t root_keys_ = 0;
  bool wants_end_ = false;
  bool as_node_ = false;
};

TEST_F(BackupTest, ARestoredInstallationIsTheOneThatWasBackedUpWithALogOfItsOwn) {
  const auto made = Create(file_);
  ASSERT_TRUE(made.ok()) << made.status();
  struct stat facts {};
  ASSERT_EQ(stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  ASSERT_TRUE(Verify(file_).ok());
  const auto restored = Restore(file_, new_dir_);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(Names(new_dir_), (std::set<std::string>{"lock", "root-key", "state.db"}));
  const Position before = position_;
  ASSERT_TRUE(Start(new_dir_).ok());
  EXPECT_NE(position_.log_id, before.log_id);
  EXPECT_GT(position_.index, before.index);
  EXPECT_EQ(position_.log_id, restored->position.log_id);
  EXPECT_EQ(root_keys_, 2u);
  EXPECT_EQ(Content(new_dir_ + "/root-key"), "new root key");
}

TEST_F(BackupTest, IsSealedUnderTheNewestKeyAndThoseOfBeforeOpenStill) {
  const std::string second = folder_.path() + "/second.backup";
  ASSERT_TRUE(Create(file_).ok());
  RaiseKeyGeneration();
  const auto without = Create(second);
  EXPECT_TRUE(absl::IsFailedPrecondition(without.status())) << without.status();
  EXPECT_THAT(std::string(without.status().message()), HasSubstr("holds 1 keys"));
  const std::string old_keys = Content(key_file_);
  ASSERT_TRUE(AddMasterKey(key_file_, 1, Secret(std::string(32, 'n'))).ok());
  ASSERT_TRUE(Create(second).ok());
  EXPECT_TRUE(Verify(second).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Verify(file_).status())) << "Verify has the newest alone";
  EXPECT_TRUE(Restore(file_, folder_.path() + "/of-the-first").ok());
  EXPECT_TRUE(Restore(second, folder_.path() + "/of-the-second").ok());
  for (const char* name : {"/of-the-first", "/of-the-second"}) {
    const auto state = SqliteState::Open(folder_.path() + name + "/state.db");
    ASSERT_TRUE(state.ok());
    EXPECT_EQ((*state)->KeyGeneration(), 1U) << "of the file, so that no older key counts";
  }
  // Whoever has the keys of before alone.
  Put(key_file_, old_keys);
  EXPECT_TRUE(absl::IsPermissionDenied(Restore(second, folder_.path() + "/of-a-thief").status()));
}

TEST_F(BackupTest, IsMadeWhileTheStateIsInUse) {
  LocalNodeOptions options;
  options.data_dir = data_dir_;
  options.start_ticker = false;
  auto node = LocalNode::Open(options, clock_);
  ASSERT_TRUE(node.ok());
  const auto propose = [&](uint64_t id) {
    Command command;
    command.mutable_create_organization()->set_organization_id(id);
    command.mutable_create_organization()->set_slug(absl::StrCat("s", id));
    return (*node)->log().Propose(command).status();
  };
  ASSERT_TRUE(propose(500).ok());
  const uint64_t index = (*node)->log().AppliedPosition().index;
  const auto made = Create(file_);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->manifest.log_index(), index);
  EXPECT_TRUE(propose(501).ok());
  EXPECT_EQ(Names(data_dir_).count("state.db"), 1u);
  for (const std::string& name : Names(data_dir_)) EXPECT_EQ(name.find("backup-copy"), name.npos);
}

TEST_F(BackupTest, OverwritesNothingAndLeavesNothingBehind) {
  Put(file_, "mine");
  EXPECT_EQ(Create(file_).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Content(file_), "mine");
  const std::string link = folder_.path() + "/link.backup";
  fs::create_symlink(folder_.path() + "/elsewhere", link);
  EXPECT_EQ(Create(link).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(fs::exists(folder_.path() + "/elsewhere"));
  wants_end_ = true;
  EXPECT_EQ(Create(folder_.path() + "/c.backup").status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Names(folder_.path()),
            (std::set<std::string>{"b.backup", "data", "key", "link.backup"}));
  for (const std::string& name : Names(data_dir_)) EXPECT_EQ(name.find("backup-copy"), name.npos);
}

TEST_F(BackupTest, RemovesWhatAKilledOneLeft) {
  Put(file_ + ".partial-01234567", "left");
  Put(folder_.path() + "/other.backup.partial-01234567", "another's");
  Put(data_dir_ + "/backup-copy-abcdef", "left");
  ASSERT_TRUE(Create(file_).ok());
  EXPECT_FALSE(fs::exists(data_dir_ + "/backup-copy-abcdef"));
  EXPECT_FALSE(fs::exists(file_ + ".partial-01234567"));
  EXPECT_TRUE(fs::exists(folder_.path() + "/other.backup.partial-01234567"));
}

TEST_F(BackupTest, RefusesAMasterKeyThatIsNotTheStates) {
  key_file_ = folder_.path() + "/other-key";
  ASSERT_TRUE(MakeMasterKey(key_file_).ok());
  const auto made = Create(file_);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kPermissionDenied) << made.status();
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(BackupTest, RefusesToRestoreIntoAFolderThatIsNotEmptyOrALink) {
  ASSERT_TRUE(Create(file_).ok());
  const std::string before = Content(data_dir_ + "/state.db");
  EXPECT_EQ(Restore(file_, data_dir_).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Content(data_dir_ + "/state.db"), before);
  fs::create_directory(folder_.path() + "/mine");
  Put(folder_.path() + "/mine/.hidden", "x");
  EXPECT_EQ(Restore(file_, folder_.path() + "/mine").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Names(folder_.path() + "/mine"), std::set<std::string>{".hidden"});
  fs::create_symlink(folder_.path() + "/far", new_dir_);
  EXPECT_EQ(Restore(file_, new_dir_).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(fs::exists(folder_.path() + "/far"));
}

TEST_F(BackupTest, RestoresIntoAnEmptyFolderAndOneWhereARestoreDied) {
  ASSERT_TRUE(Create(file_).ok());
  fs::create_directory(new_dir_);
  fs::permissions(new_dir_, fs::perms::owner_all);
  fs::create_directory(new_dir_ + "/.restoring");
  Put(new_dir_ + "/.restoring/state.db", "half");
  fs::create_directory(new_dir_ + "/lost+found");
  const auto restored = Restore(file_, new_dir_);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_FALSE(fs::exists(new_dir_ + "/.restoring"));
  EXPECT_TRUE(Start(new_dir_).ok());
}

TEST_F(BackupTest, RefusesEveryBadFileAndLeavesNoFolder) {
  ASSERT_TRUE(Create(file_).ok());
  const std::string good = Content(file_);
  std::string flipped = good;
  flipped[good.size() / 2] ^= 1;
  const auto place = [this](const char* name) { return absl::StrCat(folder_.path(), "/", name); };
  Put(place("cut"), good.substr(0, good.size() - 1));
  Put(place("flipped"), flipped);
  Put(place("longer"), good + "x");
  Put(place("noise"), "SQLite format 3");
  fs::create_symlink(file_, place("link"));
  struct Case {
    const char* file;
    absl::StatusCode code;
    const char* word;
  };
  const Case cases[] = {{"cut", absl::StatusCode::kDataLoss, "cut short"},
                        {"flipped", absl::StatusCode::kDataLoss, "damaged"},
                        {"longer", absl::StatusCode::kDataLoss, "behind its end"},
                        {"noise", absl::StatusCode::kInvalidArgument, "no backup"},
                        {"link", absl::StatusCode::kFailedPrecondition, "symbolic link"},
                        {"data", absl::StatusCode::kFailedPrecondition, "no regular file"},
                        {"absent", absl::StatusCode::kNotFound, "absent"}};
  for (const Case& c : cases) {
    for (const absl::Status& status :
         {Restore(place(c.file), new_dir_).status(), Verify(place(c.file)).status()}) {
      EXPECT_EQ(status.code(), c.code) << c.file << ": " << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(c.word));
    }
    EXPECT_FALSE(fs::exists(new_dir_)) << c.file;
  }
}

TEST_F(BackupTest, RefusesAnotherInstallationsKeyAndAMissingOne) {
  ASSERT_TRUE(Create(file_).ok());
  key_file_ = folder_.path() + "/other-key";
  EXPECT_EQ(Restore(file_, new_dir_).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(MakeMasterKey(key_file_).ok());
  EXPECT_EQ(Restore(file_, new_dir_).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_FALSE(fs::exists(new_dir_));
}

// Only whoever has the key can make such a file; it must not get through all the same.
TEST_F(BackupTest, RefusesStatesThatAreNewerOrNone) {
  const BackupKeys keys(ReadMasterKeys(key_file_)->back());
  const auto write = [&](const std::string& path, uint32_t schema, const std::string& state) {
    BackupManifest manifest;
    manifest.set_cluster_id(std::string(16, 'c'));
    manifest.set_schema_version(schema);
    manifest.set_state_bytes(state.size());
    auto file = NewFile::Make(path);
    auto writer = BackupWriter::Begin(keys, manifest, **file);
    ASSERT_TRUE((*writer)->Add(state).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
    ASSERT_TRUE((*file)->Publish().ok());
  };
  write(file_, 1'000, "x");
  EXPECT_THAT(std::string(Restore(file_, new_dir_).status().message()), HasSubstr("newer musterd"));
  const std::string noise = folder_.path() + "/noise.backup";
  write(noise, 1, std::string(5'000, 'n'));
  EXPECT_EQ(Restore(noise, new_dir_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(fs::exists(new_dir_));
}

TEST_F(BackupTest, ANodeOfAClusterGoesOnInTheSameLog) {
  as_node_ = true;
  ASSERT_TRUE(Create(file_).ok());
  EXPECT_EQ(Restore(file_, new_dir_).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(fs::exists(new_dir_));
  Position position;
  {
    auto state = SqliteState::Open(data_dir_ + "/state.db");
    ASSERT_TRUE(state.ok());
    position = (*state)->AppliedPosition();
    ++position.index;
    auto transaction = (*state)->Begin();
    transaction->Apply(position.index, {});
    transaction->KeepEntry(EncodeEntry({position.log_id, position.index, 0, 0}, {}));
    transaction->KeepEngineNote("cursor");
    transaction->Commit();
  }
  const std::string file = folder_.path() + "/node.backup";
  ASSERT_TRUE(Create(file).ok());
  const auto restored = Restore(file, new_dir_);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->position, position);
  EXPECT_EQ(Names(new_dir_), (std::set<std::string>{"lock", "state.db"}));
  auto state = SqliteState::Open(new_dir_ + "/state.db");
  ASSERT_TRUE(state.ok());
  EXPECT_EQ((*state)->EngineNote(), "cursor");
}

TEST_F(BackupTest, ARestoreThatIsStoppedLeavesNothing) {
  ASSERT_TRUE(Create(file_).ok());
  wants_end_ = true;
  EXPECT_EQ(Restore(file_, new_dir_).status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(fs::exists(new_dir_));
}

TEST_F(BackupTest, SaysHowMuchSpaceIsMissing) {
  const absl::Status status = NeedSpace(folder_.path(), uint64_t{1} << 60, "a test");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("are needed"));
}

}  // namespace
}  // namespace muster::server
