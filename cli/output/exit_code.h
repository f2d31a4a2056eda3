// What the program's exit status says; scripts rely on it.
#pragma once

namespace muster::cli {

// Numbers are a contract and never change. A command over several devices says with 6 that some
// were done and some not; 1 is for those of which none was.
enum class ExitCode {
  kDone = 0,
  kFailed = 1,
  // Nothing was asked of the server, or it refused a value that was typed.
  kUsage = 2,
  kNotFound = 3,
  // No key, a key that is not valid, or one whose role is too low.
  kNotAllowed = 4,
  // Worth trying again; a change perhaps under the same --request-id.
  kUnavailable = 5,
  kPartlyFailed = 6,
};

}  // namespace muster::cli
