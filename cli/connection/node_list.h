// Several nodes of one cluster as one target of gRPC, which goes on to the next address by itself
// where one does not answer.
//
// Threads:  pure but for the resolver of names.
// Blocks:   on the resolver.
// Errors:   Unavailable where none of the names has an address.
// Example:  node_list_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::cli {

// What each node's certificate says besides its own names, so that one check fits all of them.
inline constexpr char kAnyNode[] = "any-node.muster.internal";

// "ipv4:A:PORT,B:PORT" of "HOST:PORT,HOST:PORT", in any order, so that clients spread. Where one
// has an IPv6 address only, all stand in the "ipv6:" form.
absl::StatusOr<std::string> TargetOf(absl::string_view servers);

}  // namespace muster::cli
