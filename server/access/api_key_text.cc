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
  const Secret random = RandomSecret(32);
  key.text = Secret(
      absl::StrCat("mk1.", FormatId(key.id), ".", absl::WebSafeBase64Escape(random.Reveal())));
  key.hash = HashApiKey(key.text.Reveal());
  return key;
}

bool LooksLikeApiKey(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "mk1.")) return false;
  if (text.size() != kIdSize + 1 + kRandomSize || text[kIdSize] != '.') return false;
  if (!ParseIdAs<ApiKeyId>(text.substr(0, kIdSize)).has_value()) return false;
  for (const char c : text.substr(kIdSize + 1)) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
  }
  return true;
}

std::string HashApiKey(absl::string_view text) { return Hash256(text); }

}  // namespace muster::server
