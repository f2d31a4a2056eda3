// The words are those of docs/jobs.md; what holds where a flag is left out differs by command and
// is said by the server.
#include "cli/commands/wave_flags.h"

namespace muster::cli {

std::vector<Flag> WaveFlags() {
  return {{"canary", "N", "first wave: so many devices, online ones first"},
          {"batch", "N", "devices in each wave after it [all that are left]"},
          {"max-fail", "N", "more failures than this stop the job [0 with --canary or --batch]"}};
}

}  // namespace muster::cli
