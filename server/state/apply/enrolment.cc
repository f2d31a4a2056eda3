// A router joins: by a claim, or with a token that it still holds. The proposer has opened the
// token and made id and secret; here is decided what counts, because only here is the order of two
// enrolments known (a claim with one use left, say). A refusal is a verdict and not an error: the
// router is told why.
#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/agent_offers.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/facts.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/live_device.h"
#include "server/state/apply/preregistrations.h"
#include "server/state/apply/tokens.h"
#include "server/state/hardware.h"

namespace muster::server {
namespace {

using internal::v1::EnrollDevice;
using internal::v1::EnrollResult;
using internal::v1::EnrollVerdict;
using internal::v1::Result;

constexpr size_t kHashBytes = 32;

struct ClaimRow {
  uint64_t id = 0;
  uint64_t organization = 0;
  int64_t expire_us = 0;
  int64_t max_devices = 0;
  int64_t used_devices = 0;
  std::string network;
  uint32_t prefix_bits = 0;
  std::string site;
  std::string labels;
  bool monitor_only = false;
  bool approve = false;
  Profile profile = Profile::kNormal;
  // 0: none.
  uint64_t replaces = 0;
  // internal.v1.Urls, as the device's row takes them.
  std::string urls;
};

std::optional<ClaimRow> FindClaim(ApplyContext& context, const std::string& hash) {
  Query query(context.db,
              "SELECT id, organization, expire_us, max_devices, used_devices, allowed_network, "
              "allowed_prefix_bits, site, labels, monitor_only, approve, profile, replaces, urls "
              "FROM claims WHERE claim_hash = ?",
              Blob{hash});
  if (!query.Step()) return std::nullopt;
  ClaimRow row;
  row.id = IdOf(query.Int(0));
  row.organization = IdOf(query.Int(1));
  row.expire_us = query.Int(2);
  row.max_devices = query.Int(3);
  row.used_devices = query.Int(4);
  row.network = query.Text(5);
  row.prefix_bits = static_cast<uint32_t>(query.Int(6));
  row.site = query.Text(7);
  row.labels = query.Text(8);
  row.monitor_only = query.Bool(9);
  row.approve = query.Bool(10);
  row.profile = static_cast<Profile>(query.Int(11));
  if (!query.IsNull(12)) row.replaces = IdOf(query.Int(12));
  row.urls = query.Text(13);
  return row;
}

// Both are 4 or 16 bytes; the edge gives IPv4 as 4, also where its socket is IPv6.
bool Contains(const std::string& network, uint32_t bits, const std::string& address) {
  if (network.empty()) return true;
  if (network.size() != address.size() || bits > network.size() * 8) return false;
  const size_t whole = bits / 8;
  if (network.compare(0, whole, address, 0, whole) != 0) return false;
  const uint32_t rest = bits % 8;
  if (rest == 0) return true;
  const uint8_t mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((static_cast<uint8_t>(network[whole]) ^ static_cast<uint8_t>(address[whole])) & mask) ==
         0;
}

bool HasExpired(const ApplyContext& context, const ClaimRow& claim) {
  // Just after a jump of time nobody knows whether the hour has passed.
  return claim.expire_us <= context.now_us() && !context.TimeIsDoubtful();
}

bool IsUsedUp(const ClaimRow& claim) { return claim.used_devices >= claim.max_devices; }

// Whether a router that has no identity yet could join with it now. Only then an operator still
// means it.
bool Counts(const ApplyContext& context, const ClaimRow& claim, const std::string& address) {
  return Contains(claim.network, claim.prefix_bits, address) && !HasExpired(context, claim) &&
         !IsUsedUp(claim);
}

Result Verdict(EnrollVerdict verdict) {
  Result result;
  result.mutable_enroll()->set_verdict(verdict);
  return result;
}

Result Accept(ApplyContext& context, DenseIndex index, bool created) {
  const DeviceCore core = context.devices.Core(index);
  const uint64_t token_organization = context.devices.Extra(index).token_organization;
  Result result = Verdict(internal::v1::ENROLL_VERDICT_OK);
  EnrollResult& enroll = *result.mutable_enroll();
  enroll.set_device_id(core.id);
  enroll.set_organization_id(core.organization);
  // The epoch and secret of now: a repetition gets the token that is good, not the one of its first
  // reply.
  enroll.set_epoch(core.least_epoch);
  enroll.set_sealed_secret(std::string(core.SealedSecret()));
  enroll.set_monitor_only(core.monitor_only);
  enroll.set_created(created);
  enroll.set_token_organization_id(token_organization != 0 ? token_organization
                                                           : core.organization);
  return result;
}

// The live device that this claim and nonce made before: the router asks again because it has no
// token yet. One that was deleted or moved since is none of it; then the claim counts as for
// anybody.
std::optional<DeviceTable::Both> FindEarlier(ApplyContext& context, const ClaimRow& claim,
                                             const std::string& nonce_hash) {
  uint64_t id = 0;
  {
    Query query(context.db, "SELECT device FROM enrolments WHERE claim = ? AND nonce_hash = ?",
                KeyOf(claim.id), Blob{nonce_hash});
    if (!query.Step()) return std::nullopt;
    id = IdOf(query.Int(0));
  }
  const auto device = context.devices.FindBoth(id);
  if (!device.has_value() || device->core.delete_index != 0 ||
      device->core.organization != claim.organization) {
    return std::nullopt;
  }
  return device;
}

// What the installer that this claim gives has put on the router: profile, URLs, rights. The text
// is of generation 0 again, whatever was offered before.
void TakeTerms(ApplyContext& context, DenseIndex index, const ClaimRow& claim) {
  DeviceCore core = context.devices.Core(index);
  core.monitor_only = claim.monitor_only;
  core.profile = claim.profile;
  context.devices.SetCore(index, core);
  context.db.Run("UPDATE devices SET monitor_only = ?, profile = ?, urls = ? WHERE dense = ?",
                 core.monitor_only, core.profile, Blob{claim.urls}, index);
  ForgetAgentOffer(context, index);
  // Nobody is left there who could run them.
  if (core.monitor_only) {
    CancelWaiting(context, core.id, "the device is monitor-only now and takes no jobs");
  }
  TellOfDevice(context, core, ChangeKind::kDevice);
}

// "A serial that is already known raises an event, nothing more."
void TellOfSameSerial(ApplyContext& context, const DeviceCore& core, const std::string& serial) {
  if (serial.empty()) return;
  std::vector<uint64_t> others;
  {
    Query query(context.db,
                "SELECT id FROM devices WHERE organization = ? AND serial = ? AND serial <> '' "
                "AND delete_us = 0 AND id <> ? ORDER BY id LIMIT 4",
                KeyOf(core.organization), serial, KeyOf(core.id));
    while (query.Step()) others.push_back(IdOf(query.Int(0)));
  }
  for (const uint64_t other : others) {
    WriteEvent(context, core.id, EventKind::kSerialKnown,
               absl::StrCat("serial number ", serial, " is that of device ", FormatId(other),
                            " too; delete the one that is gone"));
    WriteEvent(context, other, EventKind::kSerialKnown,
               absl::StrCat("serial number ", serial, " joined again as device ", FormatId(core.id),
                            "; to keep this one use claim create --replace"));
  }
}

// Row, place in memory and slab belong together: a device without a slab row would be lost to the
// replay at the next start.
DenseIndex InsertDevice(ApplyContext& context, const EnrollDevice& command, const ClaimRow& claim,
                        DeviceCore& core) {
  const std::string facts =
      FactsAreSound(command.facts()) ? command.facts().SerializeAsString() : "";
  core.facts_hash = FactsHash(facts);
  const DenseIndex index = context.devices.Add(core);
  // The first of its slab. True up to this entry: nothing of it has checked in before.
  if (index % kSlabRows == 0) {
    context.db.Run("INSERT INTO slabs (slab, idx, bytes) VALUES (?, ?, x'')", index / kSlabRows,
                   context.index);
  }
  context.db.Run(
      "INSERT INTO devices (id, organization, dense, display_name, notes, site, labels, facts, "
      "facts_hash, sealed_secret, monitor_only, held, least_epoch, create_us, update_us, "
      "delete_us, delete_index, version, last_given, highest_reported, expected_last, serial, "
      "hardware) "
      "VALUES (?, ?, ?, '', '', ?, ?, ?, ?, ?, ?, 0, 1, ?, ?, 0, 0, 1, 0, 0, 0, ?, ?)",
      KeyOf(core.id), KeyOf(core.organization), index, claim.site, Blob{claim.labels}, Blob{facts},
      core.facts_hash, Blob{core.SealedSecret()}, core.monitor_only, context.now_us(),
      context.now_us(), facts.empty() ? "" : command.facts().serial_number(),
      facts.empty() ? "" : HardwareOf(command.facts()));
  return index;
}

void UseUp(ApplyContext& context, const ClaimRow& claim, const EnrollDevice& command,
           uint64_t device) {
  // REPLACE: the earlier row is of a device that is gone.
  context.db.Run("INSERT OR REPLACE INTO enrolments (claim, nonce_hash, device) VALUES (?, ?, ?)",
                 KeyOf(claim.id), Blob{command.nonce_hash()}, KeyOf(device));
  context.db.Run("UPDATE claims SET used_devices = used_devices + 1 WHERE id = ?", KeyOf(claim.id));
}

Result EnrollNew(ApplyContext& context, const EnrollDevice& command, const ClaimRow& claim) {
  DeviceCore core;
  core.id = command.proposed_device_id();
  core.organization = claim.organization;
  core.monitor_only = claim.monitor_only;
  core.SetSealedSecret(command.proposed_sealed_secret());
  const DenseIndex index = InsertDevice(context, command, claim, core);
  TakeTerms(context, index, claim);
  UseUp(context, claim, command, core.id);
  WriteEvent(
      context, core.id, EventKind::kEnrolled,
      absl::StrCat("joined with claim ", FormatId(claim.id), " through edge ", command.edge_id()));
  TellOfSameSerial(context, core, command.facts().serial_number());
  // After the row was made with the claim's site and labels, which this may replace.
  UsePreregistration(context, core, command.facts().serial_number());
  if (claim.approve) {
    HoldDevice(context, index, HoldKind::kPending, "the device waits to be accepted");
    WriteEvent(context, core.id, EventKind::kPending,
               "it gets no jobs until it is accepted (device accept)");
  }
  AuditDevice(context, core, absl::StrCat("enrolled the device with claim ", FormatId(claim.id)));
  return Accept(context, index, true);
}

// Another router, or the same after a reset, goes on as this device: same id, history and labels, a
// token of the next epoch, and a queue that waits for an operator. (Jobs that were meant for the
// old router may be wrong for the new one.)
ApplyResult TakeOver(ApplyContext& context, const EnrollDevice& command, const ClaimRow& claim) {
  // The secret is sealed for one device id; another one would never open.
  if (command.proposed_device_id() != claim.replaces) return Malformed("secret of another device");
  const auto device = FindLiveDevice(context, claim.replaces, claim.organization);
  if (!device.ok()) return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_UNKNOWN);
  // Before TakeFacts below writes the new ones.
  const std::string before = HardwareOf(ReadFacts(context, device->index));
  const std::string now = HardwareOf(command.facts());
  Rekey(context, device->index, command.proposed_sealed_secret());
  TakeTerms(context, device->index, claim);
  UseUp(context, claim, command, claim.replaces);
  // Before TakeFacts, which would hold the device for another board than the accepted one.
  AcceptHardware(context, device->index, command.facts());
  DeviceCore core = context.devices.Core(device->index);
  // Whatever it was held for, the router that did it is refused now.
  if (core.hold != HoldKind::kPending) core.hold = HoldKind::kNone;
  // A fresh agent has started nothing; numbers stay above all that were given.
  core.expected_last = 0;
  context.devices.SetCore(device->index, core);
  SaveCoreNumbers(context, device->index, core);
  TakeFacts(context, device->index, command.facts());
  WriteEvent(
      context, core.id, EventKind::kReplaced,
      absl::StrCat(before == now ? "joined again" : absl::StrCat(before, " gave way to ", now),
                   " with claim ", FormatId(claim.id), " through edge ", command.edge_id(),
                   "; its jobs wait for an operator"));
  HoldDevice(context, device->index, HoldKind::kReplaced, "the router was replaced or set up anew");
  AuditDevice(context, core, absl::StrCat("took over the device with claim ", FormatId(claim.id)));
  return Accept(context, device->index, false);
}

// A router that proves its token keeps its identity; nullopt: the token counts for nothing, and the
// claim decides. The proof was made by the proposer; epoch and deletion are looked at again, since
// both may have changed on the way here.
std::optional<Result> EnrollHeld(ApplyContext& context, const EnrollDevice& command,
                                 const std::optional<ClaimRow>& claim) {
  if (command.held_device_id() == 0) return std::nullopt;
  const auto device = context.devices.FindBoth(command.held_device_id());
  if (!device.has_value() || device->core.delete_index != 0 || device->core.revoked ||
      command.held_epoch() < device->core.least_epoch) {
    return std::nullopt;
  }
  // An operator has said which device this router is to be.
  if (claim.has_value() && claim->replaces != 0 && claim->replaces != device->core.id) {
    return std::nullopt;
  }
  // Neither moved there nor refused silently: the operator must see that it belongs to somebody
  // else.
  if (claim.has_value() && claim->organization != device->core.organization) {
    return Verdict(internal::v1::ENROLL_VERDICT_TOKEN_FOREIGN);
  }
  // The router runs the text that came with the new token: the rotation is through.
  if (command.held_epoch() == context.devices.Extra(device->index).next_epoch) {
    PromoteNextToken(context, device->index);
  }
  // An old line that somebody has kept must not lift monitor-only from a router.
  const bool counts = claim.has_value() && Counts(context, *claim, command.source_address());
  if (counts) TakeTerms(context, device->index, *claim);
  TakeFacts(context, device->index, command.facts());
  WriteEvent(context, device->core.id, EventKind::kEnrolledAgain,
             counts ? "the line was run again; it kept its id"
                    : "the line was run again; it kept its id and its terms, since the claim "
                      "doesn't count any more, or not from there");
  return Accept(context, device->index, false);
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const EnrollDevice& command) {
  if (command.proposed_device_id() == 0 || command.proposed_sealed_secret().empty() ||
      command.proposed_sealed_secret().size() > kMaxSealedSecretBytes ||
      command.claim_hash().size() != kHashBytes || command.nonce_hash().size() != kHashBytes) {
    return Malformed("enrolment");
  }
  const std::optional<ClaimRow> claim = FindClaim(context, command.claim_hash());
  // First: the line is run again on routers that have joined, with claims that are long used up or
  // expired.
  if (auto held = EnrollHeld(context, command, claim)) return *held;
  if (!claim.has_value()) return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_UNKNOWN);
  if (!Contains(claim->network, claim->prefix_bits, command.source_address())) {
    return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_WRONG_ADDRESS);
  }
  // Only its reply was lost: neither expiry nor use count.
  if (const auto earlier = FindEarlier(context, *claim, command.nonce_hash())) {
    TakeFacts(context, earlier->index, command.facts());
    return Accept(context, earlier->index, false);
  }
  if (HasExpired(context, *claim)) return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_EXPIRED);
  if (IsUsedUp(*claim)) return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_USED_UP);
  if (claim->replaces != 0) return TakeOver(context, command, *claim);
  if (context.devices.Find(command.proposed_device_id()).has_value()) {
    return AlreadyThere("device", FormatId(command.proposed_device_id()));
  }
  return EnrollNew(context, command, *claim);
}

}  // namespace muster::server
