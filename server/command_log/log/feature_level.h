// Which commands a program knows, so that programs of two versions can share one log.
//
// Each command needs a level; each build knows all levels up to its own; the state says which level
// the installation uses (muster cluster upgrade finalize raises it, once every live node knows the
// next one). What needs a higher level than the state's isn't proposed. A command's level is its
// version in the log: a build that doesn't know it stops there, before it makes another state than
// the others.
//
// Level 1 is what was written before there were levels. A change of what a known command does is a
// new level too, for the commands that want it.
//
// Threads:  pure functions.
// Example:  feature_level_test.cc; tests/newer_musterd has the build of a later version.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "muster/internal/v1/commands.pb.h"

namespace muster::server {

// From here on apply decides who is online, and keeps the order in which devices changed.
inline constexpr uint32_t kPresenceLevel = 3;

// Of this build.
uint32_t FeatureLevel();

// Of the kind of command, without what it carries.
uint32_t LevelOfKind(internal::v1::Command::PayloadCase kind);

// What the state must be at for the command to be proposed, and its version in the log. At least 1.
uint32_t LevelOf(const internal::v1::Command& command);

// FailedPrecondition, with what to do, where an installation of level `used` must not take what
// needs `needed`.
absl::Status CheckFeatureLevel(uint32_t used, uint32_t needed);

// It brings the state to its own level, so it needs none.
bool RaisesLevel(const internal::v1::Command& command);

}  // namespace muster::server
