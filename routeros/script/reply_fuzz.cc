// Any bytes as a reply, and any bytes as a job that travels in one.
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "routeros/script/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using muster::routeros::PayloadFormat;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const PayloadFormat format : {PayloadFormat::kHex, PayloadFormat::kEscaped}) {
    const std::string reply = muster::routeros::JobReply(size + 1, text, format);
    const auto job = muster::routeros::ReadJobReply(reply);
    if (!job.ok() || job->number != size + 1 || job->script != text) std::abort();
    if (muster::routeros::ReadJobReply(absl::string_view(reply).substr(0, reply.size() - 1)).ok()) {
      std::abort();
    }
  }
  const auto job = muster::routeros::ReadJobReply(text);
  if (job.ok() && job->number == 0) std::abort();
  return 0;
}
