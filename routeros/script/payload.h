// Jobs as they stand in the reply to a heartbeat.
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
// 64,512 bytes on v7 (routeros.md section 1), at 4,000 to be safe on v6.
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

}  // namespace muster::routeros
