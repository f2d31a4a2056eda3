// Apart from options.cc: a test builds a program of a later version with another one in its place.
#include "common/program/options.h"

namespace muster {

absl::string_view Version() { return MUSTER_VERSION; }

}  // namespace muster
