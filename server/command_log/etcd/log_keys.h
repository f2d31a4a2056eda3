// The keys that Muster has in etcd.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "server/command_log/etcd/etcd_log.h"

namespace muster::server {

// All entries, one after the other.
inline std::string LogKey(const EtcdLogOptions& options) {
  return absl::StrCat(options.prefix, "log");
}

// Whose log it is.
inline std::string OwnerKey(const EtcdLogOptions& options) {
  return absl::StrCat(options.prefix, "owner");
}

// Who brings time into it; gone with its lease.
inline std::string TickKey(const EtcdLogOptions& options) {
  return absl::StrCat(options.prefix, "tick");
}

// The cluster root, for nodes that have no state yet.
inline std::string RootKey(const EtcdLogOptions& options) {
  return absl::StrCat(options.prefix, "root");
}

// Of nodes that bring themselves up to date: the folder of a key for each, gone with its lease.
inline std::string PinsKey(const EtcdLogOptions& options) {
  return absl::StrCat(options.prefix, "pins/");
}

// What each node says of itself: the folder of a key for each.
inline std::string NodesKey(const EtcdLogOptions& options) {
  return absl::StrCat(options.prefix, "nodes/");
}

}  // namespace muster::server
