// Sealed values in jobs: filled into the script at the last moment, and taken out again of what the
// router answers. So a value is at rest nowhere but sealed at the control plane: not in the job's
// text, the command log, the history or an output.
//
// Redaction finds a value as it is, not what a script made of it: base64 of a password passes.
//
// Threads:  pure functions. The values are never logged.
// Example:  job_secrets_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::edge {

struct JobSecret {
  std::string name;
  Secret value;
};

// Shorter values are not looked for: they would blank ordinary words.
inline constexpr size_t kShortestRedacted = 4;

// Called for each sending and each part anew: the filled script is kept nowhere.
// The script with the values in place of {{secret:NAME}}, written so that they can't leave it
// (routeros/placeholders); names without a value stay as they are. FailedPrecondition for a value
// that can't stand where its name does.
absl::StatusOr<std::string> FillSecrets(absl::string_view script,
                                        const std::vector<JobSecret>& secrets);

// The text with {{secret:NAME}} in place of the values, longer ones first: as they are, as scripts
// write them, and as the cleaner makes them. Where `cut`, the beginning of a value at the text's
// end counts too, and the end of a value at its beginning.
std::string RedactSecrets(absl::string_view text, bool cut, const std::vector<JobSecret>& secrets);

}  // namespace muster::edge
