// What a later version says of itself: one feature level more, at which one known kind of command
// is, and another version. Linked in place of build_level.cc and version.cc; all else is the same.
#include <cstdint>

#include "absl/strings/string_view.h"

#define FeatureLevel FeatureLevelOfThisVersion
#define LevelOfKind LevelOfKindInThisVersion
#include "server/command_log/log/build_level.cc"
#undef FeatureLevel
#undef LevelOfKind

namespace muster {

absl::string_view Version() { return MUSTER_VERSION "-newer"; }

namespace server {

uint32_t FeatureLevel() { return FeatureLevelOfThisVersion() + 1; }

uint32_t LevelOfKind(Command::PayloadCase kind) {
  return kind == Command::kSetWindow ? FeatureLevel() : LevelOfKindInThisVersion(kind);
}

}  // namespace server
}  // namespace muster
