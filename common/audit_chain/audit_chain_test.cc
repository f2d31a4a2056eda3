#include "common/audit_chain/audit_chain.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/secrets/secrets.h"

namespace muster {
namespace {

struct Entry {
  ChainedEntry fields;
  std::string before;
  std::string hash;
};

std::vector<Entry> MakeChain(int count) {
  EXPECT_TRUE(InitializeCryptography().ok());
  std::vector<Entry> chain;
  std::string before;
  for (int i = 1; i <= count; ++i) {
    Entry entry;
    entry.fields = {
        static_cast<uint64_t>(i), 1000 + i, 7, 50, "apiKeys/a", "S/M", "r", "did", "id"};
    entry.before = before;
    entry.hash = before = ChainHash(before, entry.fields);
    chain.push_back(entry);
  }
  return chain;
}

// What is wrong with it; empty: nothing.
std::string Check(const std::vector<Entry>& chain, bool gaps_allowed = false) {
  ChainCheck check;
  for (const Entry& entry : chain) {
    const auto wrong = check.Take(entry.fields, entry.before, entry.hash, gaps_allowed);
    if (wrong.has_value()) return *wrong;
  }
  EXPECT_EQ(check.count(), chain.size());
  return "";
}

TEST(AuditChainTest, TakesAWholeChainAndAPieceOfOne) {
  std::vector<Entry> chain = MakeChain(5);
  EXPECT_EQ(Check(chain), "");
  chain.erase(chain.begin(), chain.begin() + 2);
  EXPECT_EQ(Check(chain), "");
}

TEST(AuditChainTest, NamesAnEntryWithAnyFieldChanged) {
  const std::vector<Entry> chain = MakeChain(5);
  for (int field = 0; field < 9; ++field) {
    std::vector<Entry> changed = chain;
    ChainedEntry& entry = changed[2].fields;
    if (field == 0) entry.time_us += 1;
    if (field == 1) entry.organization += 1;
    if (field == 2) entry.log_index += 1;
    if (field == 3) entry.actor = "apiKeys/b";
    if (field == 4) entry.method = "S/N";
    if (field == 5) entry.resource = "";
    if (field == 6) entry.summary = "didn't";
    if (field == 7) entry.request_id = "";
    // Moving bytes from one field to the next is no way around it.
    if (field == 8) entry.actor = "apiKeys/aS", entry.method = "/M";
    EXPECT_EQ(Check(changed), "entry 3 was changed: its hash is another") << field;
  }
}

TEST(AuditChainTest, NoticesEntriesThatAreMissingOrRehashed) {
  std::vector<Entry> chain = MakeChain(6);
  std::vector<Entry> cut = chain;
  cut.erase(cut.begin() + 2, cut.begin() + 4);
  EXPECT_EQ(Check(cut), "entries 3 to 4 are missing");
  EXPECT_EQ(Check(cut, true), "");
  std::vector<Entry> rehashed = chain;
  rehashed[2].fields.summary = "didn't";
  rehashed[2].hash = ChainHash(rehashed[2].before, rehashed[2].fields);
  EXPECT_EQ(Check(rehashed), "entry 4 does not follow entry 3");
  std::swap(chain[1], chain[2]);
  EXPECT_EQ(Check(chain, true), "entry 2 comes after entry 3");
}

}  // namespace
}  // namespace muster
