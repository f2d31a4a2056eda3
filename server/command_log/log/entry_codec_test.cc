#include "server/command_log/log/entry_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "server/command_log/log/feature_level.h"

namespace muster::server {
namespace {

using internal::v1::Command;

Command Tick(int64_t time_us) {
  Command command;
  command.mutable_tick()->set_time_us(time_us);
  return command;
}

// Large enough to be compressed.
Command Organization(const std::string& name) {
  Command command;
  command.mutable_create_organization()->set_display_name(name);
  return command;
}

std::string Encode(const std::vector<Command>& commands) {
  std::vector<CheckedCommand> checked;
  std::vector<absl::string_view> bytes;
  for (const Command& command : commands) checked.push_back(*CheckCommand(command));
  for (const CheckedCommand& one : checked) bytes.push_back(one.bytes);
  return EncodeEntry({std::string(16, 'L'), 7, 3, 1'700'000'000'000'000}, bytes);
}

TEST(EntryCodecTest, ReadsBackWhatItWrote) {
  const std::string bytes = Encode({Tick(5), Organization(std::string(1000, 'x'))});
  EXPECT_LT(bytes.size(), 200U);
  const auto decoded = DecodeEntry(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->header.log_id, std::string(16, 'L'));
  EXPECT_EQ(decoded->header.index, 7U);
  EXPECT_EQ(decoded->header.proposer, 3U);
  EXPECT_EQ(decoded->header.state_time_us, 1'700'000'000'000'000);
  ASSERT_EQ(decoded->entry.commands_size(), 2);
  EXPECT_EQ(decoded->entry.commands(0).tick().time_us(), 5);
  EXPECT_EQ(decoded->entry.commands(1).version(), 1U);
}

TEST(EntryCodecTest, GivesAnEntryAnotherIndexAndNothingElse) {
  const std::string bytes = Encode({Tick(5), Organization(std::string(1000, 'x'))});
  const std::string other = RenumberEntry(bytes, 0x0102030405060708);
  EXPECT_EQ(RenumberEntry(other, 7), bytes);
  const auto decoded = DecodeEntry(other);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->header.index, 0x0102030405060708U);
  EXPECT_EQ(decoded->header.proposer, 3U);
  EXPECT_EQ(decoded->entry.commands_size(), 2);
}

TEST(EntryCodecTest, WritesTheBytesThatTheDesignDescribes) {
  const std::string bytes = Encode({Tick(5)});
  EXPECT_EQ(bytes.substr(0, 4), std::string("ME\x01\x00", 4));
  EXPECT_EQ(bytes.substr(8, 16), std::string(16, 'L'));
  EXPECT_EQ(bytes.substr(24, 8), std::string("\x07\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(32, 8), std::string("\x03\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(48, 8), std::string("\x09\0\0\0\x09\0\0\0", 8));
  // Entry.commands, 7 bytes: version 1, tick (field 36) with time_us 5.
  EXPECT_EQ(bytes.substr(56), std::string("\x0a\x07\x08\x01\xa2\x02\x02\x08\x05", 9));
}

TEST(EntryCodecTest, ComputesCastagnoli) { EXPECT_EQ(Crc32c("123456789"), 0xE3069283U); }

TEST(EntryCodecTest, RefusesEachFlippedByte) {
  const std::string good = Encode({Tick(5), Organization(std::string(300, 'x'))});
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      EXPECT_FALSE(DecodeEntry(bad).ok()) << "byte " << at;
    }
  }
}

TEST(EntryCodecTest, RefusesEachCutAndEachDroppedOrAddedByte) {
  const std::string good = Encode({Tick(5), Organization("some name")});
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeEntry(absl::string_view(good).substr(0, size)).ok()) << size;
    EXPECT_FALSE(DecodeEntry(std::string(good).erase(size, 1)).ok()) << size;
  }
  EXPECT_FALSE(DecodeEntry(good + "x").ok());
}

TEST(EntryCodecTest, RefusesRandomBytes) {
  const uint32_t seed = std::random_device{}();
  RecordProperty("seed", absl::StrCat(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_FALSE(DecodeEntry(bytes).ok()) << "seed " << seed;
  }
}

TEST(EntryCodecTest, StopsANodeThatIsOlderThanTheCommand) {
  Command command = Tick(5);
  command.set_version(FeatureLevel() + 1);
  const std::string bytes = command.SerializeAsString();
  const auto decoded = DecodeEntry(EncodeEntry({std::string(16, 'L'), 1, 0, 0}, {bytes}));
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kUnimplemented);
}

TEST(EntryCodecTest, RefusesTextThatIsNotUtf8BeforeItCanReachTheLog) {
  EXPECT_EQ(CheckCommand(Organization("\xff\xfe")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(EntryCodecTest, RefusesACommandThatIsTooLarge) {
  EXPECT_EQ(CheckCommand(Organization(std::string(kMaxCommandBytes, 'x'))).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster::server
