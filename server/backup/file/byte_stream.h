// Where bytes of a backup come from and go to, so that its format is tested without files.
//
// Threads:  one thread.
// Errors:   what the place behind it says.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

// What a reader reads: a file, or bytes of a test.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // At most `most` of the next bytes; fewer only at the end, none behind it.
  virtual absl::StatusOr<std::string> Read(size_t most) = 0;
};

// What a writer writes to; all that was written counts only if no write failed.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual absl::Status Write(absl::string_view bytes) = 0;
};

}  // namespace muster::server
