// What a node says of itself, and what it knows of the others.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive it.
// Blocks:   View on a question to etcd, 2 s at most; nothing else.
// Example:  tests/end_to_end/test_cluster.py.
#pragma once

#include <string>
#include <vector>

#include "common/clock/clock.h"
#include "server/administration/node_view.h"
#include "server/administration/report_watch.h"
#include "server/command_log/etcd/etcd_node.h"

namespace muster::server {

class ClusterViewer {
 public:
  struct Facts {
    std::string display_name;
    // HOST:PORT, as clients and edges are told.
    std::string api_address;
    std::string edge_address;
  };

  // `member` nullptr: the node is alone.
  ClusterViewer(const CommandLog& log, EtcdNode* member, Facts facts, const Clock& clock)
      : log_(log), member_(member), facts_(std::move(facts)), watch_(clock) {}

  // As of now.
  MemberReport OwnReport() const;
  // What all nodes say, often enough to know who fell silent also where nobody looks.
  void Hear(const std::vector<MemberReport>& reports);
  ClusterView View();

 private:
  const CommandLog& log_;
  EtcdNode* const member_;
  const Facts facts_;
  ReportWatch watch_;
};

// The name of this machine; "node" where it has none.
std::string HostName();

}  // namespace muster::server
