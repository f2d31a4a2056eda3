#include "server/state/state_hash.h"

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

class StateHashTest : public StateFixture {};

TEST_F(StateHashTest, IsTheSameOnNodesThatAppliedTheSame) {
  SetUpInstallation();
  MakeDevice(100);
  Beat("edge-a", 100, 0);
  EXPECT_FALSE(state_->HashNow().empty());
  TempFolder other;
  std::filesystem::copy(folder_.path(), other.path(), std::filesystem::copy_options::recursive);
  const auto copy = *SqliteState::Open(other.path() + "/state.db", Durability::kOrdered);
  EXPECT_EQ(copy->HashNow(), state_->HashNow());
}

TEST_F(StateHashTest, IsAnotherWithEachChangeAndAlsoOfAStatusRowAlone) {
  SetUpInstallation();
  MakeDevice(100);
  Beat("edge-a", 100, 0);
  const std::string before = state_->HashNow();
  Beat("edge-a", 100, 0);
  EXPECT_NE(state_->HashNow(), before);
}

TEST_F(StateHashTest, IsMarkedAtRoundIndexesOnly) {
  SetUpInstallation();
  EXPECT_TRUE(state_->RecentHashes().empty());
  while (state_->AppliedPosition().index < SqliteState::kHashEvery) Apply({Command()});
  ASSERT_EQ(state_->RecentHashes().size(), 1U);
  const SqliteState::HashMark mark = state_->RecentHashes()[0];
  EXPECT_EQ(mark.index, SqliteState::kHashEvery);
  EXPECT_EQ(mark.hash, state_->HashNow());
  Apply({Command()});
  ASSERT_EQ(state_->RecentHashes().size(), 1U);
  EXPECT_EQ(state_->RecentHashes()[0].hash, mark.hash);
}

TEST_F(StateHashTest, KeepsTheNewestMarksAndComesToThemAsOftenAsItIsTold) {
  TempFolder other;
  const auto state = *SqliteState::Open(other.path() + "/state.db", Durability::kOrdered, 3);
  const Command nothing;
  for (uint64_t index = 1; index <= 3 * (SqliteState::kKeptHashes + 2); ++index) {
    const auto transaction = state->Begin();
    transaction->Apply(index, {&nothing});
    transaction->Commit();
  }
  const std::vector<SqliteState::HashMark> marks = state->RecentHashes();
  ASSERT_EQ(marks.size(), SqliteState::kKeptHashes);
  EXPECT_EQ(marks.front().index, 9U);
  EXPECT_EQ(marks.back().index, 3 * (SqliteState::kKeptHashes + 2));
  EXPECT_NE(marks.front().hash, marks.back().hash);
}

TEST_F(StateHashTest, IsNotKeptByANodeThatIsAlone) {
  TempFolder other;
  const auto alone = *SqliteState::Open(other.path() + "/state.db", Durability::kFull);
  EXPECT_EQ(alone->HashNow(), "");
}

// Tables as in the schema: with an integer key, and with their rows in the key.
class RowHashTest : public testing::Test {
 protected:
  RowHashTest() {
    EXPECT_TRUE(InitializeCryptography().ok());
    db_ = *Database::Open(folder_.path() + "/rows.db", Database::Mode::kReadWrite);
    db_->Execute("CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT");
    db_->Execute(
        "CREATE TABLE b (two TEXT, one INTEGER, value BLOB, PRIMARY KEY (one, two)) STRICT, "
        "WITHOUT ROWID");
    db_->Execute("CREATE TABLE slabs (slab INTEGER PRIMARY KEY, bytes BLOB) STRICT");
  }
  // What a start would compute, beside the one that is kept up.
  std::string Fresh() {
    const auto again = *Database::Open(folder_.path() + "/rows.db", Database::Mode::kReadWrite);
    return StateHash(*again).Sum();
  }

  TempFolder folder_;
  std::unique_ptr<Database> db_;
};

TEST_F(RowHashTest, FollowsEveryWayInWhichARowChanges) {
  StateHash hash(*db_);
  const std::string empty = hash.Sum();
  for (const char* sql : {
           "INSERT INTO a VALUES (7, 'seven'), (8, ''), (9, 'nine')",
           "INSERT INTO b VALUES ('x', 1, x'00ff'), ('y', 1, NULL), ('z', 2, x'')",
           "INSERT OR REPLACE INTO b VALUES ('x', 1, x'aa')",
           "INSERT INTO a VALUES (7, 'again') ON CONFLICT (id) DO UPDATE SET text = excluded.text",
           "UPDATE a SET id = 10 WHERE id = 9",
           "UPDATE b SET two = two || '!' WHERE one = 1",
           "DELETE FROM a WHERE id = 8",
           "CREATE INDEX i ON a (text)",
           "UPDATE a SET text = 'indexed'",
       }) {
    const std::string before = hash.Sum();
    db_->Execute(sql);
    EXPECT_EQ(hash.Sum(), Fresh()) << sql;
    EXPECT_EQ(hash.Sum() == before, std::string(sql).substr(0, 6) == "CREATE") << sql;
  }
  db_->Execute("DELETE FROM a");
  db_->Execute("DELETE FROM b");
  EXPECT_EQ(hash.Sum(), empty);
  db_->Execute("INSERT INTO slabs VALUES (0, x'01')");
  EXPECT_EQ(hash.Sum(), empty) << "slabs differ between nodes by right";
}

TEST_F(RowHashTest, RowsOlderThanAColumnCountWithItsDefault) {
  db_->Execute("INSERT INTO a VALUES (1, 'one'), (2, 'two')");
  db_->Execute("INSERT INTO b VALUES ('x', 1, x'00ff')");
  db_->Execute("ALTER TABLE a ADD COLUMN number INTEGER NOT NULL DEFAULT 3");
  db_->Execute("ALTER TABLE a ADD COLUMN word TEXT NOT NULL DEFAULT ''");
  db_->Execute("ALTER TABLE a ADD COLUMN maybe INTEGER");
  db_->Execute("ALTER TABLE b ADD COLUMN blob BLOB NOT NULL DEFAULT x'05'");
  StateHash hash(*db_);
  const std::string empty(hash.Sum().size(), '\0');
  db_->Execute("UPDATE a SET text = 'changed' WHERE id = 1");
  db_->Execute("UPDATE b SET value = NULL");
  EXPECT_EQ(hash.Sum(), Fresh());
  db_->Execute("DELETE FROM a");
  db_->Execute("DELETE FROM b");
  EXPECT_EQ(hash.Sum(), empty);
}

}  // namespace
}  // namespace muster::server
