// The state and the log that feeds it, as one.
//
// Threads:  safe to call from any thread.
// Example:  local_node_test.cc.
#pragma once

#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

class Node {
 public:
  virtual ~Node() = default;

  virtual CommandLog& log() = 0;
  virtual State& state() = 0;
};

}  // namespace muster::server
