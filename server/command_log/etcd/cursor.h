// What a node has to know of the order in etcd to go on from its state: kept in the state with each
// entry (Transaction::KeepEngineNote), so that it is never older or newer than the state.
//
// Threads:  a value.
// Errors:   DataLoss for bytes that Encode did not make.
// Example:  cursor_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

struct EtcdCursor {
  // Of the last applied entry: its revision in etcd, and BLAKE2b-256 of what lay there.
  int64_t revision = 0;
  std::string digest;
  // The highest counter taken, by proposer.
  std::map<uint64_t, uint64_t> counters;

  std::string Encode() const;
  static absl::StatusOr<EtcdCursor> Decode(absl::string_view bytes);

  friend bool operator==(const EtcdCursor&, const EtcdCursor&) = default;
};

}  // namespace muster::server
