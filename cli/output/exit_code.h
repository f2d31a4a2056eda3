// What the program's exit status says; scripts rely on it.
#pragma once

namespace muster::cli {

enum class ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kNotAllowed = 4,
  kUnavailable = 5,
  kPartlyFailed = 6,
};

}  // namespace muster::cli
