// What a router asks for by path: any bytes are no path, or one that is written exactly so.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "edge-proxy/http/payload_path.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string target = absl::StrCat("/v1/payload/", bytes);
  for (const absl::string_view candidate : {bytes, absl::string_view(target)}) {
    const auto path = muster::edge::ParsePayloadPath(candidate);
    if (!path.has_value()) continue;
    if (path->part == 0 || path->part > muster::edge::kMostParts || path->number == 0 ||
        absl::StrCat("/v1/payload/", path->number, "/", path->part) != candidate) {
      std::abort();
    }
  }
  return 0;
}
