// TCP ports of loopback for programs that can't say which one they took.
//
// Threads:  any.
// Owns:     each port until this process ends: nobody else who asks here is told the same one.
// Example:  free_port_test.cc.
#pragma once

namespace muster {

// A port that nobody listens on, from outside the range that the kernel takes for outgoing
// connections (ip_local_port_range; ip(7)): between this answer and its use none can take it.
// 0 where there is none.
int FreePort();

}  // namespace muster
