// How an edge gets its identity: Join with a join file, Renew before the certificates end.
//
// Threads:  safe to call from any thread.
// Blocks:   on the control plane, up to the deadline, and on making keys.
// Errors:   the control plane's; Unavailable where it can't be reached.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/join_file/join_file.h"
#include "edge-proxy/uplink/identity.h"

namespace grpc {
class Channel;
}

namespace muster::edge {

// A channel over mutual TLS with keepalive: notices a frozen peer in 7 s at worst.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& control, const std::string& roots,
                                           const Secret& key_pem, const std::string& chain_pem);

// Tries again while the control plane can't be reached, until `deadline`.
absl::StatusOr<Identity> Join(const std::string& control, const JoinFile& file,
                              const std::string& public_url, absl::Time deadline);

// New keys and certificates for `old`.
absl::StatusOr<Identity> Renew(const std::shared_ptr<grpc::Channel>& channel, const Identity& old);

}  // namespace muster::edge
