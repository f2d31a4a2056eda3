// Scripts that a router asks for by itself: it was told of each by a verb, so 404 is only met by
// one that asks late or guesses.
#include "edge-proxy/heartbeats/script_desk.h"

#include <memory>
#include <string>

namespace muster::edge {
namespace {

constexpr int kRetrySeconds = 5;

// The secret of a router without a record is not checked here, so it gets no script.
Reply NotYet() { return Later("no record of this device yet", kRetrySeconds); }

}  // namespace

Reply ScriptDesk::GivePart(const Caller& caller, const PayloadPath& path) const {
  if (!caller.known) return NotYet();
  // Not told apart from an unknown job.
  if (caller.monitor_only || caller.released) return Refusal(404, "no such job");
  absl::StatusOr<std::string> part = jobs_.PartFor(caller.device, path.number, path.part);
  if (!part.ok()) return Refusal(404, "no such job or part");
  return Reply{.text = *std::move(part)};
}

Reply ScriptDesk::GiveAgent(const Caller& caller, absl::string_view routeros_version) const {
  if (!caller.known) return NotYet();
  const std::shared_ptr<const AgentOffer> offer = devices_.OfferOf(caller.device);
  // The same rule as for `U`, checked again: the offer may have been taken back since.
  const bool offered = offer != nullptr && offer->offered && !caller.monitor_only &&
                       !caller.released && offer->agent_version == rules_.own_version;
  if (!offered) return Refusal(404, "no agent is offered");
  absl::StatusOr<std::string> text = rules_.render(routeros_version, *offer);
  // Terms that can't be rendered read the same here.
  if (!text.ok()) return Refusal(400, "bad version");
  return Reply{.text = *std::move(text)};
}

}  // namespace muster::edge
