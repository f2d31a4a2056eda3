// Files that older programs wrote.
#include "server/state/schema.h"

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

class SchemaTest : public testing::Test {
 protected:
  std::unique_ptr<Database> OpenFile() {
    auto db = Database::Open(path_, Database::Mode::kReadWrite);
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }
  static int VersionOf(Database& db) {
    Query query(db, "PRAGMA user_version");
    return query.Step() ? static_cast<int>(query.Int(0)) : -1;
  }

  TempFolder folder_;
  const std::string path_ = folder_.path() + "/state.db";
};

TEST_F(SchemaTest, AFileOfVersion1IsBroughtUpWithWhatItHolds) {
  ASSERT_TRUE(InitializeCryptography().ok());
  {
    const auto db = OpenFile();
    ASSERT_TRUE(PrepareSchema(*db, 1).ok());
    ASSERT_EQ(VersionOf(*db), 1);
    db->Run("INSERT INTO organizations (id, slug, display_name, create_us) VALUES (?, ?, ?, ?)", 11,
            "default", "Default", 5);
  }
  auto state = SqliteState::Open(path_);
  ASSERT_TRUE(state.ok()) << state.status();
  const auto organization = (*state)->FindOrganizationBySlug("default");
  ASSERT_TRUE(organization.has_value());
  EXPECT_EQ(organization->display_name, "Default");
  EXPECT_EQ(organization->fallback_code_page, kNoCodePage);
  state->reset();
  EXPECT_EQ(VersionOf(*OpenFile()), kSchemaVersion);
  // A second start finds nothing to do.
  EXPECT_TRUE(SqliteState::Open(path_).ok());
}

TEST_F(SchemaTest, ANewFileHasTheTablesOfAMigratedOne) {
  const auto tables = [](Database& db) {
    std::vector<std::string> texts;
    Query query(db, "SELECT name || coalesce(sql, '') FROM sqlite_master ORDER BY name");
    while (query.Step()) texts.push_back(query.Text(0));
    return texts;
  };
  const auto migrated = OpenFile();
  for (int version = 1; version <= kSchemaVersion; ++version) {
    ASSERT_TRUE(PrepareSchema(*migrated, version).ok());
    EXPECT_EQ(VersionOf(*migrated), version);
  }
  const auto fresh = *Database::Open(folder_.path() + "/fresh.db", Database::Mode::kReadWrite);
  ASSERT_TRUE(PrepareSchema(*fresh).ok());
  EXPECT_EQ(tables(*fresh), tables(*migrated));
  EXPECT_FALSE(tables(*fresh).empty());
}

// What a row of before has in a column that came later counts for nothing: nodes that were brought
// up at different entries agree.
TEST_F(SchemaTest, DevicesOfAnOlderFileAreOnlineUntilTheyAreJudged) {
  ASSERT_TRUE(InitializeCryptography().ok());
  {
    const auto db = OpenFile();
    ASSERT_TRUE(PrepareSchema(*db, 4).ok());
    db->Run(
        "INSERT INTO devices (id, organization, dense, display_name, notes, site, labels, facts, "
        "facts_hash, sealed_secret, monitor_only, held, least_epoch, create_us, update_us, "
        "delete_us, delete_index, version, last_given, highest_reported, expected_last) "
        "VALUES (?, ?, 0, 'gw', '', '', x'', x'', 0, x'', 0, 0, 1, 5, 5, 0, 0, 1, 0, 0, 0)",
        KeyOf(100), KeyOf(11));
    db->Run("INSERT INTO slabs (slab, idx, bytes) VALUES (0, 0, x'')");
  }
  const auto state = SqliteState::Open(path_);
  ASSERT_TRUE(state.ok()) << state.status();
  const std::vector<Device> all = (*state)->ListChangedDevices(OrganizationId{11}, {}, 10);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].change_index, 0U);
  EXPECT_EQ(all[0].status.online, OnlineState::kNever);
}

TEST_F(SchemaTest, AFileOfANewerProgramIsRefused) {
  {
    const auto db = OpenFile();
    ASSERT_TRUE(PrepareSchema(*db).ok());
    db->Execute(absl::StrCat("PRAGMA user_version=", kSchemaVersion + 1).c_str());
  }
  EXPECT_EQ(SqliteState::Open(path_).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace muster::server
