// Takes the values of secrets out of results before they are proposed. The edge does it too, but
// only one that still holds the job can.
//
// Threads:  safe to call from any thread.
// Blocks:   one read of the database a result.
// Example:  result_redaction_test.cc.
#pragma once

#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/state/state.h"

namespace muster::server {

// Redacts output and error of each result by the secrets of its job. A value that was changed since
// the job was sent is not found here any more. Where a secret does not open, the text is dropped.
void RedactResults(const State& state, const Secret& master, internal::v1::EdgeBatch& batch);

}  // namespace muster::server
