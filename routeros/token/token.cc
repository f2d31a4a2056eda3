// The token's bytes. On routers for years, so the layout can't change: "m1" is what would.
#include "routeros/token/token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "routeros/token/aes_gcm.h"

namespace muster::routeros {
namespace {

constexpr absl::string_view kPrefix = "m1.";
constexpr absl::string_view kFormat = "m1";
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kClusterIdBytes = 16;
constexpr size_t kPlainBytes = 8 + 8 + 4 + 8 + kTokenSecretBytes;
constexpr size_t kSealedBytes = kKeyIdBytes + kAesNonceBytes + kPlainBytes + kAesTagBytes;
// Every token has one length, so a text of another is refused before it is decoded.
static_assert(kPrefix.size() + (kSealedBytes * 4 + 2) / 3 == kTokenCharacters);

// Big-endian, the same on every machine.
void AppendNumber(std::string& out, uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

// Takes `bytes` bytes off the front of `in`.
uint64_t TakeNumber(absl::string_view& in, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(bytes);
  return value;
}

// A seal of another cluster, or under a key of the same bytes with another id, doesn't open.
std::string Context(absl::string_view cluster_id, uint32_t key_id) {
  std::string context = absl::StrCat(kFormat, cluster_id);
  AppendNumber(context, key_id, kKeyIdBytes);
  return context;
}

// One answer for every reason, so that a stranger learns nothing from trying.
absl::Status NotOurs() {
  return absl::UnauthenticatedError("the token is not one of this cluster");
}

// The bytes behind the prefix. Refuses every spelling but the one that SealToken writes.
absl::StatusOr<std::string> Decode(absl::string_view text) {
  if (text.size() != kTokenCharacters || text.substr(0, kPrefix.size()) != kPrefix) {
    return NotOurs();
  }
  text.remove_prefix(kPrefix.size());
  std::string bytes;
  // Base64 has spare bits at its end and takes padding: one token must have one spelling.
  if (!absl::WebSafeBase64Unescape(text, &bytes) || bytes.size() != kSealedBytes ||
      absl::WebSafeBase64Escape(bytes) != text) {
    return NotOurs();
  }
  return bytes;
}

TokenContents ReadPlain(absl::string_view plain) {
  TokenContents contents;
  contents.device = DeviceId{TakeNumber(plain, 8)};
  contents.organization = OrganizationId{TakeNumber(plain, 8)};
  contents.epoch = static_cast<uint32_t>(TakeNumber(plain, 4));
  contents.issued_at = absl::FromUnixMicros(static_cast<int64_t>(TakeNumber(plain, 8)));
  // What is left are the secret's 16 bytes: the sizes were checked.
  contents.secret = Secret(std::string(plain));
  return contents;
}

}  // namespace

absl::StatusOr<Secret> SealToken(const TokenKey& key, absl::string_view cluster_id,
                                 const TokenContents& contents) {
  if (key.key.size() != kAesKeyBytes || cluster_id.size() != kClusterIdBytes ||
      contents.secret.size() != kTokenSecretBytes) {
    return absl::InvalidArgumentError("token key, cluster id or token secret has a wrong size");
  }
  std::string plain;
  plain.reserve(kPlainBytes);
  AppendNumber(plain, contents.device.value, 8);
  AppendNumber(plain, contents.organization.value, 8);
  AppendNumber(plain, contents.epoch, 4);
  AppendNumber(plain, static_cast<uint64_t>(absl::ToUnixMicros(contents.issued_at)), 8);
  plain.append(contents.secret.Reveal().data(), contents.secret.size());
  // Wiped when this returns.
  const Secret wiped(std::move(plain));
  // 96 random bits: safe for 2^32 tokens under one key (NIST SP 800-38D).
  const std::string nonce = RandomBytes(kAesNonceBytes);
  const std::string context = Context(cluster_id, key.key_id);
  const std::string sealed =
      AesGcmSeal({.key = key.key.Reveal(), .nonce = nonce, .context = context}, wiped.Reveal());
  if (sealed.empty()) return absl::InternalError("AES-256-GCM is not available");
  std::string bytes;
  AppendNumber(bytes, key.key_id, kKeyIdBytes);
  absl::StrAppend(&bytes, nonce, sealed);
  return Secret(absl::StrCat(kPrefix, absl::WebSafeBase64Escape(bytes)));
}

absl::StatusOr<TokenContents> OpenToken(absl::Span<const TokenKey> keys,
                                        absl::string_view cluster_id, absl::string_view text) {
  ASSIGN_OR_RETURN(const std::string bytes, Decode(text));
  absl::string_view rest = bytes;
  const uint32_t key_id = static_cast<uint32_t>(TakeNumber(rest, kKeyIdBytes));
  const absl::string_view nonce = rest.substr(0, kAesNonceBytes);
  const absl::string_view sealed = rest.substr(kAesNonceBytes);
  // The text names its key; were there two of one id, both would be tried.
  for (const TokenKey& key : keys) {
    if (key.key_id != key_id) continue;
    std::string plain;
    const std::string context = Context(cluster_id, key_id);
    if (!AesGcmOpen({.key = key.key.Reveal(), .nonce = nonce, .context = context}, sealed,
                    &plain)) {
      continue;
    }
    const Secret wiped(std::move(plain));
    TokenContents contents = ReadPlain(wiped.Reveal());
    // Sealed by us and empty can't be; it would be a device like any other in the tables.
    if (!contents.device || !contents.organization) return NotOurs();
    return contents;
  }
  return NotOurs();
}

std::string SecretCheck(const Secret& edge_key, const Secret& token_secret) {
  // A keyed hash, because a secret of 16 random bytes needs no slow one.
  return KeyedHash128(edge_key, token_secret.Reveal());
}

}  // namespace muster::routeros
