// Apart from build_level.cc, in whose place a later musterd has another one.
#include "server/command_log/log/feature_level.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace muster::server {

using internal::v1::Command;

uint32_t LevelOf(const Command& command) {
  switch (command.payload_case()) {
    case Command::kBootstrap:
      return std::max(command.bootstrap().feature_level(), uint32_t{1});
    case Command::kFinalizeUpgrade:
      return std::max(command.finalize_upgrade().level(), uint32_t{1});
    default:
      return LevelOfKind(command.payload_case());
  }
}

absl::Status CheckFeatureLevel(uint32_t used, uint32_t needed) {
  if (needed <= used) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("this needs feature level ", needed, ", and the installation uses ", used,
                   ": once all nodes run the new version, muster cluster upgrade finalize"));
}

bool RaisesLevel(const Command& command) {
  return command.has_bootstrap() || command.has_finalize_upgrade();
}

}  // namespace muster::server
