#include "common/secrets/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secrets/keyed_hasher.h"

namespace muster {
namespace {

TEST(SecretsTest, SealedBytesOpenOnlyWithTheirKeyAndContext) {
  ASSERT_TRUE(InitializeCryptography().ok());
  const Secret key = RandomSecret(32);
  const std::string sealed = Seal(key, "token-key/1", "rosebud");
  EXPECT_EQ(sealed.find("rosebud"), std::string::npos);
  auto opened = Open(key, "token-key/1", sealed);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->Reveal(), "rosebud");
  EXPECT_EQ(Open(key, "token-key/2", sealed).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Open(RandomSecret(32), "token-key/1", sealed).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(SecretsTest, EveryFlippedOrMissingByteIsNoticed) {
  ASSERT_TRUE(InitializeCryptography().ok());
  const Secret key = RandomSecret(32);
  const std::string sealed = Seal(key, "c", "x");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(Open(key, "c", changed).ok()) << i;
    EXPECT_FALSE(Open(key, "c", sealed.substr(0, i)).ok()) << i;
  }
}

TEST(SecretsTest, NothingStaysWhereASecretWasMovedAway) {
  for (const size_t size : {size_t{5}, size_t{200}}) {
    const std::string bytes(size, 's');
    Secret from(bytes);
    Secret to(std::string(300, 'o'));
    to = std::move(from);
    EXPECT_EQ(to.Reveal(), bytes);
    // A short one lies in the object itself.
    EXPECT_EQ(from.size(), 0u);
    EXPECT_EQ(absl::string_view(from.Reveal().data(), std::min<size_t>(size, 15)).find('s'),
              absl::string_view::npos);
    Secret copy;
    copy = to;
    const Secret& same = copy;
    copy = same;
    EXPECT_EQ(copy.Reveal(), bytes);
    const Secret taken(std::move(copy));
    EXPECT_EQ(taken.Reveal(), bytes);
  }
}

TEST(SecretsTest, SecretFilesAreForTheOwnerAlone) {
  const std::string path = testing::TempDir() + "/secret_" + std::to_string(getpid());
  ASSERT_TRUE(WriteNewSecretFile(path, "key\n").ok());
  EXPECT_EQ(WriteNewSecretFile(path, "other").code(), absl::StatusCode::kAlreadyExists);
  auto secret = ReadSecretFile(path);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(secret->Reveal(), "key");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(ReadSecretFile(path).status().code(), absl::StatusCode::kFailedPrecondition);
  unlink(path.c_str());
  EXPECT_EQ(ReadSecretFile(path).status().code(), absl::StatusCode::kNotFound);
}

TEST(KeyedHasherTest, GivesOneSumForTheSameBytesHoweverTheyCome) {
  ASSERT_TRUE(InitializeCryptography().ok());
  const Secret key(std::string(32, 'k'));
  KeyedHasher whole(key), parts(key), other(Secret(std::string(32, 'o')));
  whole.Add("onetwo");
  parts.Add("one");
  const std::string first = parts.Sum();
  parts.Add("two");
  other.Add("onetwo");
  EXPECT_EQ(whole.Sum(), parts.Sum());
  EXPECT_NE(whole.Sum(), first);
  EXPECT_NE(whole.Sum(), other.Sum());
  EXPECT_EQ(whole.Sum().size(), 32u);
}

TEST(KeyedHasherTest, DerivesAKeyForEachPurpose) {
  ASSERT_TRUE(InitializeCryptography().ok());
  const Secret key(std::string(32, 'k'));
  EXPECT_EQ(DeriveKey(key, "a").Reveal(), DeriveKey(key, "a").Reveal());
  EXPECT_NE(DeriveKey(key, "a").Reveal(), DeriveKey(key, "b").Reveal());
  EXPECT_EQ(DeriveKey(key, "a").size(), 32u);
}

}  // namespace
}  // namespace muster
