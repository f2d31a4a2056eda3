// Any script in parts and back, for every kind of agent; a part with one other character is refused
// or says the same; and any bytes as an announcement or a part.
//
// The input: its first two bytes choose version, format and the place that is changed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "routeros/script/payload.h"

namespace {

using muster::routeros::PayloadFormat;
using muster::routeros::Version;

void ChangeOne(const std::string& reply, size_t number, size_t part, absl::string_view bytes,
               uint8_t place) {
  std::string changed = reply;
  char& byte = changed[changed.size() * place / 256];
  byte = static_cast<char>(byte ^ (1 + place % 7));
  const auto read = muster::routeros::ReadPartReply(changed, number, part);
  if (read.ok() && *read != bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3 || size > muster::routeros::kLargestScriptInParts) return 0;
  static const Version kVersions[] = {{6, 49, 10, ""}, {7, 8, 0, ""}, {7, 20, 8, ""}};
  const Version& version = kVersions[data[0] % 3];
  const PayloadFormat format = (data[0] & 4) != 0 ? PayloadFormat::kHex : PayloadFormat::kEscaped;
  const uint64_t number = size * 1000003;
  const absl::string_view script(reinterpret_cast<const char*>(data) + 2, size - 2);

  const auto job = muster::routeros::ReadPartedJobReply(
      muster::routeros::PartedJobReply(number, script.size(), version, format));
  if (!job.ok() || job->number != number) std::abort();
  std::string joined;
  for (size_t part = 1; part <= job->parts; ++part) {
    const auto reply = muster::routeros::PartReply(number, part, script, version, format);
    if (!reply.ok()) std::abort();
    const auto bytes = muster::routeros::ReadPartReply(*reply, number, part);
    if (!bytes.ok()) std::abort();
    if (muster::routeros::ReadPartReply(*reply, number, part + 1).ok()) std::abort();
    ChangeOne(*reply, number, part, *bytes, data[1]);
    joined += *bytes;
  }
  if (joined != script) std::abort();
  if (muster::routeros::PartReply(number, job->parts + 1, script, version, format).ok())
    std::abort();

  const auto any = muster::routeros::ReadPartedJobReply(script);
  if (any.ok() && (any->number == 0 || any->parts == 0)) std::abort();
  const auto part = muster::routeros::ReadPartReply(script, number, 1);
  if (part.ok() && script.back() != '.') std::abort();
  return 0;
}
