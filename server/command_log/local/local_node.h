// One node without any other process: the state database, the log inside it and their threads.
//
// Threads:  safe to call from any thread.
// Owns:     the data directory (flock), state.db, a writer, a ticker and a checkpoint thread.
// Errors:   FailedPrecondition, with what to do, for a data directory that others can read, that
//           another musterd holds, or whose schema is newer than this program.
// Example:  local_node_test.cc.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "server/command_log/node/node.h"

namespace muster::server {

struct LocalNodeOptions {
  // Made with mode 0700 where it is absent.
  std::string data_dir;
  // Retained log: whichever comes first, but never less than a start needs.
  uint64_t retained_log_bytes = uint64_t{512} << 20;
  absl::Duration retained_log_time = absl::Minutes(10);
  // False: nobody proposes Tick and ExpandJob (tests).
  bool start_ticker = true;
};

class LocalNode : public Node {
 public:
  // Opens or makes the state and replays what it needs. A new one is empty: propose Bootstrap
  // first. `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<LocalNode>> Open(const LocalNodeOptions& options,
                                                         Clock& clock);
};

}  // namespace muster::server
