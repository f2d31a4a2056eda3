// A router joins: by a claim, or with a token that it still holds.
#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/facts.h"

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
};

std::optional<ClaimRow> FindClaim(ApplyContext& context, const std::string& hash) {
  Query query(context.db,
              "SELECT id, organization, expire_us, max_devices, used_devices, allowed_network, "
              "allowed_prefix_bits, site, labels, monitor_only FROM claims WHERE claim_hash = ?",
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
  return row;
}

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

Result Verdict(EnrollVerdict verdict) {
  Result result;
  result.mutable_enroll()->set_verdict(verdict);
  return result;
}

Result Accept(const DeviceCore& core, bool created) {
  Result result = Verdict(internal::v1::ENROLL_VERDICT_OK);
  EnrollResult& enroll = *result.mutable_enroll();
  enroll.set_device_id(core.id);
  enroll.set_organization_id(core.organization);
  enroll.set_epoch(core.least_epoch);
  enroll.set_sealed_secret(std::string(core.SealedSecret()));
  enroll.set_monitor_only(core.monitor_only);
  enroll.set_created(created);
  return result;
}

// The live device that this claim and nonce made before.
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
  if (!device.has_value() || device->core.delete_index != 0) return std::nullopt;
  return device;
}

void InsertDevice(ApplyContext& context, const EnrollDevice& command, const ClaimRow& claim,
                  DeviceCore& core) {
  const std::string facts =
      FactsAreSound(command.facts()) ? command.facts().SerializeAsString() : "";
  core.facts_hash = FactsHash(facts);
  const DenseIndex index = context.devices.Add(core);
  if (index % kSlabRows == 0) {
    context.db.Run("INSERT INTO slabs (slab, idx, bytes) VALUES (?, ?, x'')", index / kSlabRows,
                   context.index);
  }
  context.db.Run(
      "INSERT INTO devices (id, organization, dense, display_name, notes, site, labels, facts, "
      "facts_hash, sealed_secret, monitor_only, held, least_epoch, create_us, update_us, "
      "delete_us, delete_index, version, last_given, highest_reported, expected_last) "
      "VALUES (?, ?, ?, '', '', ?, ?, ?, ?, ?, ?, 0, 1, ?, ?, 0, 0, 1, 0, 0, 0)",
      KeyOf(core.id), KeyOf(core.organization), index, claim.site, Blob{claim.labels}, Blob{facts},
      core.facts_hash, Blob{core.SealedSecret()}, core.monitor_only, context.now_us(),
      context.now_us());
}

Result EnrollNew(ApplyContext& context, const EnrollDevice& command, const ClaimRow& claim) {
  DeviceCore core;
  core.id = command.proposed_device_id();
  core.organization = claim.organization;
  core.monitor_only = claim.monitor_only;
  core.SetSealedSecret(command.proposed_sealed_secret());
  InsertDevice(context, command, claim, core);
  context.db.Run("INSERT OR REPLACE INTO enrolments (claim, nonce_hash, device) VALUES (?, ?, ?)",
                 KeyOf(claim.id), Blob{command.nonce_hash()}, KeyOf(core.id));
  context.db.Run("UPDATE claims SET used_devices = used_devices + 1 WHERE id = ?", KeyOf(claim.id));
  WriteEvent(
      context, core.id, "enrolled",
      absl::StrCat("joined with claim ", FormatId(claim.id), " through edge ", command.edge_id()));
  context.Changed({.kind = ChangeKind::kDevice,
                   .organization = OrganizationId{core.organization},
                   .device = DeviceId{core.id}});
  WriteAudit(context, DeviceName(context.db, core.organization, core.id), core.organization,
             absl::StrCat("enrolled the device with claim ", FormatId(claim.id)));
  return Accept(core, true);
}

// A router that proves its token keeps its identity; nullopt: the token counts for nothing.
std::optional<Result> EnrollHeld(ApplyContext& context, const EnrollDevice& command,
                                 const std::optional<ClaimRow>& claim) {
  if (command.held_device_id() == 0) return std::nullopt;
  const auto device = context.devices.FindBoth(command.held_device_id());
  if (!device.has_value() || device->core.delete_index != 0 ||
      command.held_epoch() < device->core.least_epoch) {
    return std::nullopt;
  }
  if (claim.has_value() && claim->organization != device->core.organization) {
    return Verdict(internal::v1::ENROLL_VERDICT_TOKEN_FOREIGN);
  }
  TakeFacts(context, device->index, command.facts());
  WriteEvent(context, device->core.id, "enrolled-again", "the line was run again; it kept its id");
  return Accept(device->core, false);
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const EnrollDevice& command) {
  if (command.proposed_device_id() == 0 || command.proposed_sealed_secret().empty() ||
      command.proposed_sealed_secret().size() > kMaxSealedSecretBytes ||
      command.claim_hash().size() != kHashBytes || command.nonce_hash().size() != kHashBytes) {
    return Malformed("enrolment");
  }
  const std::optional<ClaimRow> claim = FindClaim(context, command.claim_hash());
  if (auto held = EnrollHeld(context, command, claim)) return *held;
  if (!claim.has_value()) return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_UNKNOWN);
  if (!Contains(claim->network, claim->prefix_bits, command.source_address())) {
    return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_WRONG_ADDRESS);
  }
  // Only its reply was lost: neither expiry nor use count.
  if (const auto earlier = FindEarlier(context, *claim, command.nonce_hash())) {
    TakeFacts(context, earlier->index, command.facts());
    return Accept(earlier->core, false);
  }
  if (claim->expire_us <= context.now_us() && !context.TimeIsDoubtful()) {
    return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_EXPIRED);
  }
  if (claim->used_devices >= claim->max_devices) {
    return Verdict(internal::v1::ENROLL_VERDICT_CLAIM_USED_UP);
  }
  if (context.devices.Find(command.proposed_device_id()).has_value()) {
    return AlreadyThere("device", FormatId(command.proposed_device_id()));
  }
  return EnrollNew(context, command, *claim);
}

}  // namespace muster::server
