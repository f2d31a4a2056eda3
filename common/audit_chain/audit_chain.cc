// The bytes that are hashed, and the walk that checks them. Written by musterd, read by whoever has
// an export: the layout in the header is a promise.
#include "common/audit_chain/audit_chain.h"

#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"

namespace muster {
namespace {

// Little-endian by shifts, the same on every machine.
// Length (4 bytes, little-endian) and bytes: no two lists of fields give the same text.
void PutField(absl::string_view field, std::string& out) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(field.size() >> (8 * i)));
  out.append(field.data(), field.size());
}

void PutNumber(uint64_t value, std::string& out) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

std::string ChainHash(absl::string_view hash_before, const ChainedEntry& entry) {
  // 32 bytes or none: the only part without a length, and the first.
  std::string bytes(hash_before);
  PutNumber(entry.sequence, bytes);
  PutNumber(static_cast<uint64_t>(entry.time_us), bytes);
  PutNumber(entry.organization, bytes);
  PutNumber(entry.log_index, bytes);
  for (const absl::string_view field :
       {entry.actor, entry.method, entry.resource, entry.summary, entry.request_id}) {
    PutField(field, bytes);
  }
  return Hash256(bytes);
}

std::optional<std::string> ChainCheck::Take(const ChainedEntry& entry,
                                            absl::string_view hash_before, absl::string_view hash,
                                            bool gaps_allowed) {
  // A gap is allowed where a filter left entries out; then only order and each entry's own hash can
  // be checked.
  const bool follows = entry.sequence == sequence_ + 1;
  if (count_ > 0 && entry.sequence <= sequence_) {
    return absl::StrCat("entry ", entry.sequence, " comes after entry ", sequence_);
  }
  if (count_ > 0 && !follows && !gaps_allowed) {
    return absl::StrCat("entries ", sequence_ + 1, " to ", entry.sequence - 1, " are missing");
  }
  if (count_ > 0 && follows && hash_before != hash_) {
    return absl::StrCat("entry ", entry.sequence, " does not follow entry ", sequence_);
  }
  // Else the chain's beginning could be cut off and a new one written before it.
  if (entry.sequence == 1 && !hash_before.empty()) {
    return "entry 1 says that there was one before it";
  }
  // The entry's own words, last: a wrong place is the better message.
  if (ChainHash(hash_before, entry) != hash) {
    return absl::StrCat("entry ", entry.sequence, " was changed: its hash is another");
  }
  ++count_;
  sequence_ = entry.sequence;
  hash_ = std::string(hash);
  return std::nullopt;
}

}  // namespace muster
