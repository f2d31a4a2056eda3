// Jobs in parts, and the short verbs. Sizes are chosen so that a part fits a reply of the version
// with room to spare, and memory: a router holds the script so far and one part.
#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "routeros/script/payload.h"

namespace muster::routeros {
namespace {

// Divisible by 2 and 3, and their quotients by 4: a part holds whole bytes, and the checksum's
// groups of four begin anew with each part.
constexpr size_t kPartCharacters = 24000;
constexpr size_t kPartCharactersOnV6 = 1200;

size_t CharactersPerByte(PayloadFormat format) { return format == PayloadFormat::kEscaped ? 3 : 2; }

// An empty script still has one, empty part.
size_t PartsOf(size_t script_bytes, size_t bytes_per_part) {
  return std::max<size_t>(1, (script_bytes + bytes_per_part - 1) / bytes_per_part);
}

// `end` is the byte behind the number, '\0' for the end of the text.
bool TakeNumber(absl::string_view* text, char end, uint64_t* number) {
  const size_t at = end == '\0' ? text->size() : text->find(end);
  if (at == absl::string_view::npos || !absl::SimpleAtoi(text->substr(0, at), number)) return false;
  text->remove_prefix(std::min(at + 1, text->size()));
  return true;
}

}  // namespace

std::string SkipReply(int seconds) { return absl::StrCat("W", seconds); }
std::string FastReply(int seconds) { return absl::StrCat("F", seconds); }
std::string StopReply(uint64_t number) { return absl::StrCat("K", number); }

size_t ScriptBytesPerPart(const Version& version, PayloadFormat format) {
  const absl::StatusOr<Family> family = FamilyOf(version);
  const bool v6 = !family.ok() || *family == Family::k6_49;
  return (v6 ? kPartCharactersOnV6 : kPartCharacters) / CharactersPerByte(format);
}

std::string PartedJobReply(uint64_t number, size_t script_bytes, const Version& version,
                           PayloadFormat format) {
  return absl::StrCat("L", number, " ", script_bytes * CharactersPerByte(format), " ",
                      PartsOf(script_bytes, ScriptBytesPerPart(version, format)));
}

absl::StatusOr<std::string> PartReply(uint64_t number, size_t part, absl::string_view script,
                                      const Version& version, PayloadFormat format) {
  const size_t bytes = ScriptBytesPerPart(version, format);
  if (part < 1 || part > PartsOf(script.size(), bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("job ", number, " has no part ", part));
  }
  // In bounds: the part was checked against PartsOf.
  const absl::string_view carried = script.substr((part - 1) * bytes, bytes);
  return absl::StrCat("P", number, " ", part, " ", PartChecksum(carried), " ",
                      EncodePayload(carried, format), ".");
}

// Not cryptographic: it finds a part that was cut or mixed up on a way that TLS protects already.
uint32_t PartChecksum(absl::string_view bytes) {
  uint32_t sum = 1;
  for (size_t at = 0; at < bytes.size(); at += 4) {
    uint32_t word = 0;
    for (const char byte : bytes.substr(at, 4)) {
      word = (word << 8) | static_cast<unsigned char>(byte);
    }
    // Unsigned, so it wraps at 2^32; the script masks with 4294967295, since its numbers have 64
    // bits.
    sum = sum * 31 + word;
  }
  return sum;
}

absl::StatusOr<PartedJob> ReadPartedJobReply(absl::string_view reply) {
  PartedJob job;
  uint64_t length = 0;
  uint64_t parts = 0;
  if (!absl::ConsumePrefix(&reply, "L") || !TakeNumber(&reply, ' ', &job.number) ||
      !TakeNumber(&reply, ' ', &length) || !TakeNumber(&reply, '\0', &parts) || parts == 0) {
    return absl::InvalidArgumentError("the reply is no job in parts");
  }
  job.length = length;
  job.parts = parts;
  return job;
}

absl::StatusOr<std::string> ReadPartReply(absl::string_view reply, uint64_t number, size_t part) {
  const absl::Status no_part =
      absl::InvalidArgumentError(absl::StrCat("the reply isn't part ", part, " of job ", number));
  uint64_t given_number = 0;
  uint64_t given_part = 0;
  uint64_t checksum = 0;
  if (!absl::ConsumePrefix(&reply, "P") || !absl::ConsumeSuffix(&reply, ".") ||
      !TakeNumber(&reply, ' ', &given_number) || !TakeNumber(&reply, ' ', &given_part) ||
      !TakeNumber(&reply, ' ', &checksum) || given_number != number || given_part != part) {
    return no_part;
  }
  ASSIGN_OR_RETURN(std::string bytes, DecodePayload(reply));
  if (PartChecksum(bytes) != checksum) return no_part;
  return bytes;
}

}  // namespace muster::routeros
