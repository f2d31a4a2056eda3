#include "common/secrets/sealed_box.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

class SealedBoxTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeCryptography().ok()); }

  const BoxKeyPair keys_ = MakeBoxKeyPair();
};

TEST_F(SealedBoxTest, WhoHasThePrivateHalfOpensWhatAnybodySealed) {
  const auto sealed = SealInBox(keys_.public_key, "what/1", "a secret");
  ASSERT_TRUE(sealed.ok());
  const auto again = BoxKeyPairOf(keys_.private_key);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->public_key, keys_.public_key);
  const auto opened = OpenBox(*again, "what/1", *sealed);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->Reveal(), "a secret");
  EXPECT_NE(*SealInBox(keys_.public_key, "what/1", "a secret"), *sealed);
}

TEST_F(SealedBoxTest, NobodyElseOpensItAndNobodyInAnotherPlace) {
  const std::string sealed = *SealInBox(keys_.public_key, "what/1", "a secret");
  EXPECT_TRUE(absl::IsDataLoss(OpenBox(MakeBoxKeyPair(), "what/1", sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(OpenBox(keys_, "what/2", sealed).status()));
}

TEST_F(SealedBoxTest, EachChangedByteAndEachMissingOneIsSeen) {
  const std::string sealed = *SealInBox(keys_.public_key, "what", "plain");
  for (size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_TRUE(absl::IsDataLoss(OpenBox(keys_, "what", changed).status())) << at;
    EXPECT_TRUE(absl::IsDataLoss(OpenBox(keys_, "what", sealed.substr(0, at)).status())) << at;
  }
}

TEST_F(SealedBoxTest, KeysOfAnotherSizeAndPointsThatAreNoneAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(SealInBox("short", "what", "plain").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SealInBox(std::string(32, '\0'), "what", "x").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(BoxKeyPairOf(Secret("short")).status()));
}

}  // namespace
}  // namespace muster
