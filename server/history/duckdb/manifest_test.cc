#include "server/history/duckdb/manifest.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace muster::server::duck {
namespace {

Manifest Example() {
  return {.log_id = std::string("a log\0", 6),
          .sealed_through = 500,
          .files = {{1, 100, 700, 12288, 1'700'000'000'000'000, 1'700'000'100'000'000},
                    {401, 500, 0, 12288, 0, 0}}};
}

TEST(ManifestTest, ReadsWhatItWrote) {
  const auto read = ParseManifest(FormatManifest(Example()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Example());
  EXPECT_EQ(*ParseManifest(FormatManifest({})), Manifest{});
}

TEST(ManifestTest, SaysInItsFirstLineWhatItIs) {
  EXPECT_EQ(FormatManifest(Example()).substr(0, 17), "muster-history 1\n");
}

TEST(ManifestTest, SeesEachCut) {
  const std::string text = FormatManifest(Example());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(ParseManifest(text.substr(0, size)).status())) << size;
  }
}

TEST(ManifestTest, SeesEachChangedByte) {
  const std::string text = FormatManifest(Example());
  for (size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const absl::Status status = ParseManifest(changed).status();
    EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsFailedPrecondition(status)) << at;
  }
  EXPECT_TRUE(absl::IsDataLoss(ParseManifest(absl::StrCat(text, "\n")).status()));
}

TEST(ManifestTest, RefusesANewerOneWithoutReadingOn) {
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseManifest("muster-history 2\nwho knows\n").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseManifest("muster-history two\nwho knows\n").status()));
}

TEST(ManifestTest, RefusesRangesThatCantBe) {
  for (const SealedRange& wrong : std::vector<SealedRange>{
           {50, 150, 1, 1, 0, 0}, {120, 110, 1, 1, 0, 0}, {450, 501, 1, 1, 0, 0}}) {
    Manifest manifest = Example();
    manifest.files[1] = wrong;
    EXPECT_TRUE(absl::IsDataLoss(ParseManifest(FormatManifest(manifest)).status()))
        << wrong.first_index;
  }
}

TEST(ManifestTest, NamesFilesByTheirEntriesInOrder) {
  EXPECT_EQ(SealedName({1, 500}), "00000000000000000001-00000000000000000500.duckdb");
  EXPECT_LT(SealedName({9, 10}), SealedName({10, 11}));
}

}  // namespace
}  // namespace muster::server::duck
