// The join file: written by one program, carried by a person, read by another. So it is text that
// survives terminals and editors, and its reader says which line is wrong, never what stands there.
#include "common/join_file/join_file.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"

namespace muster {
namespace {

constexpr absl::string_view kVersion = "1";
constexpr absl::string_view kBegin = "-----BEGIN ";
constexpr absl::string_view kCertificate = "CERTIFICATE";
constexpr absl::string_view kPrivateKey = "PRIVATE KEY";

bool IsHexOf(absl::string_view text, size_t digits) {
  if (text.size() != digits) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

// The remedy is always the same, so it stands in every message.
absl::Status Missing(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "not a join file: ", what, " is missing or malformed; make one with: muster edge create"));
}

absl::Status TakeHeader(absl::string_view name, absl::string_view value, JoinFile& file) {
  // A later version may mean other things by the same names.
  if (name == "Muster-Join" && value != kVersion) return Missing("a version that is known here");
  if (name == "Edge") file.edge_id = std::string(value);
  if (name == "Cluster") file.cluster = std::string(value);
  if (name == "Control") file.control = std::string(value);
  if (name == "Token") file.token = Secret(std::string(value));
  if (name == "Expires" &&
      !absl::ParseTime(absl::RFC3339_full, std::string(value), &file.expires, nullptr)) {
    return Missing("\"Expires\"");
  }
  return absl::OkStatus();
}

// Cuts the next PEM block, which must be of `kind`, from the front of `text`.
absl::StatusOr<absl::string_view> TakeBlock(absl::string_view& text, absl::string_view kind) {
  const std::string begin = absl::StrCat(kBegin, kind, "-----\n");
  const std::string end = absl::StrCat("-----END ", kind, "-----\n");
  // Blocks have one order, so each can be named in an error.
  text = absl::StripLeadingAsciiWhitespace(text);
  const size_t stop = text.find(end);
  if (!absl::StartsWith(text, begin) || stop == absl::string_view::npos) return Missing(kind);
  const absl::string_view block = text.substr(0, stop + end.size());
  text.remove_prefix(block.size());
  return block;
}

absl::Status CheckHeaders(const JoinFile& file) {
  // Sizes and alphabets: it goes into file names and requests.
  if (!IsSlug(file.edge_id)) return Missing("\"Edge\"");
  if (!IsHexOf(file.cluster, 32)) return Missing("\"Cluster\"");
  if (!IsHexOf(file.token.Reveal(), 64)) return Missing("\"Token\"");
  if (file.expires == absl::Time()) return Missing("\"Expires\"");
  return absl::OkStatus();
}

}  // namespace

Secret FormatJoinFile(const JoinFile& file) {
  std::string text = absl::StrCat("Muster-Join: ", kVersion, "\nEdge: ", file.edge_id,
                                  "\nCluster: ", file.cluster, "\n");
  if (!file.control.empty()) absl::StrAppend(&text, "Control: ", file.control, "\n");
  absl::StrAppend(
      &text, "Expires: ", absl::FormatTime(absl::RFC3339_sec, file.expires, absl::UTCTimeZone()),
      "\nToken: ", file.token.Reveal(), "\n\n", file.cluster_root_pem, file.certificate_pem,
      file.private_key_pem.Reveal());
  return Secret(std::move(text));
}

absl::StatusOr<JoinFile> ParseJoinFile(absl::string_view text) {
  // Everything before the first block is lines.
  const size_t headers_end = text.find(kBegin);
  if (headers_end == absl::string_view::npos) return Missing(kCertificate);
  JoinFile file;
  bool versioned = false;
  for (absl::string_view line : absl::StrSplit(text.substr(0, headers_end), '\n')) {
    line = absl::StripAsciiWhitespace(line);
    // People write notes into such files.
    if (line.empty() || line.front() == '#') continue;
    const size_t colon = line.find(": ");
    if (colon == absl::string_view::npos) return Missing("a line \"Name: value\"");
    const absl::string_view name = line.substr(0, colon);
    versioned = versioned || name == "Muster-Join";
    RETURN_IF_ERROR(TakeHeader(name, line.substr(colon + 2), file));
  }
  if (!versioned) return Missing("\"Muster-Join\"");
  RETURN_IF_ERROR(CheckHeaders(file));
  // Editors and terminals may have written CRLF.
  std::string unix_text;
  for (const char c : text.substr(headers_end)) {
    if (c != '\r') unix_text.push_back(c);
  }
  if (unix_text.empty() || unix_text.back() != '\n') unix_text.push_back('\n');
  // The copy holds a private key: wiped when this returns.
  const Secret blocks(std::move(unix_text));
  absl::string_view rest = blocks.Reveal();
  ASSIGN_OR_RETURN(const absl::string_view root, TakeBlock(rest, kCertificate));
  ASSIGN_OR_RETURN(const absl::string_view certificate, TakeBlock(rest, kCertificate));
  ASSIGN_OR_RETURN(const absl::string_view key, TakeBlock(rest, kPrivateKey));
  file.cluster_root_pem = std::string(root);
  file.certificate_pem = std::string(certificate);
  file.private_key_pem = Secret(std::string(key));
  return file;
}

}  // namespace muster
