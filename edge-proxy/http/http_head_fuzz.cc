// Any bytes, in pieces of any size: the reader refuses them or keeps to its limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "edge-proxy/http/request_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using muster::edge::RequestReader;
  if (size == 0) return 0;
  const size_t piece = data[0] + 1;
  absl::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequestReader reader;
  while (!rest.empty() && reader.phase() != RequestReader::Phase::kFailed) {
    reader.Feed(rest.substr(0, std::min(piece, rest.size())));
    rest.remove_prefix(std::min(piece, rest.size()));
    reader.ReadBody();
    while (reader.phase() == RequestReader::Phase::kDone) {
      if (reader.body().size() > muster::edge::kLongestBody) __builtin_trap();
      reader.Next();
      reader.ReadBody();
    }
  }
  if (reader.phase() == RequestReader::Phase::kFailed && reader.status() < 400) __builtin_trap();
  return 0;
}
