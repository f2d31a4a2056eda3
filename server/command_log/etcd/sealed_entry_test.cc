#include "server/command_log/etcd/sealed_entry.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

const std::string kLog(16, 'L');

class SealedEntryTest : public testing::Test {
 protected:
  SealedEntryTest() { EXPECT_TRUE(InitializeCryptography().ok()); }

  const Secret key_ = LogKeyOf(Secret(std::string(32, 'm')));
};

TEST_F(SealedEntryTest, OpensWhatItSealedAndShowsNothingOfIt) {
  const std::string plain = "a password in a script";
  const std::string sealed = SealEntry(key_, kLog, {3, 9}, plain);
  EXPECT_EQ(sealed.find("password"), std::string::npos);
  EXPECT_EQ(sealed.size(), 20 + 24 + plain.size() + 16);
  EXPECT_EQ(sealed.substr(0, 4), std::string("MS\x01\x00", 4));
  const auto opened = OpenEntry(key_, kLog, sealed);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->id, (EntryId{3, 9}));
  EXPECT_EQ(opened->bytes, plain);
}

TEST_F(SealedEntryTest, RefusesEachFlippedCutAndAddedByte) {
  const std::string good = SealEntry(key_, kLog, {3, 9}, "plain");
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(OpenEntry(key_, kLog, bad).ok()) << at;
    EXPECT_FALSE(OpenEntry(key_, kLog, good.substr(0, at)).ok()) << at;
  }
  EXPECT_FALSE(OpenEntry(key_, kLog, good + "x").ok());
}

TEST_F(SealedEntryTest, BindsTheLogAndTheKey) {
  const std::string good = SealEntry(key_, kLog, {3, 9}, "plain");
  EXPECT_FALSE(OpenEntry(key_, std::string(16, 'M'), good).ok());
  EXPECT_FALSE(OpenEntry(LogKeyOf(Secret(std::string(32, 'n'))), kLog, good).ok());
}

TEST_F(SealedEntryTest, AnOwnerIsKnownByItsLogAndKey) {
  const LogOwner owner = MakeLogOwner(key_, kLog, 0);
  const auto read = DecodeLogOwner(EncodeLogOwner(owner));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->log_id, kLog);
  EXPECT_EQ(read->key_check, owner.key_check);
  EXPECT_NE(MakeLogOwner(LogKeyOf(Secret(std::string(32, 'n'))), kLog, 0).key_check,
            owner.key_check);
  EXPECT_FALSE(DecodeLogOwner("").ok());
  EXPECT_FALSE(DecodeLogOwner(EncodeLogOwner(owner) + "x").ok());
}

TEST_F(SealedEntryTest, AnOwnerWithABaseReadsBackAndItsBaseIsProven) {
  const LogOwner owner = MakeLogOwner(key_, kLog, 77);
  const auto back = DecodeLogOwner(EncodeLogOwner(owner));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->log_id, kLog);
  EXPECT_EQ(back->base, 77u);
  EXPECT_EQ(back->key_check, owner.key_check);
  EXPECT_NE(MakeLogOwner(key_, kLog, 78).key_check, owner.key_check);
  EXPECT_NE(MakeLogOwner(key_, kLog, 0).key_check, owner.key_check);
}

TEST_F(SealedEntryTest, ABaseThatCanNotBeIsRefused) {
  LogOwner owner = MakeLogOwner(key_, kLog, 1);
  std::string bytes = EncodeLogOwner(owner);
  EXPECT_TRUE(DecodeLogOwner(bytes).ok());
  // 0 has a format of its own, so that a record has one form only.
  bytes[20] = 0;
  EXPECT_FALSE(DecodeLogOwner(bytes).ok());
  bytes[27] = '\x7f';
  EXPECT_FALSE(DecodeLogOwner(bytes).ok());
  EXPECT_FALSE(DecodeLogOwner(bytes.substr(0, bytes.size() - 1)).ok());
}

}  // namespace
}  // namespace muster::server
