// Sealed values in jobs: filled into the script at the last moment, and taken out again of what the
// router answers (routeros/placeholders/redaction). So a value is at rest nowhere but sealed at the
// control plane: not in the job's text, the command log, the history or an output.
//
// Threads:  pure functions. The values are never logged.
// Example:  job_secrets_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "routeros/placeholders/redaction.h"

namespace muster::edge {

using JobSecret = routeros::SecretValue;

// Called for each sending and each part anew: the filled script is kept nowhere.
// The script with the values in place of {{secret:NAME}}, written so that they can't leave it
// (routeros/placeholders); names without a value stay as they are. FailedPrecondition for a value
// that can't stand where its name does.
absl::StatusOr<std::string> FillSecrets(absl::string_view script,
                                        const std::vector<JobSecret>& secrets);

}  // namespace muster::edge
