// How an edge gets its identity: Join with a join file, Renew before the certificates end. Private
// keys are made here and never leave the edge: only requests for certificates travel.
//
// What comes back is checked against the new keys and the roots before it is given to the caller,
// so that a control plane that answers nonsense never replaces a good identity.
//
// Threads:  safe to call from any thread.
// Blocks:   on the control plane, up to the deadline, and on making keys (RSA takes some
//           tenths of a second).
// Errors:   the control plane's; Unavailable where it can't be reached; InvalidArgument for
//           certificates that don't fit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/join_file/join_file.h"
#include "common/sync/deadline.h"
#include "edge-proxy/uplink/identity.h"

namespace grpc {
class Channel;
}

namespace muster::edge {

// `roots` is the cluster's own root, so no public CA can stand in between. Connects when it is
// first used.
// A channel over mutual TLS with keepalive: notices a frozen peer in 7 s at worst.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& control, const std::string& roots,
                                           const Secret& key_pem, const std::string& chain_pem);

// With the same keys and requests each time. The join token is good for one edge: after a success
// the file is of no more use.
// Tries one after the other of `controls` again while none can be reached, until `deadline`.
absl::StatusOr<Identity> Join(const std::vector<std::string>& controls, const JoinFile& file,
                              const std::string& public_url, const Deadline& deadline);

// `channel` is one made with `old`, which stays good until its certificates end.
// New keys and certificates for `old`.
absl::StatusOr<Identity> Renew(const std::shared_ptr<grpc::Channel>& channel, const Identity& old);

}  // namespace muster::edge
