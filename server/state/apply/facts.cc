// What routers say of themselves, kept as one blob a device, and what a change of it means. Facts
// come with every whole beat and hardly ever change, so the first question is whether they are the
// same.
#include "server/state/apply/facts.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/state/apply/holds.h"
#include "server/state/hardware.h"

namespace muster::server {
namespace {

using internal::v1::Facts;

constexpr size_t kMaxTextBytes = 256;

// The first value is no change.
void WriteChange(ApplyContext& context, uint64_t device, EventKind kind, const std::string& before,
                 const std::string& after) {
  if (before == after || before.empty()) return;
  WriteEvent(context, device, kind, absl::StrCat("from \"", before, "\" to \"", after, "\""));
}

// Begins as each version does: "7.20.8 (stable)", "7.21beta3". Edges read all of it.
bool LooksLikeAVersion(absl::string_view text) {
  const size_t dot = text.find('.');
  return dot != absl::string_view::npos && dot > 0 && dot + 1 < text.size() &&
         absl::c_all_of(text.substr(0, dot), absl::ascii_isdigit) &&
         absl::ascii_isdigit(static_cast<unsigned char>(text[dot + 1]));
}

// Edges can't tell what such a router would load, so they keep its jobs.
void LookAtVersion(ApplyContext& context, uint64_t device, const std::string& before,
                   const std::string& after) {
  if (before == after || after.empty() || LooksLikeAVersion(after)) return;
  WriteEvent(
      context, device, EventKind::kVersionUnreadable,
      absl::StrCat("\"", after, "\" is no RouterOS version; its jobs wait until it reports one"));
}

std::string AcceptedHardware(ApplyContext& context, DenseIndex index) {
  Query query(context.db, "SELECT hardware FROM devices WHERE dense = ?", index);
  return query.Step() ? query.Text(0) : "";
}

// Whether this is still the board that was accepted.
void CompareHardware(ApplyContext& context, DenseIndex index, const Facts& before,
                     const Facts& facts) {
  const std::string accepted = AcceptedHardware(context, index);
  const std::string now = HardwareOf(facts);
  const DeviceCore core = context.devices.Core(index);
  // It joined without saying what it is (facts come with the first beat, or its version can't say):
  // the first board that reports is taken for it.
  if (accepted.empty()) {
    if (!now.empty()) AcceptHardware(context, index, facts);
    return;
  }
  // It is held for this already, and both boards report in turns.
  if (core.hold == HoldKind::kClone) return;
  const bool was_other = IsOtherHardware(accepted, HardwareOf(before));
  if (!IsOtherHardware(accepted, now)) {
    // The other one was here, and the accepted one is still alive: not a spare that took over, but
    // two at once.
    if (core.hold == HoldKind::kHardwareChanged && was_other && accepted == now) {
      HoldAsClone(context, index, absl::StrCat(accepted, " and ", HardwareOf(before), " in turns"));
    }
    return;
  }
  // It said so before; the event is for the change.
  if (HardwareOf(before) == now) return;
  WriteEvent(context, core.id, EventKind::kHardwareChanged,
             absl::StrCat("it was ", accepted, " and says that it is ", now,
                          "; its jobs wait until that is accepted (device accept-identity)"));
  HoldDevice(context, index, HoldKind::kHardwareChanged,
             absl::StrCat("hardware changed: ", accepted, " was accepted, ", now, " reports"));
}

}  // namespace

Facts ReadFacts(ApplyContext& context, DenseIndex index) {
  Query query(context.db, "SELECT facts FROM devices WHERE dense = ?", index);
  Facts facts;
  if (query.Step()) {
    const absl::string_view bytes = query.View(0);
    facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }
  return facts;
}

void AcceptHardware(ApplyContext& context, DenseIndex index, const Facts& facts) {
  context.db.Run("UPDATE devices SET hardware = ? WHERE dense = ?", HardwareOf(facts), index);
}

bool FactsAreSound(const Facts& facts) {
  for (const std::string* text : {&facts.identity(), &facts.serial_number(), &facts.software_id(),
                                  &facts.routeros_version(), &facts.board(), &facts.architecture(),
                                  &facts.agent_version(), &facts.rights(), &facts.router_roots()}) {
    if (text->size() > kMaxTextBytes) return false;
  }
  const size_t mac = facts.mac_address().size();
  const size_t key = facts.tunnel_public_key().size();
  return (mac == 0 || mac == 6) && (key == 0 || key == 32);
}

uint64_t FactsHash(const std::string& bytes) {
  // FNV-1a, as BootHash: written out, because std::hash differs between libraries.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

namespace {

// Small beats name the agent and its formats only: the rest stays as it is.
Facts Completed(ApplyContext& context, DenseIndex index, const Facts& facts) {
  const bool whole = !facts.identity().empty() || !facts.routeros_version().empty() ||
                     !facts.serial_number().empty() || !facts.board().empty();
  if (whole) return facts;
  Facts completed = ReadFacts(context, index);
  completed.set_agent_version(facts.agent_version());
  completed.set_format_hex(facts.format_hex());
  completed.set_format_escaped(facts.format_escaped());
  if (!facts.router_roots().empty()) completed.set_router_roots(facts.router_roots());
  return completed;
}

}  // namespace

void TakeFacts(ApplyContext& context, DenseIndex index, const Facts& reported) {
  if (!FactsAreSound(reported)) return;
  const Facts facts = Completed(context, index, reported);
  const std::string bytes = facts.SerializeAsString();
  const uint64_t hash = FactsHash(bytes);
  DeviceCore core = context.devices.Core(index);
  // The row is read and parsed only where something differs.
  if (core.facts_hash == hash) return;
  const Facts before = ReadFacts(context, index);
  // Core first: what CompareHardware does (a hold) reads and writes the core anew.
  core.facts_hash = hash;
  context.devices.SetCore(index, core);
  context.db.Run(
      "UPDATE devices SET facts = ?, facts_hash = ?, serial = ?, update_us = ? WHERE dense = ?",
      Blob{bytes}, hash, facts.serial_number(), context.now_us(), index);
  context.Changed({.kind = ChangeKind::kDevice,
                   .organization = OrganizationId{core.organization},
                   .device = DeviceId{core.id}});
  CompareHardware(context, index, before, facts);
  // Two routers in turns would fill the list of events.
  if (core.hold == HoldKind::kClone) return;
  WriteChange(context, core.id, EventKind::kVersionChanged, before.routeros_version(),
              facts.routeros_version());
  LookAtVersion(context, core.id, before.routeros_version(), facts.routeros_version());
  WriteChange(context, core.id, EventKind::kIdentityChanged, before.identity(), facts.identity());
  WriteChange(context, core.id, EventKind::kSerialChanged, before.serial_number(),
              facts.serial_number());
  WriteChange(context, core.id, EventKind::kAgentChanged, before.agent_version(),
              facts.agent_version());
}

}  // namespace muster::server
