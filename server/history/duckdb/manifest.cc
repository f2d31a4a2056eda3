#include "server/history/duckdb/manifest.h"

#include <fstream>
#include <iterator>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "server/history/duckdb/files.h"

namespace muster::server::duck {
namespace {

constexpr absl::string_view kHash = "hash ";

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("history: the manifest is damaged: ", what,
                                          "; nothing was changed, restore the file from a backup"));
}

std::string HashOf(absl::string_view text) { return absl::BytesToHexString(Hash256(text)); }

// The words behind `key` in a line, if that is its key.
std::optional<std::vector<uint64_t>> NumbersBehind(absl::string_view key, absl::string_view line) {
  if (!absl::ConsumePrefix(&line, key)) return std::nullopt;
  std::vector<uint64_t> numbers;
  for (const absl::string_view word : absl::StrSplit(line, ' ')) {
    if (!absl::SimpleAtoi(word, &numbers.emplace_back())) return std::nullopt;
  }
  return numbers;
}

// What lies before the hash, if the hash is right.
absl::StatusOr<absl::string_view> Hashed(absl::string_view text) {
  const size_t at = text.rfind(kHash);
  if (at == absl::string_view::npos) return Damaged("it has no end");
  if (text.substr(at) != absl::StrCat(kHash, HashOf(text.substr(0, at)), "\n")) {
    return Damaged("its hash is another one");
  }
  return text.substr(0, at);
}

absl::Status TakeFile(absl::string_view line, Manifest& manifest) {
  const auto n = NumbersBehind("file ", line);
  if (!n || n->size() != 6) return Damaged(line);
  const SealedRange range = {(*n)[0],
                             (*n)[1],
                             (*n)[2],
                             (*n)[3],
                             static_cast<int64_t>((*n)[4]),
                             static_cast<int64_t>((*n)[5])};
  const uint64_t before = manifest.files.empty() ? 0 : manifest.files.back().last_index;
  if (range.first_index <= before || range.last_index < range.first_index ||
      range.last_index > manifest.sealed_through) {
    return Damaged(line);
  }
  manifest.files.push_back(range);
  return absl::OkStatus();
}

}  // namespace

std::string FormatManifest(const Manifest& manifest) {
  std::string text = absl::StrCat("muster-history ", kFormatVersion, "\nlog ",
                                  absl::BytesToHexString(manifest.log_id), "\nsealed-through ",
                                  manifest.sealed_through, "\n");
  for (const SealedRange& file : manifest.files) {
    absl::StrAppend(&text, "file ", file.first_index, " ", file.last_index, " ", file.rows, " ",
                    file.bytes, " ", file.first_time_us, " ", file.last_time_us, "\n");
  }
  return absl::StrCat(text, kHash, HashOf(text), "\n");
}

absl::StatusOr<Manifest> ParseManifest(absl::string_view text) {
  const std::vector<absl::string_view> all = absl::StrSplit(text, '\n');
  // Before the hash: a newer Muster may know another one.
  const auto version = NumbersBehind("muster-history ", all[0]);
  if (!version) return Damaged("it does not begin as one");
  if (version->at(0) > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat("history: written by a newer Muster (format ",
                                                      version->at(0), "; this one knows ",
                                                      kFormatVersion, "); start that one"));
  }
  ASSIGN_OR_RETURN(const absl::string_view hashed, Hashed(text));
  std::vector<absl::string_view> lines = absl::StrSplit(hashed, '\n');
  lines.pop_back();
  Manifest manifest;
  if (lines.size() < 3) return Damaged("lines are missing");
  if (!absl::ConsumePrefix(&lines[1], "log ")) return Damaged(lines[1]);
  manifest.log_id = absl::HexStringToBytes(lines[1]);
  const auto through = NumbersBehind("sealed-through ", lines[2]);
  if (!through) return Damaged(lines[2]);
  manifest.sealed_through = through->at(0);
  for (size_t i = 3; i < lines.size(); ++i) RETURN_IF_ERROR(TakeFile(lines[i], manifest));
  return manifest;
}

absl::StatusOr<Manifest> ReadManifest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("history: there is no ", path));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return ParseManifest(text);
}

absl::Status WriteManifest(const Manifest& manifest, const std::string& path) {
  return ReplaceFile(path, FormatManifest(manifest));
}

std::string SealedName(const SealedRange& range) {
  return absl::StrFormat("%020d-%020d.duckdb", range.first_index, range.last_index);
}

}  // namespace muster::server::duck
