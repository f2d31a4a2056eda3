// Batches of an edge: each number once, in order, item by item. The number is what makes a batch
// that an edge repeats harmless, over reconnects and restarts of both sides; a bad item must not
// hold up its neighbours, since the edge would send the same batch for ever.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/agent_upgrades.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/facts.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/job_reports.h"
#include "server/state/apply/presence.h"
#include "server/state/apply/tokens.h"

namespace muster::server {
namespace {

using internal::v1::CheckIn;
using internal::v1::EdgeBatch;
using internal::v1::EdgeBatchResult;
using internal::v1::JobEvent;
using internal::v1::JobResult;
using internal::v1::Result;

// muster.edge.v1.ItemVerdictCode.
// WrongSecret (2) is judged before anything is proposed: server/edges.
enum Verdict : uint32_t { kRefused = 1, kUnknownDevice = 3 };

constexpr size_t kMaxBootBytes = 64;
constexpr size_t kMaxOutputBytes = size_t{16} << 10;
constexpr size_t kMaxErrorBytes = 4096;
constexpr size_t kMaxPhaseBytes = 16;

void Refuse(EdgeBatchResult& result, uint32_t item, Verdict code, absl::string_view reason) {
  internal::v1::RefusedItem* refused = result.add_refused();
  refused->set_item(item);
  refused->set_code(code);
  refused->set_reason(std::string(reason));
}

// What is wrong with it; empty: nothing.
// Ranges first of all: sums of times and numbers further on can't overflow then.
absl::string_view Objection(const JobEvent& e) {
  if (e.kind() < 1 || e.kind() > 5) return "unknown kind";
  if (e.number() == 0 || e.number() > kMaxNumber) return "job number out of range";
  if (e.time_us() < 0 || e.time_us() > kMaxTimeUs) return "time out of range";
  if (e.boot_at_first_send().size() > kMaxBootBytes) return "boot nonce too long";
  return "";
}

absl::string_view Objection(const JobResult& r) {
  if (r.status() < 1 || r.status() > 3) return "unknown status";
  if (r.number() == 0 || r.number() > kMaxNumber) return "job number out of range";
  if (r.output().size() > kMaxOutputBytes || r.error().size() > kMaxErrorBytes ||
      r.phase().size() > kMaxPhaseBytes) {
    return "too long";
  }
  return "";
}

// In this order: a clone is held before it is told that it rebooted, so that its beats in turns
// don't fill the list of events; facts come last, since they may hold the device for another
// reason.
void WriteTransitions(ApplyContext& context, const DeviceTable::Taken& taken,
                      const CheckIn& check_in) {
  if (taken.change.boot_returned) {
    HoldAsClone(context, taken.index, "an earlier boot goes on beside a later one");
  }
  // Two routers in turns would fill the list of events.
  if (taken.change.new_boot && context.devices.Core(taken.index).hold != HoldKind::kClone) {
    WriteEvent(context, taken.core.id, EventKind::kRebooted, "came back with another boot");
  }
  if (taken.change.address_event) {
    WriteEvent(context, taken.core.id, EventKind::kAddressChanged,
               "comes from another address now");
  }
  if (check_in.has_facts()) TakeFacts(context, taken.index, check_in.facts());
}

void TakeCheckIns(ApplyContext& context, const EdgeBatch& batch, uint16_t edge,
                  EdgeBatchResult& result) {
  for (const CheckIn& check_in : batch.check_ins()) {
    const absl::string_view why = ObjectionTo(check_in, batch.base_time_us());
    if (!why.empty()) {
      Refuse(result, check_in.item(), kRefused, why);
      continue;
    }
    const int64_t time_us = batch.base_time_us() + check_in.time_delta_us();
    const auto taken = context.devices.TakeCheckIn(check_in, time_us, edge, context.index);
    if (!taken.has_value()) {
      Refuse(result, check_in.item(), kUnknownDevice, "no such device, or deleted");
      continue;
    }
    // Not newer than the last one: it waited somewhere, and what it proves was proved by a newer
    // one.
    if (!taken->change.taken) continue;
    const RowChange& change = taken->change;
    // Most check-ins end here having touched no table: that is what lets one node take 33,000 a
    // second.
    const bool transition = change.new_boot || change.address_event || check_in.has_facts();
    if (transition) WriteTransitions(context, *taken, check_in);
    HearOf(context, *taken);
    // The second: the old token again, after the new one was seen.
    if (check_in.next_token() || taken->core.proving) {
      TakeTokenProof(context, taken->index, check_in.next_token());
    }
    const DeviceCore& core = taken->core;
    // `core` is from before facts and proofs, which may have held the device: only hints are taken
    // from it, and ReportCheckIn reads it anew.
    if (core.upgrade_job != 0) JudgeUpgrade(context, taken->index, time_us);
    // Only where jobs can have news: an edge that needs records, an open job, a queue, or a number
    // that is not the last report's.
    if (change.new_edge || core.open_number != 0 || core.queued != 0 ||
        check_in.last_number() != core.expected_last) {
      ReportCheckIn(context, *taken, check_in, time_us, context.now_us() - time_us, edge);
    }
  }
}

// The place of the item's device, if it is live; else the item is refused. Items were proved by
// their secret before; a device may have been deleted since.
template <typename Item>
std::optional<DenseIndex> Accept(ApplyContext& context, const Item& item, EdgeBatchResult& result) {
  if (const absl::string_view why = Objection(item); !why.empty()) {
    Refuse(result, item.item(), kRefused, why);
    return std::nullopt;
  }
  const auto device = context.devices.FindBoth(item.device_id());
  if (!device.has_value() || device->core.delete_index != 0) {
    Refuse(result, item.item(), kUnknownDevice, "no such device, or deleted");
    return std::nullopt;
  }
  return device->index;
}

void TakeItems(ApplyContext& context, const EdgeBatch& batch, uint16_t edge,
               EdgeBatchResult& result) {
  // Check-ins before events and results of the same batch: they were made first.
  TakeCheckIns(context, batch, edge, result);
  for (const JobEvent& event : batch.job_events()) {
    const auto index = Accept(context, event, result);
    if (index.has_value()) ReportJobEvent(context, event, *index, edge);
  }
  for (const JobResult& item : batch.job_results()) {
    const auto index = Accept(context, item, result);
    if (index.has_value()) ReportJobResult(context, item, *index);
  }
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const EdgeBatch& command) {
  auto edge = context.edges.Find(command.edge_id());
  if (!edge.has_value()) return UnknownThing("edge", command.edge_id());
  if (command.lane() < 1 || command.lane() >= kLanes || command.number() == 0) {
    return Malformed("batch");
  }
  Result outcome;
  EdgeBatchResult& result = *outcome.mutable_edge_batch();
  uint64_t& last = edge->lanes[command.lane()];
  result.set_applied_number(last);
  // Fenced first: an older stream must not learn numbers of the newer one, nor fill its gaps. Not
  // an error, because the stream has to be told apart from one whose batch was bad.
  if (edge->revoked || edge->session_epoch != command.session_epoch() ||
      edge->spool_id != command.spool_id()) {
    result.set_outcome(internal::v1::BATCH_OUTCOME_FENCED);
    return outcome;
  }
  if (command.number() <= last) {
    result.set_outcome(internal::v1::BATCH_OUTCOME_DUPLICATE);
    return outcome;
  }
  if (command.number() != last + 1) {
    result.set_outcome(internal::v1::BATCH_OUTCOME_GAP);
    return outcome;
  }
  // From here on it is taken, whatever is in it. Number and effects lie in one transaction: after a
  // crash either both are there or neither, and the edge sends it again.
  last = command.number();
  context.edges.Set(*edge);
  context.db.Run(
      "INSERT INTO lanes (edge, spool_id, lane, number, seen_us) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (edge, spool_id, lane) DO UPDATE SET number = ?4, seen_us = ?5",
      edge->number, Blob{edge->spool_id}, command.lane(), command.number(), context.now_us());
  result.set_outcome(internal::v1::BATCH_OUTCOME_TAKEN);
  result.set_applied_number(last);
  TakeItems(context, command, edge->number, result);
  return outcome;
}

}  // namespace muster::server
