// Orders and sort keys. A key is bytes, so that a page token can hold where a page ended and the
// next page is "all keys behind this", without anything being kept between the calls.
#include "server/filter/order.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/text/clean.h"
#include "server/filter/filter_values.h"

namespace muster::server {
namespace {

constexpr size_t kMostParts = 3;
// Three of these and an id must fit into a page token.
constexpr size_t kComparedBytes = 64;
// As many as a version can have.
constexpr size_t kVersionNumbers = 4;

// Most significant byte first.
std::string BigEndian(uint64_t number) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (56 - 8 * i));
  return bytes;
}

// Signed numbers in their order.
std::string Ordered(int64_t number) {
  // The sign bit turned around: negative numbers come first, compared as bytes.
  return BigEndian(static_cast<uint64_t>(number) ^ (uint64_t{1} << 63));
}

absl::Status Refused(absl::string_view what, const std::vector<absl::string_view>& fields) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; wants up to ", kMostParts, " of ", absl::StrJoin(fields, ", "),
                   ", separated by commas, each perhaps followed by \" desc\""));
}

}  // namespace

absl::StatusOr<Order> Order::Parse(absl::string_view text,
                                   const std::vector<absl::string_view>& fields) {
  Order order;
  if (absl::StripAsciiWhitespace(text).empty()) return order;
  for (const absl::string_view piece : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(piece, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    const bool has_direction = words.size() == 2 && (words[1] == "desc" || words[1] == "asc");
    if (words.empty() || (words.size() > 1 && !has_direction)) {
      return Refused(absl::StrCat("\"", CleanText(piece), "\" is no order"), fields);
    }
    if (std::find(fields.begin(), fields.end(), words[0]) == fields.end()) {
      return Refused(absl::StrCat("nothing is ordered by \"", CleanText(words[0]), "\""), fields);
    }
    for (const Part& part : order.parts_) {
      if (part.field == words[0]) return Refused(absl::StrCat(words[0], " is there twice"), fields);
    }
    order.parts_.push_back({std::string(words[0]), has_direction && words[1] == "desc"});
  }
  if (order.parts_.size() > kMostParts) return Refused("too many fields", fields);
  return order;
}

void SortKey::AddPiece(std::string piece, bool descending) {
  if (descending) {
    // Every byte turned around turns the order of this piece around, and of it alone.
    for (char& c : piece) c = static_cast<char>(~static_cast<unsigned char>(c));
  }
  key_ += piece;
}

void SortKey::AddText(absl::string_view text, bool descending) {
  std::string piece(text.substr(0, kComparedBytes));
  // The end of a text comes before everything else.
  // NUL is the end mark; identities may hold any byte.
  std::replace(piece.begin(), piece.end(), '\0', '\1');
  piece.push_back('\0');
  AddPiece(std::move(piece), descending);
}

void SortKey::AddNumber(int64_t number, bool descending) { AddPiece(Ordered(number), descending); }

void SortKey::AddVersion(absl::string_view version, bool descending) {
  // Numbers, then stage and its number: betas before the release, as filters have it. All zeros: no
  // version.
  std::string piece(kVersionNumbers * 4 + 4, '\0');
  if (const auto value = ParseVersionValue(version); value.has_value()) {
    const auto put = [&](size_t place, int number) {
      for (int i = 0; i < 4; ++i) {
        piece[place * 4 + i] = static_cast<char>(static_cast<uint32_t>(number) >> (24 - 8 * i));
      }
    };
    for (size_t i = 0; i < std::min(kVersionNumbers, value->numbers.size()); ++i) {
      put(i, value->numbers[i]);
    }
    put(kVersionNumbers, (value->stage << 24) | (value->stage_number & 0xffffff));
  }
  AddPiece(std::move(piece), descending);
}

std::string SortKey::Finish(uint64_t id) && { return std::move(key_) + BigEndian(id); }
std::string SortKey::Finish(absl::string_view id) && { return absl::StrCat(key_, id); }

}  // namespace muster::server
