#include "server/access/api_key_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace muster::server {
namespace {

constexpr size_t kIdSize = 13;
// 32 bytes without padding.
constexpr size_t kRandomSize = 43;

}  // namespace

NewApiKey MakeApiKey() {
  NewApiKey key;
  key.id = MakeId<ApiKeyId>();
  // The id stands in the text so that logs and people can name a key without knowing it.
  const Secret random = RandomSecret(32);
  key.text = Secret(
      absl::StrCat("mk1.", FormatId(key.id), ".", absl::WebSafeBase64Escape(random.Reveal())));
  key.hash = HashApiKey(key.text.Reveal());
  return key;
}

std::optional<ApiKeyId> IdOfApiKey(absl::string_view text) {
  // Form first: nonsense costs no look into the state. The prefix lets scanners for leaked secrets
  // find ours.
  if (!absl::ConsumePrefix(&text, "mk1.")) return std::nullopt;
  if (text.size() != kIdSize + 1 + kRandomSize || text[kIdSize] != '.') return std::nullopt;
  for (const char c : text.substr(kIdSize + 1)) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') {
      return std::nullopt;
    }
  }
  return ParseIdAs<ApiKeyId>(text.substr(0, kIdSize));
}

std::string HashApiKey(absl::string_view text) { return Hash256(text); }

}  // namespace muster::server
