#include "server/pki/node_join_file.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/pki/cluster_keys.h"

namespace muster::server {
namespace {

using internal::v1::NodeJoinFile;
using internal::v1::NodeJoinSecrets;

constexpr absl::string_view kBegin = "-----BEGIN MUSTER NODE JOIN-----\n";
constexpr absl::string_view kEnd = "-----END MUSTER NODE JOIN-----\n";
constexpr size_t kLine = 76;
constexpr size_t kHashBytes = 32;
constexpr uint32_t kFormat = 1;
// Of a file that is worth reading.
constexpr size_t kMaxBytes = 1 << 20;

absl::Status NotOne(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("it is no join file of a node, or was damaged or altered (", why,
                   "); make a new one with: muster cluster join-token"));
}

// Everything but the sealed part is bound by the seal.
std::string ContextOf(const NodeJoinFile& file) {
  NodeJoinFile clear = file;
  clear.clear_sealed();
  return absl::StrCat("muster/node-join/", Hash256(clear.SerializeAsString()));
}

bool IsWhole(const NodeJoinFile& file) {
  return file.cluster_id().size() == 16 && file.token_id() != 0 && file.token().size() == 32 &&
         file.expire_time_us() > 0 && !file.cluster_root_pem().empty() &&
         !file.certificate_pem().empty() && !file.key_pem().empty() && file.nodes_size() > 0 &&
         !file.sealed().empty();
}

}  // namespace

void SealNodeJoin(const Secret& key, const NodeJoinSecrets& secrets, NodeJoinFile& file) {
  const Secret plain(secrets.SerializeAsString());
  file.set_sealed(Seal(key, ContextOf(file), plain.Reveal()));
}

absl::StatusOr<NodeJoinSecrets> OpenNodeJoin(const Secret& key, const NodeJoinFile& file) {
  const absl::StatusOr<Secret> plain = Open(key, ContextOf(file), file.sealed());
  NodeJoinSecrets secrets;
  if (plain.ok() && secrets.ParseFromString(std::string(plain->Reveal()))) return secrets;
  return absl::DataLossError(
      "the join file was altered: its sealed part does not open; make a new one with: muster "
      "cluster join-token");
}

Secret FormatNodeJoinFile(const NodeJoinFile& file) {
  const Secret bytes(file.SerializeAsString());
  const Secret all(absl::StrCat(Hash256(bytes.Reveal()), bytes.Reveal()));
  const Secret base64(absl::Base64Escape(all.Reveal()));
  std::string text = absl::StrCat(
      "# Lets one machine join cluster ", ClusterText(file.cluster_id()),
      " as a node, once, until\n", "# ",
      absl::FormatTime(absl::RFC3339_sec, absl::FromUnixMicros(file.expire_time_us()),
                       absl::UTCTimeZone()),
      ": musterd --join FILE --data-dir DIR --advertise NAME. Keep it 0600.\n", kBegin);
  for (size_t at = 0; at < base64.size(); at += kLine) {
    absl::StrAppend(&text, base64.Reveal().substr(at, kLine), "\n");
  }
  text.append(kEnd.data(), kEnd.size());
  return Secret(std::move(text));
}

absl::StatusOr<NodeJoinFile> ParseNodeJoinFile(absl::string_view text) {
  const size_t begin = text.find(absl::StripTrailingAsciiWhitespace(kBegin));
  const size_t end = text.find(absl::StripTrailingAsciiWhitespace(kEnd));
  if (begin == absl::string_view::npos || end == absl::string_view::npos || end < begin ||
      text.size() > kMaxBytes) {
    return NotOne("a frame is missing");
  }
  const size_t from = begin + kBegin.size() - 1;
  std::string base64;
  for (const char c : text.substr(from, end - from)) {
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) base64.push_back(c);
  }
  std::string bytes;
  // The one text of these bytes: Abseil also takes one whose last character has bits too many.
  const bool decoded = absl::Base64Unescape(base64, &bytes) && bytes.size() > kHashBytes &&
                       absl::Base64Escape(bytes) == base64;
  const Secret wiped_text(std::move(base64));
  const Secret all(std::move(bytes));
  if (!decoded) return NotOne("its text");
  const absl::string_view rest = all.Reveal().substr(kHashBytes);
  if (Hash256(rest) != all.Reveal().substr(0, kHashBytes)) return NotOne("its checksum");
  NodeJoinFile file;
  if (!file.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) return NotOne("its fields");
  if (file.format() != kFormat) return NotOne("a format that this program does not know");
  if (!IsWhole(file)) return NotOne("a field is missing");
  return file;
}

}  // namespace muster::server
