// Whether this node is the one that brings time into the log. On a cluster one node does; a Tick of
// two at once does no harm.
//
// Threads:  safe to call from any thread.
// Example:  tick_lease_test.cc.
#pragma once

namespace muster::server {

class TickDuty {
 public:
  virtual ~TickDuty() = default;

  virtual bool IsMine() const = 0;
};

}  // namespace muster::server
