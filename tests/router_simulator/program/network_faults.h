// What goes wrong between one router and the world; the request arrives unless the link is down.
//
// Threads:  safe from any thread.
// Owns:     nothing; `inner` must outlive it.
// Example:  fleet_test.cc, RepliesAreLostAndCutOnDemand.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "common/sync/mutex.h"
#include "tests/router_simulator/http_transport.h"

namespace muster::simulator {

class NetworkFaults : public HttpTransport {
 public:
  // Of `names`: lose-reply (a third of the heartbeats), lose-result (half), lose-enrolment (the
  // first); others mean nothing here.
  NetworkFaults(HttpTransport* inner, const std::set<std::string>& names, uint64_t seed);

  HttpReply Fetch(const HttpRequest& request) override;
  std::string Resolve(absl::string_view name) override;

  // Nothing connects, and no name is known, until it is up again.
  void SetDown(bool down);
  // The next `count` replies to `target` ("/v1/heartbeat"; "" for any) are lost.
  void LoseNext(absl::string_view target, int count);
  // Of the next reply to `target` with a body only `bytes` arrive: `silently`, the router takes
  // them for the whole; else it sees the connection end.
  void CutNext(absl::string_view target, size_t bytes, bool silently);
  // Forgets all of it.
  void Heal();

 private:
  struct Cut {
    std::string target;
    size_t bytes = 0;
    bool silently = false;
  };

  bool Loses(const HttpRequest& request);
  void CutReply(const HttpRequest& request, HttpReply* reply);

  HttpTransport* inner_;
  Mutex mutex_;
  bool often_reply_ ABSL_GUARDED_BY(mutex_);
  bool often_result_ ABSL_GUARDED_BY(mutex_);
  bool enrolment_ ABSL_GUARDED_BY(mutex_);
  uint64_t count_ ABSL_GUARDED_BY(mutex_);
  bool down_ ABSL_GUARDED_BY(mutex_) = false;
  std::string lose_target_ ABSL_GUARDED_BY(mutex_);
  int lose_left_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Cut> cut_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::simulator
