// What edges answer to the agent: verbs, jobs whole and in parts.
//
// Threads:  pure functions; safe from any thread.
// Units:    sizes in bytes.
// Example:  payload_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "routeros/script/version.h"

namespace muster::routeros {

// How the agent of a router decodes a job.
enum class PayloadFormat {
  kHex,      // "2f69": 7.11 and later
  kEscaped,  // "\2F\69": everything older
};

// A job's script as it stands in a reply: plain lower-case hex, or \XX groups in upper case.
std::string EncodePayload(absl::string_view script, PayloadFormat format);

// The bytes of a payload in either form; InvalidArgument for anything else.
absl::StatusOr<std::string> DecodePayload(absl::string_view payload);

// The longest script in bytes that this version takes in one reply: fetch cuts a reply at
// 64,512 bytes on v7 (MikroTik's manual, Fetch), at 4,000 to be safe on v6.
size_t LargestScript(const Version& version);

// "J<number> <length> <payload>.": length counts the characters of the payload.
std::string JobReply(uint64_t number, absl::string_view script, PayloadFormat format);

// What a router makes of a reply.
struct Job {
  uint64_t number = 0;
  std::string script;
};
// Reads a job the way muster-run does: the length and the final dot must be right, else
// InvalidArgument. For tests, and for programs that play a router.
absl::StatusOr<Job> ReadJobReply(absl::string_view reply);

// The other verbs (device-protocol.md, Verbs).
inline constexpr absl::string_view kNothingReply = "0";
inline constexpr absl::string_view kUpdateReply = "U";
inline constexpr absl::string_view kReleasedReply = "X";
// "W<seconds>": the agent leaves out beats for that long; outside 31..3600 it does nothing.
std::string SkipReply(int seconds);
// "F<seconds>": it beats every two seconds for that long; outside 1..300 it does nothing.
std::string FastReply(int seconds);
// "K<number>": it stops that job if it runs, and posts `fail` with the error "stopped".
std::string StopReply(uint64_t number);

// The longest script that is sent in parts, in bytes.
inline constexpr size_t kLargestScriptInParts = 64 * 1024;

// Bytes of a script that one part carries: 24,000 characters of payload on v7, 1,200 on v6.
size_t ScriptBytesPerPart(const Version& version, PayloadFormat format);

// "L<number> <length> <parts>": length counts the characters of the payload over all parts. For
// agents whose version is 2 or above.
std::string PartedJobReply(uint64_t number, size_t script_bytes, const Version& version,
                           PayloadFormat format);

// What GET /v1/payload/NUMBER/PART answers, PART counted from 1:
// "P<number> <part> <checksum> <payload part>.". InvalidArgument for a part that isn't there.
absl::StatusOr<std::string> PartReply(uint64_t number, size_t part, absl::string_view script,
                                      const Version& version, PayloadFormat format);

// Of the bytes that a part carries, not of how they are encoded. They are cut into groups of four
// (the last may be shorter), each read as a big-endian number w; beginning with 1,
// sum = (sum * 31 + w) mod 2^32. So a router needs one step for eight hex digits.
uint32_t PartChecksum(absl::string_view bytes);

// What a router makes of "L…".
struct PartedJob {
  uint64_t number = 0;
  size_t length = 0;
  size_t parts = 0;
};
absl::StatusOr<PartedJob> ReadPartedJobReply(absl::string_view reply);

// The bytes that part `part` of job `number` carries; InvalidArgument where number, part, checksum,
// payload or end mark are wrong.
absl::StatusOr<std::string> ReadPartReply(absl::string_view reply, uint64_t number, size_t part);

}  // namespace muster::routeros
