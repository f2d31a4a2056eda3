// --canary, --batch and --max-fail: the same wherever something goes through a fleet in waves.
//
// Threads:  pure functions.
// Errors:   InvalidArgument names the flag.
#pragma once

#include <vector>

#include "cli/commands/command.h"
#include "common/status/status_macros.h"

namespace muster::cli {

// For Command::flags; the help says what each is where it is left out.
std::vector<Flag> WaveFlags();

// What was not given stays unset: the server tells 0 from "as it was" or "the usual" by that.
// Fills canary_count, batch_size and max_failures of a request that has them.
template <typename Request>
absl::Status FillWaves(const Session& session, Request* request) {
  ASSIGN_OR_RETURN(const auto canary, session.Number("canary", 0, 1'000'000));
  ASSIGN_OR_RETURN(const auto batch, session.Number("batch", 0, 1'000'000));
  ASSIGN_OR_RETURN(const auto max_fail, session.Number("max-fail", 0, 1'000'000));
  if (canary.has_value()) request->set_canary_count(static_cast<int32_t>(*canary));
  if (batch.has_value()) request->set_batch_size(static_cast<int32_t>(*batch));
  if (max_fail.has_value()) request->set_max_failures(static_cast<int32_t>(*max_fail));
  return absl::OkStatus();
}

}  // namespace muster::cli
