#include "server/access/page_tokens/page_tokens.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

// 24 nonce + 256 cursor + 16 tag, in base64, rounded up.
constexpr size_t kLargestTokenBytes = 400;

// Each part with its length, so that none can reach into the next.
std::string Context(const PageBinding& binding) {
  // The query as a hash: it may be 4 KiB long.
  return absl::StrCat("page-token/1/", binding.method.size(), ":", binding.method, "/",
                      binding.organization, "/", absl::BytesToHexString(Hash256(binding.query)));
}

// One message for everything: why a token doesn't open is nobody's business.
absl::Status Refused() { return absl::InvalidArgumentError("not a page token of this listing"); }

}  // namespace

PageTokens::PageTokens(const Secret& master_key)
    // A key of its own, so that tokens can't be mixed up with anything else sealed under the master
    // key.
    : key_(Hash256(absl::StrCat("muster page token key 1", master_key.Reveal()))) {}

std::string PageTokens::Seal(const PageBinding& binding, absl::string_view cursor) const {
  return absl::WebSafeBase64Escape(muster::Seal(key_, Context(binding), cursor));
}

absl::StatusOr<std::string> PageTokens::Open(const PageBinding& binding,
                                             absl::string_view token) const {
  if (token.empty() || token.size() > kLargestTokenBytes) return Refused();
  std::string sealed;
  if (!absl::WebSafeBase64Unescape(token, &sealed)) return Refused();
  // Only the spelling that Seal writes: no padding, no white space, no loose last bits.
  if (absl::WebSafeBase64Escape(sealed) != token) return Refused();
  const absl::StatusOr<Secret> cursor = muster::Open(key_, Context(binding), sealed);
  if (!cursor.ok()) return Refused();
  return std::string(cursor->Reveal());
}

}  // namespace muster::server
