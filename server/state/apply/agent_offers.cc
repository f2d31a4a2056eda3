// The text that a device is offered, in its row. The core has only whether there is one, which is
// all that a check-in needs to know; edges read the rest when they are told of the device.
#include "server/state/apply/agent_offers.h"

#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

void Save(ApplyContext& context, DenseIndex index, const AgentOfferRow& row) {
  DeviceCore core = context.devices.Core(index);
  core.has_offer = !row.version.empty();
  context.devices.SetCore(index, core);
  context.db.Run(
      "UPDATE devices SET offer_version = ?, agent_generation = ?, offer_open = ? WHERE dense = ?",
      row.version, row.generation, row.offered, index);
  context.Changed({.kind = ChangeKind::kDevice,
                   .organization = OrganizationId{core.organization},
                   .device = DeviceId{core.id}});
}

}  // namespace

AgentOfferRow LoadAgentOffer(ApplyContext& context, DenseIndex index) {
  Query query(context.db,
              "SELECT offer_version, agent_generation, offer_open FROM devices WHERE dense = ?",
              index);
  if (!query.Step()) return {};
  return {query.Text(0), static_cast<uint32_t>(query.Int(1)), query.Bool(2)};
}

void SetAgentOffer(ApplyContext& context, DenseIndex index, absl::string_view version, bool offered,
                   absl::string_view reason) {
  AgentOfferRow row = LoadAgentOffer(context, index);
  // Several rules say the same twice; an event is for a change.
  if (row.version == version && row.offered == offered) return;
  row.version = std::string(version);
  row.offered = offered;
  Save(context, index, row);
  WriteEvent(context, context.devices.Core(index).id,
             offered ? EventKind::kAgentOffered : EventKind::kAgentOfferEnded,
             absl::StrCat("agent ", version, "+", row.generation, ": ", reason));
}

void RaiseGeneration(ApplyContext& context, DenseIndex index, absl::string_view version,
                     absl::string_view reason) {
  AgentOfferRow row = LoadAgentOffer(context, index);
  row.version = std::string(version);
  ++row.generation;
  row.offered = true;
  Save(context, index, row);
  WriteEvent(context, context.devices.Core(index).id, EventKind::kAgentOffered,
             absl::StrCat("agent ", row.version, "+", row.generation, ": ", reason));
}

void ForgetAgentOffer(ApplyContext& context, DenseIndex index) {
  const AgentOfferRow row = LoadAgentOffer(context, index);
  if (row.version.empty() && row.generation == 0) return;
  Save(context, index, {});
}

}  // namespace muster::server
