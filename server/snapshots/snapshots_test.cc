// Snapshots from one node's state to another's data directory, over a link that tests cut and
// spoil.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "server/backup/backup_files.h"
#include "server/command_log/local/local_node.h"
#include "server/pki/installation.h"
#include "server/pki/master_key.h"
#include "server/snapshots/fetch_snapshot.h"
#include "server/snapshots/snapshot_shelf.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

// Peers by address, each with a shelf; what a call gives is the test's to spoil.
class FakeSource : public SnapshotSource {
 public:
  using Spoil = std::function<absl::Status(int call, SnapshotChunk& chunk)>;

  absl::Status Fetch(const std::string& address, const std::string& id, uint64_t offset,
                     const std::function<absl::Status(const SnapshotChunk&)>& take) override {
    calls.push_back(absl::StrCat(address, "@", offset));
    const auto shelf = shelves.find(address);
    if (shelf == shelves.end()) return absl::UnavailableError("nobody there");
    const auto snapshot = shelf->second->Open(id, [] { return false; });
    if (!snapshot.ok()) return snapshot.status();
    while (offset < (*snapshot)->file_bytes()) {
      const auto read = (*snapshot)->Read(offset);
      if (!read.ok()) return read.status();
      SnapshotChunk chunk = *read;
      if (chunk.content.size() > most_bytes) {
        chunk.content.resize(most_bytes);
        chunk.checksum = ChecksumOf(chunk);
      }
      if (spoil) {
        const absl::Status status = spoil(static_cast<int>(calls.size()), chunk);
        if (!status.ok()) return status;
      }
      const absl::Status taken = take(chunk);
      if (!taken.ok()) return taken;
      offset += chunk.content.size();
    }
    return absl::OkStatus();
  }

  std::map<std::string, SnapshotShelf*> shelves;
  std::vector<std::string> calls;
  size_t most_bytes = kMostChunkBytes;
  Spoil spoil;
};

class SnapshotsTest : public testing::Test {
 protected:
  SnapshotsTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    MakeNode(first_dir_);
    EXPECT_EQ(mkdir(late_dir_.c_str(), 0700), 0);
    first_ = std::make_unique<SnapshotShelf>(Shelf(first_dir_), clock_);
    source_.shelves["first"] = first_.get();
  }

  SnapshotShelfTerms Shelf(const std::string& data_dir) {
    return {.data_dir = data_dir, .master_key_file = key_file_, .program_version = "test"};
  }

  // An installation whose state an engine for several nodes has written.
  void MakeNode(const std::string& data_dir) {
    LocalNodeOptions options;
    options.data_dir = data_dir;
    options.start_ticker = false;
    {
      auto node = LocalNode::Open(options, clock_);
      ASSERT_TRUE(node.ok()) << node.status();
      InstallationTerms terms;
      terms.data_dir = data_dir;
      terms.master_key_file = key_file_;
      terms.make_root_key = [] {
        internal::v1::CreateApiKey key;
        key.set_api_key_id(1);
        key.set_role(4);
        key.set_key_hash(Hash256("root"));
        return absl::StatusOr<internal::v1::CreateApiKey>(key);
      };
      auto made = OpenInstallation(terms, (*node)->log(), (*node)->state(), clock_);
      ASSERT_TRUE(made.ok()) << made.status();
      cluster_id_ = (*made)->keys.cluster_id;
    }
    Advance(data_dir);
  }

  // One more entry.
  void Advance(const std::string& data_dir) {
    const auto state = *SqliteState::Open(data_dir + "/state.db");
    position_ = state->AppliedPosition();
    ++position_.index;
    const auto transaction = state->Begin();
    transaction->Apply(position_.index, {});
    transaction->KeepEntry(EncodeEntry({position_.log_id, position_.index, 0, 0}, {}));
    transaction->KeepEngineNote("cursor");
    transaction->Commit();
  }

  absl::StatusOr<BackupManifest> Fetch(const std::vector<std::string>& peers) {
    FetchTerms terms;
    terms.data_dir = late_dir_;
    terms.master_key = ReadMasterKeys(key_file_)->back();
    terms.cluster_id = cluster_id_;
    terms.log_id = position_.log_id;
    terms.have_index = have_index_;
    terms.peers = [peers] {
      std::vector<SnapshotPeer> found;
      for (const std::string& peer : peers) found.push_back({peer, peer});
      return absl::StatusOr<std::vector<SnapshotPeer>>(found);
    };
    terms.wants_end = [this] { return wants_end_; };
    terms.pause = [this](absl::Duration pause) { clock_.Advance(pause); };
    return FetchSnapshot(terms, source_, clock_);
  }

  void ExpectTaken(const absl::StatusOr<BackupManifest>& fetched) {
    ASSERT_TRUE(fetched.ok()) << fetched.status();
    EXPECT_EQ(fetched->log_index(), position_.index);
    const auto state = *SqliteState::Open(late_dir_ + "/state.db", Durability::kOrdered);
    EXPECT_EQ(state->AppliedPosition(), position_);
    EXPECT_EQ(state->EngineNote(), "cursor");
    const auto source = *SqliteState::Open(first_dir_ + "/state.db", Durability::kOrdered);
    EXPECT_EQ(state->HashNow(), source->HashNow());
    EXPECT_FALSE(fs::exists(late_dir_ + "/snapshot-in"));
  }

  // A state that was there before, which only a whole one may replace.
  void PutOldState() { std::ofstream(late_dir_ + "/state.db") << "old"; }
  std::string StateText() const {
    std::ostringstream text;
    text << std::ifstream(late_dir_ + "/state.db").rdbuf();
    return text.str();
  }

  TempFolder folder_;
  const std::string first_dir_ = folder_.path() + "/first";
  const std::string late_dir_ = folder_.path() + "/late";
  const std::string key_file_ = folder_.path() + "/key";
  FakeClock clock_{absl::FromUnixMicros(kStartUs)};
  std::string cluster_id_;
  Position position_;
  uint64_t have_index_ = 0;
  bool wants_end_ = false;
  std::unique_ptr<SnapshotShelf> first_;
  FakeSource source_;
};

TEST_F(SnapshotsTest, ALateNodeHasTheStateOfAnother) {
  ExpectTaken(Fetch({"first"}));
  EXPECT_EQ(source_.calls, (std::vector<std::string>{"first@0"}));
}

TEST_F(SnapshotsTest, OneThatIsSealedUnderAnOlderKeyIsRefused) {
  Secret newest(std::string(32, 'n'));
  ASSERT_TRUE(AddMasterKey(key_file_, 1, newest).ok());
  const auto fetched = Fetch({"first"});
  EXPECT_TRUE(absl::IsUnavailable(fetched.status())) << fetched.status();
  EXPECT_THAT(std::string(fetched.status().message()), HasSubstr("master key"));
}

TEST_F(SnapshotsTest, ATransferThatIsCutAgainAndAgainGoesOnWhereItEnded) {
  // Not a divisor of anything: the cuts fall everywhere.
  source_.most_bytes = 211;
  int left = 7;
  source_.spoil = [&left](int, SnapshotChunk&) {
    if (--left > 0) return absl::OkStatus();
    left = 7;
    return absl::UnavailableError("cut");
  };
  ExpectTaken(Fetch({"first"}));
  ASSERT_GT(source_.calls.size(), 3U);
  EXPECT_EQ(source_.calls[1], absl::StrCat("first@", 6 * 211));
  EXPECT_EQ(source_.calls[2], absl::StrCat("first@", 12 * 211));
}

TEST_F(SnapshotsTest, WhereASourceDiesAnotherOneIsAskedFromTheBeginning) {
  SnapshotShelf second(Shelf(first_dir_), clock_);
  source_.shelves["second"] = &second;
  source_.most_bytes = 1'000;
  source_.spoil = [this](int, SnapshotChunk& chunk) {
    if (chunk.offset < 5'000 || source_.calls.back()[0] == 's') return absl::OkStatus();
    source_.shelves.erase("first");
    return absl::UnavailableError("killed");
  };
  ExpectTaken(Fetch({"first", "second"}));
  EXPECT_EQ(source_.calls,
            (std::vector<std::string>{"first@0", "first@5000", "first@5000", "second@0"}));
}

TEST_F(SnapshotsTest, WhatWasAlteredOrIsOfAnotherReplacesNothing) {
  PutOldState();
  struct Case {
    const char* name;
    std::function<void(SnapshotChunk&)> change;
    // As somebody does who makes the checksum right again.
    bool checksum_fits = true;
  };
  const std::vector<Case> cases = {
      {"a flipped bit", [](SnapshotChunk& chunk) { chunk.content.back() ^= 1; }, false},
      {"altered", [](SnapshotChunk& chunk) { chunk.content.back() ^= 1; }},
      {"altered early", [](SnapshotChunk& chunk) { chunk.content[100] ^= 1; }},
      {"cut short",
       [](SnapshotChunk& chunk) {
         chunk.content.pop_back();
         --chunk.file_bytes;
       }},
      {"made longer",
       [](SnapshotChunk& chunk) {
         chunk.content.push_back('x');
         ++chunk.file_bytes;
       }},
  };
  for (const Case& c : cases) {
    source_.spoil = [&c](int, SnapshotChunk& chunk) {
      c.change(chunk);
      if (c.checksum_fits) chunk.checksum = ChecksumOf(chunk);
      return absl::OkStatus();
    };
    const absl::Status refused = Fetch({"first"}).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << c.name << refused;
    EXPECT_EQ(StateText(), "old") << c.name;
    EXPECT_FALSE(fs::exists(late_dir_ + "/snapshot-in")) << c.name;
  }
  source_.spoil = nullptr;
  ExpectTaken(Fetch({"first"}));
}

TEST_F(SnapshotsTest, AnotherClustersSnapshotAndOneThatIsNoNewerAreRefused) {
  PutOldState();
  have_index_ = position_.index;
  EXPECT_THAT(std::string(Fetch({"first"}).status().message()), HasSubstr("this node has"));
  have_index_ = 0;
  cluster_id_ = std::string(16, 'x');
  EXPECT_THAT(std::string(Fetch({"first"}).status().message()), HasSubstr("another cluster"));
  EXPECT_EQ(StateText(), "old");
}

TEST_F(SnapshotsTest, WithoutAnybodyWhoGivesItSaysWhatEachSaid) {
  PutOldState();
  const absl::Status nobody = Fetch({}).status();
  EXPECT_EQ(nobody.code(), absl::StatusCode::kUnavailable) << nobody;
  const absl::Status gone = Fetch({"away"}).status();
  EXPECT_THAT(std::string(gone.message()), HasSubstr("away: nobody there"));
  wants_end_ = true;
  EXPECT_EQ(Fetch({"first"}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(StateText(), "old");
}

TEST_F(SnapshotsTest, AStopWhileANodeSendsNothingIsHeardAtOnceAndNobodyElseIsAsked) {
  PutOldState();
  source_.shelves["second"] = first_.get();
  // As a call that is cancelled by the stop, in the middle of the transfer.
  source_.most_bytes = 1'000;
  source_.spoil = [this](int, SnapshotChunk& chunk) {
    if (chunk.offset == 0) return absl::OkStatus();
    wants_end_ = true;
    return absl::CancelledError("cancelled");
  };
  EXPECT_EQ(Fetch({"first", "second"}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(source_.calls, (std::vector<std::string>{"first@0"}));
  EXPECT_EQ(StateText(), "old");
  EXPECT_FALSE(fs::exists(late_dir_ + "/snapshot-in"));
}

TEST_F(SnapshotsTest, AStateThatIsInUseIsNotReplaced) {
  PutOldState();
  std::ofstream(late_dir_ + "/state.db-wal") << "in use";
  EXPECT_THAT(std::string(Fetch({"first"}).status().message()), HasSubstr("in use"));
  EXPECT_EQ(StateText(), "old");
}

TEST_F(SnapshotsTest, AClaimOfASizeThatTheDiskDoesNotHaveEndsItAtOnce) {
  PutOldState();
  source_.spoil = [](int, SnapshotChunk& chunk) {
    chunk.state_bytes = kMostSnapshotBytes;
    chunk.checksum = ChecksumOf(chunk);
    return absl::OkStatus();
  };
  EXPECT_EQ(Fetch({"first"}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(StateText(), "old");
}

class SnapshotShelfTest : public SnapshotsTest {
 protected:
  std::string IdOf(const std::string& wanted = "") {
    const auto snapshot = first_->Open(wanted, [] { return false; });
    return snapshot.ok() ? (*snapshot)->Read(0)->snapshot_id : "";
  }
};

TEST_F(SnapshotShelfTest, GivesTheSameOneWhileItIsFreshAndANewOneThen) {
  const std::string first = IdOf();
  EXPECT_EQ(IdOf(), first);
  clock_.Advance(absl::Minutes(2));
  EXPECT_EQ(IdOf(first), first) << "who goes on gets the old one";
  const std::string second = IdOf();
  EXPECT_NE(second, first);
  EXPECT_EQ(IdOf(first), "");
  EXPECT_EQ(IdOf(second), second);
}

TEST_F(SnapshotShelfTest, WhoHasOneOpenReadsItToTheEndAlsoWhenItWasDropped) {
  const auto snapshot = *first_->Open("", [] { return false; });
  first_.reset();
  EXPECT_FALSE(fs::exists(first_dir_ + "/snapshots-out"));
  EXPECT_TRUE(snapshot->Read(snapshot->file_bytes() - 1).ok());
  EXPECT_EQ(snapshot->Read(snapshot->file_bytes()).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(SnapshotShelfTest, OneThatIsStoppedWhileItIsMadeLeavesNothing) {
  EXPECT_EQ(first_->Open("", [] { return true; }).status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(fs::exists(first_dir_ + "/snapshots-out"));
}

}  // namespace
}  // namespace muster::server
