// Profiles as people write them.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

// "normal", "metered" or "slow"; InvalidArgument for anything else.
absl::StatusOr<muster::v1::Profile> ParseProfile(const std::string& text);

}  // namespace muster::cli
