// Profiles as people write them.
//
// One place, so that all commands take the same words as docs/identity.md.
//
// Threads:  pure functions.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

// "normal", "metered" or "slow"; InvalidArgument for anything else.
absl::StatusOr<muster::v1::Profile> ParseProfile(const std::string& text);

}  // namespace muster::cli
