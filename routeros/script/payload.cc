// Whole jobs: how a script travels in one reply, and how a router reads it. The reading half is for
// the simulator and tests: it has to refuse what muster-run refuses, no more and no less.
#include "routeros/script/payload.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"

namespace muster::routeros {
namespace {

constexpr char kLowerDigits[] = "0123456789abcdef";
constexpr char kUpperDigits[] = "0123456789ABCDEF";

// In bytes of script. v6: 4,000 characters of reply are taken as safe (docs/assumptions.md,
// "Fetch"), three of them a byte. v7 cuts a reply at 64,512 without a word:
// 21,000 bytes at three characters, 32,000 at two, each with room for the verb.
constexpr size_t kLargestOnV6 = 1300;
constexpr size_t kLargestEscaped = 21000;
constexpr size_t kLargestHex = 32000;

int DigitValue(char digit, const char* digits) {
  for (int value = 0; value < 16; ++value) {
    if (digits[value] == digit) return value;
  }
  return -1;
}

// SimpleAtoi alone would take blanks and a sign, which :tonum on a router need not.
bool IsDigits(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
}

}  // namespace

std::string EncodePayload(absl::string_view script, PayloadFormat format) {
  // Upper case for \XX, because RouterOS reads no other; lower case for hex, as :convert writes it.
  const bool escaped = format == PayloadFormat::kEscaped;
  const char* digits = escaped ? kUpperDigits : kLowerDigits;
  std::string out;
  out.reserve(script.size() * (escaped ? 3 : 2));
  for (const char byte : script) {
    const auto value = static_cast<unsigned char>(byte);
    if (escaped) out.push_back('\\');
    out.push_back(digits[value >> 4]);
    out.push_back(digits[value & 15]);
  }
  return out;
}

absl::StatusOr<std::string> DecodePayload(absl::string_view payload) {
  // The form shows in the first byte: a hex payload can't begin with a backslash.
  const bool escaped = !payload.empty() && payload.front() == '\\';
  const char* digits = escaped ? kUpperDigits : kLowerDigits;
  const size_t step = escaped ? 3 : 2;
  if (payload.size() % step != 0) {
    return absl::InvalidArgumentError("a payload ends inside a byte");
  }
  std::string out;
  out.reserve(payload.size() / step);
  for (size_t at = 0; at < payload.size(); at += step) {
    const int high = DigitValue(payload[at + step - 2], digits);
    const int low = DigitValue(payload[at + step - 1], digits);
    if ((escaped && payload[at] != '\\') || high < 0 || low < 0) {
      return absl::InvalidArgumentError(absl::StrCat("a payload has no byte at ", at));
    }
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

size_t LargestScript(const Version& version) {
  const absl::StatusOr<Family> family = FamilyOf(version);
  // An unknown version counts as the oldest: a job that is cut on its way is refused by its length,
  // so a small one that goes in parts is the better error.
  if (!family.ok() || *family == Family::k6_49) return kLargestOnV6;
  return *family == Family::k7_1 ? kLargestEscaped : kLargestHex;
}

std::string JobReply(uint64_t number, absl::string_view script, PayloadFormat format) {
  const std::string payload = EncodePayload(script, format);
  return absl::StrCat("J", number, " ", payload.size(), " ", payload, ".");
}

absl::StatusOr<Job> ReadJobReply(absl::string_view reply) {
  const absl::Status no_job = absl::InvalidArgumentError("the reply is no whole job");
  if (!absl::ConsumePrefix(&reply, "J") || !absl::ConsumeSuffix(&reply, ".")) return no_job;
  const size_t space = reply.find(' ');
  if (space == absl::string_view::npos) return no_job;
  const absl::string_view rest = reply.substr(space + 1);
  const size_t gap = rest.find(' ');
  if (gap == absl::string_view::npos) return no_job;
  const absl::string_view payload = rest.substr(gap + 1);
  Job job;
  size_t length = 0;
  if (!IsDigits(reply.substr(0, space)) || !IsDigits(rest.substr(0, gap)) ||
      !absl::SimpleAtoi(reply.substr(0, space), &job.number) ||
      !absl::SimpleAtoi(rest.substr(0, gap), &length) || payload.size() != length ||
      job.number == 0) {
    return no_job;
  }
  ASSIGN_OR_RETURN(job.script, DecodePayload(payload));
  return job;
}

}  // namespace muster::routeros
