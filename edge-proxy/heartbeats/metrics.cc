#include "edge-proxy/heartbeats/metrics.h"

#include <algorithm>

namespace muster::edge {
namespace {

size_t IndexOf(int status) {
  const auto& statuses = Metrics::kStatuses;
  // Sixteen statuses are searched faster than a map would be looked up.
  const auto* found = std::find(statuses.begin(), statuses.end(), status);
  if (found == statuses.end()) found = std::find(statuses.begin(), statuses.end(), 500);
  return static_cast<size_t>(found - statuses.begin());
}

}  // namespace

absl::string_view CallName(Call call) {
  // In the enum's order.
  static constexpr absl::string_view kNames[kCalls] = {
      "ca", "installer", "enroll", "heartbeat", "result", "payload", "agent", "health", "other"};
  return kNames[static_cast<size_t>(call)];
}

absl::string_view Metrics::CounterName(Counter counter) {
  // In the enum's order, too; a page adds "muster_edge_" and "_total".
  static constexpr absl::string_view kNames[kCounters] = {
      "forged_tokens",       "revoked_tokens", "wrong_secrets",     "repaired_text_bytes",
      "dropped_numbers",     "handshakes",     "failed_handshakes", "resumed_handshakes",
      "refused_connections", "timeouts",       "accept_back_offs",  "calls_too_often"};
  return kNames[counter];
}

void Metrics::CountReply(Call call, int status) {
  replies_[static_cast<size_t>(call)][IndexOf(status)].fetch_add(1, std::memory_order_relaxed);
}

uint64_t Metrics::Replies(Call call, int status) const {
  return replies_[static_cast<size_t>(call)][IndexOf(status)].load(std::memory_order_relaxed);
}

}  // namespace muster::edge
