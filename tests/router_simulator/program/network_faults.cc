#include "tests/router_simulator/program/network_faults.h"

#include <utility>

namespace muster::simulator {

NetworkFaults::NetworkFaults(HttpTransport* inner, const std::set<std::string>& names,
                             uint64_t seed)
    : inner_(inner),
      often_reply_(names.count("lose-reply") > 0),
      often_result_(names.count("lose-result") > 0),
      enrolment_(names.count("lose-enrolment") > 0),
      count_(seed * 0x9E3779B97F4A7C15u) {}

bool NetworkFaults::Loses(const HttpRequest& request) {
  const MutexLock lock(mutex_);
  if (lose_left_ > 0 && (lose_target_.empty() || lose_target_ == request.target)) {
    --lose_left_;
    return true;
  }
  if (request.target == "/v1/enroll") return std::exchange(enrolment_, false);
  const bool beat = often_reply_ && request.target == "/v1/heartbeat";
  const bool result = often_result_ && request.target == "/v1/result";
  if (!beat && !result) return false;
  uint64_t mixed = ++count_ * 0xBF58476D1CE4E5B9u;
  mixed ^= mixed >> 31;
  return mixed % 6 < (beat ? 2u : 3u);
}

void NetworkFaults::CutReply(const HttpRequest& request, HttpReply* reply) {
  const MutexLock lock(mutex_);
  if (!cut_ || reply->body.size() <= cut_->bytes) return;
  if (!cut_->target.empty() && cut_->target != request.target) return;
  reply->body.resize(cut_->bytes);
  if (!cut_->silently) reply->outcome = HttpReply::Outcome::kCut;
  cut_.reset();
}

HttpReply NetworkFaults::Fetch(const HttpRequest& request) {
  {
    const MutexLock lock(mutex_);
    if (down_) {
      HttpReply none;
      none.outcome = HttpReply::Outcome::kConnectFailed;
      none.error = "no route";
      return none;
    }
  }
  HttpReply reply = inner_->Fetch(request);
  if (Loses(request)) {
    HttpReply lost;
    lost.outcome = HttpReply::Outcome::kTimeout;
    return lost;
  }
  CutReply(request, &reply);
  return reply;
}

std::string NetworkFaults::Resolve(absl::string_view name) {
  {
    const MutexLock lock(mutex_);
    if (down_) return "";
  }
  return inner_->Resolve(name);
}

void NetworkFaults::SetDown(bool down) {
  const MutexLock lock(mutex_);
  down_ = down;
}

void NetworkFaults::LoseNext(absl::string_view target, int count) {
  const MutexLock lock(mutex_);
  lose_target_ = std::string(target);
  lose_left_ = count;
}

void NetworkFaults::CutNext(absl::string_view target, size_t bytes, bool silently) {
  const MutexLock lock(mutex_);
  cut_ = Cut{std::string(target), bytes, silently};
}

void NetworkFaults::Heal() {
  const MutexLock lock(mutex_);
  often_reply_ = often_result_ = enrolment_ = down_ = false;
  lose_left_ = 0;
  cut_.reset();
}

}  // namespace muster::simulator
