#include "routeros/token/token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "routeros/token/aes_gcm.h"

namespace muster::routeros {
namespace {

class TokenTest : public testing::Test {
 protected:
  TokenTest() { EXPECT_TRUE(InitializeCryptography().ok()); }

  static TokenKey Key(uint32_t id, char fill) {
    return {.key_id = id, .key = Secret(std::string(32, fill))};
  }
  std::string Sealed() const {
    auto text = SealToken(keys_[0], cluster_, contents_);
    EXPECT_TRUE(text.ok()) << text.status();
    return std::string(text->Reveal());
  }
  absl::StatusCode CodeOf(absl::string_view text) const {
    return OpenToken(keys_, cluster_, text).status().code();
  }

  const std::string cluster_ = std::string(16, 'c');
  const std::vector<TokenKey> keys_ = {Key(0xfffefdfc, 'a'), Key(2, 'b')};
  const TokenContents contents_ = {.device = DeviceId{0xfedcba9876543210},
                                   .organization = OrganizationId{77},
                                   .epoch = 0xf0000001,
                                   .issued_at = absl::FromUnixMicros(1'790'000'000'123'456),
                                   .secret = Secret("0123456789abcdef")};
};

TEST_F(TokenTest, OpensWhatItSealed) {
  const auto opened = OpenToken(keys_, cluster_, Sealed());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->device, contents_.device);
  EXPECT_EQ(opened->organization, contents_.organization);
  EXPECT_EQ(opened->epoch, contents_.epoch);
  EXPECT_EQ(opened->issued_at, contents_.issued_at);
  EXPECT_EQ(opened->secret.Reveal(), contents_.secret.Reveal());
}

TEST_F(TokenTest, IsSafeInAHeaderAndAlwaysOfOneLength) {
  std::set<std::string> texts;
  for (int i = 0; i < 200; ++i) {
    const std::string text = Sealed();
    EXPECT_EQ(text.size(), kTokenCharacters);
    EXPECT_EQ(text.substr(0, 3), "m1.");
    EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_",
                                     3),
              std::string::npos);
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), 200u);
}

TEST_F(TokenTest, RefusesEveryOtherCharacterAnywhere) {
  const std::string text = Sealed();
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'A', 'B', '=', '+', '/', ' ', '\n', '\0', '.'}) {
      if (text[i] == c) continue;
      std::string changed = text;
      changed[i] = c;
      EXPECT_EQ(CodeOf(changed), absl::StatusCode::kUnauthenticated) << i;
    }
  }
}

TEST_F(TokenTest, RefusesAnotherSpellingOfTheSameBytes) {
  // The last character carries four unused bits.
  std::string text = Sealed();
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  text.back() = alphabet[alphabet.find(text.back()) + 1];
  EXPECT_EQ(CodeOf(text), absl::StatusCode::kUnauthenticated);
}

TEST_F(TokenTest, RefusesShortLongAndEmptyTexts) {
  const std::string text = Sealed();
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(CodeOf(text.substr(0, size)), absl::StatusCode::kUnauthenticated);
  }
  EXPECT_EQ(CodeOf(text + "A"), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(CodeOf(text + text), absl::StatusCode::kUnauthenticated);
}

TEST_F(TokenTest, RefusesAnotherClusterAndAnotherKey) {
  const std::string text = Sealed();
  EXPECT_FALSE(OpenToken(keys_, std::string(16, 'd'), text).ok());
  EXPECT_FALSE(OpenToken({}, cluster_, text).ok());
  // Same number, other key; other number, same key.
  const std::vector<TokenKey> others = {Key(0xfffefdfc, 'b'), Key(3, 'a')};
  EXPECT_FALSE(OpenToken(others, cluster_, text).ok());
}

TEST_F(TokenTest, RefusesToSealWithWrongSizes) {
  TokenContents contents = contents_;
  contents.secret = Secret("short");
  EXPECT_EQ(SealToken(keys_[0], cluster_, contents).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SealToken(keys_[0], "short", contents_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SealToken({.key_id = 1, .key = Secret("k")}, cluster_, contents_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(TokenTest, RefusalsDoNotRepeatTheText) {
  const std::string text = Sealed();
  const auto opened = OpenToken(keys_, std::string(16, 'd'), text);
  EXPECT_EQ(std::string(opened.status().message()).find(text.substr(3, 12)), std::string::npos);
}

TEST_F(TokenTest, SecretChecksDifferPerEdgeAndPerSecret) {
  const Secret edge1(std::string(32, '1')), edge2(std::string(32, '2'));
  const std::string check = SecretCheck(edge1, contents_.secret);
  EXPECT_EQ(check.size(), kSecretCheckBytes);
  EXPECT_EQ(check, SecretCheck(edge1, contents_.secret));
  EXPECT_NE(check, SecretCheck(edge2, contents_.secret));
  EXPECT_NE(check, SecretCheck(edge1, Secret("0123456789abcdeF")));
}

TEST_F(TokenTest, BothEnginesWriteAndReadTheSameBytes) {
  const std::string key(32, 'k'), nonce(12, 'n');
  const AesGcmInput input{.key = key, .nonce = nonce, .context = "for the test"};
  for (const size_t size : {size_t{0}, size_t{1}, size_t{44}, size_t{1000}}) {
    const std::string plain(size, 'p');
    const std::string fastest = AesGcmSeal(input, plain);
    EXPECT_EQ(fastest, AesGcmSeal(input, plain, AesEngine::kOpenSsl));
    std::string opened;
    EXPECT_TRUE(AesGcmOpen(input, fastest, &opened, AesEngine::kOpenSsl));
    EXPECT_EQ(opened, plain);
    std::string changed = fastest;
    changed.back() ^= 1;
    EXPECT_FALSE(AesGcmOpen(input, changed, &opened, AesEngine::kOpenSsl));
    EXPECT_FALSE(AesGcmOpen(input, changed, &opened));
  }
}

// NIST's GCM test case 16 (AES-256, 60 bytes of text, 20 bytes of associated data).
TEST_F(TokenTest, AgreesWithThePublishedVector) {
  const std::string key =
      absl::HexStringToBytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const std::string nonce = absl::HexStringToBytes("cafebabefacedbaddecaf888");
  const std::string context = absl::HexStringToBytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string plain = absl::HexStringToBytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const AesGcmInput input{.key = key, .nonce = nonce, .context = context};
  for (const AesEngine engine : {AesEngine::kFastest, AesEngine::kOpenSsl}) {
    EXPECT_EQ(absl::BytesToHexString(AesGcmSeal(input, plain, engine)),
              "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
              "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
              "76fc6ece0f4e1768cddf8853bb2d551b");
  }
}

}  // namespace
}  // namespace muster::routeros
