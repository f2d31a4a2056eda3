#include "edge-proxy/uplink/offer_pool.h"

#include <utility>

namespace muster::edge {
namespace {

constexpr size_t kMostOffers = 64;

}  // namespace

std::shared_ptr<const AgentOffer> OfferPool::Share(const ::muster::edge::v1::AgentOffer& wire,
                                                   std::shared_ptr<const AgentOffer> fresh) {
  // One with a token is of one device.
  if (!wire.token().empty()) return fresh;
  // Beginning anew costs a few double offers, looking for the oldest would cost more.
  if (offers_.size() >= kMostOffers) offers_.clear();
  // By its bytes: two offers that read the same are the same.
  std::weak_ptr<const AgentOffer>& known = offers_[wire.SerializeAsString()];
  if (std::shared_ptr<const AgentOffer> shared = known.lock()) return shared;
  known = fresh;
  return fresh;
}

}  // namespace muster::edge
