// Numbers that the edge counts about itself. They only rise (but for connections), start at 0 with
// the process, and are read by the metrics page without a lock: two of them may be a moment apart.
//
// Threads:  safe to call from any thread; counting never blocks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace muster::edge {

// In the order of CallName's table. Names of metrics are a promise to dashboards.
// The calls of the device protocol, as metrics name them.
enum class Call {
  kRouterRoot,
  kInstaller,
  kEnroll,
  kHeartbeat,
  kResult,
  kPayload,
  kAgent,
  kHealth,
  kOther,
};
constexpr size_t kCalls = 9;
absl::string_view CallName(Call call);

class Metrics {
 public:
  enum Counter {
    // Not sealed by any key of this cluster.
    kForgedTokens,
    // A good seal of a deleted device or an old epoch: after a restore of a router, say.
    kRevokedTokens,
    // A good seal with another secret than the record's: a token that was replaced, or a token key
    // that is out.
    kWrongSecrets,
    // Bytes, not beats.
    kRepairedTexts,
    kDroppedNumbers,
    kHandshakes,
    kFailedHandshakes,
    kResumedHandshakes,
    // Closed before a handshake; those that got a 429 or 503 are counted as replies.
    kRefusedConnections,
    // Requests that began and did not end in time; failed handshakes have their own.
    kTimeouts,
    // Times that no descriptor or memory was left for a connection.
    kAcceptBackOffs,
    // Calls of devices that called too often.
    kTooOften,
    kCounters,
  };
  static absl::string_view CounterName(Counter counter);

  // The statuses that are told apart; any other counts as 500.
  static constexpr std::array<int, 16> kStatuses = {200, 400, 401, 403, 404, 405, 408, 411,
                                                    413, 417, 429, 431, 500, 501, 503, 505};

  void Count(Counter counter, uint64_t by = 1) {
    counters_[counter].fetch_add(by, std::memory_order_relaxed);
  }
  uint64_t Value(Counter counter) const {
    return counters_[counter].load(std::memory_order_relaxed);
  }

  // Counts a reply that was begun; whether the router got it is not known.
  void CountReply(Call call, int status);
  uint64_t Replies(Call call, int status) const;

  void AddConnections(int64_t by) { connections_.fetch_add(by, std::memory_order_relaxed); }
  int64_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint64_t>, kCounters> counters_{};
  std::array<std::array<std::atomic<uint64_t>, kStatuses.size()>, kCalls> replies_{};
  std::atomic<int64_t> connections_{0};
};

}  // namespace muster::edge
