#include "tests/bench/ingest/seed.h"

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status/status_macros.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/pki/device_secret.h"
#include "server/state/apply/facts.h"
#include "server/state/database.h"
#include "server/state/slab_codec.h"
#include "server/state/status_row.h"

namespace muster::bench {
namespace {

using server::Blob;
using server::Database;
using server::KeyOf;
using server::Query;
using server::StatusRow;

absl::StatusOr<std::unique_ptr<Database>> OpenState(const std::string& folder) {
  ASSIGN_OR_RETURN(std::unique_ptr<Database> db,
                   Database::Open(folder + "/control/state.db", Database::Mode::kReadWrite));
  // Whoever seeds starts again after a crash.
  db->Execute("PRAGMA synchronous=OFF");
  return db;
}

absl::StatusOr<Secret> ReadMasterKey(const std::string& folder) {
  ASSIGN_OR_RETURN(const Secret hex, ReadSecretFile(folder + "/control.master-key"));
  return Secret(absl::HexStringToBytes(absl::StripAsciiWhitespace(hex.Reveal())));
}

std::string FactsOf(size_t device) {
  internal::v1::Facts facts;
  facts.set_identity(absl::StrFormat("bench-%07d", device));
  facts.set_serial_number(absl::StrFormat("HB%09d", device));
  facts.set_mac_address(std::string("\x02\x00", 2) + absl::StrFormat("%04x", device % 65536));
  facts.set_routeros_version("7.20.8 (stable)");
  facts.set_board("RB750Gr3");
  facts.set_architecture("mmips");
  facts.set_agent_version("1");
  facts.set_format_hex(true);
  facts.set_format_escaped(true);
  return facts.SerializeAsString();
}

// The status row of a device after its last check-in before `now`.
StatusRow RowOf(const Fleet& fleet, size_t device, uint16_t edge, int64_t now_us) {
  // The device whose turn is next checked in a whole interval ago.
  const size_t place = device / fleet.edges();
  const double share =
      static_cast<double>(place) / static_cast<double>(fleet.DevicesAt(fleet.EdgeOf(device)));
  const int64_t age_us = static_cast<int64_t>(kIntervalSeconds * 1e6 * (1 - share));
  internal::v1::CheckIn check_in;
  check_in.set_device_id(fleet.Id(device));
  check_in.set_interval_seconds(kIntervalSeconds);
  check_in.set_boot(fleet.Boot(device));
  check_in.set_source_address(fleet.Address(device));
  StatusRow row;
  server::TakeCheckIn(row, check_in, now_us - age_us, edge);
  return row;
}

absl::StatusOr<uint16_t> EdgeNumber(Database& db, const std::string& edge) {
  Query query(db, "SELECT number FROM edges WHERE id = ?", edge);
  if (query.Step()) return static_cast<uint16_t>(query.Int(0));
  return absl::NotFoundError("the seeded state has no edge " + edge);
}

}  // namespace

absl::Status SeedDevices(const std::string& folder, const Fleet& fleet) {
  ASSIGN_OR_RETURN(const Secret master, ReadMasterKey(folder));
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> db, OpenState(folder));
  int64_t organization = 0, time_us = 0;
  {
    Query query(*db, "SELECT o.id, n.state_time_us FROM organizations o, node n LIMIT 1");
    if (!query.Step()) return absl::NotFoundError("the state has no organization");
    organization = query.Int(0);
    time_us = query.Int(1);
  }
  db->Execute("BEGIN IMMEDIATE");
  for (size_t device = 0; device < fleet.size(); ++device) {
    const DeviceId id{fleet.Id(device)};
    const std::string facts = FactsOf(device);
    db->Run(
        "INSERT INTO devices (id, organization, dense, display_name, notes, site, labels, facts, "
        "facts_hash, sealed_secret, monitor_only, held, least_epoch, create_us, update_us, "
        "delete_us, delete_index, version, last_given, highest_reported, expected_last) "
        "VALUES (?, ?, ?, '', '', 'bench', x'', ?, ?, ?, 0, 0, 1, ?, ?, 0, 0, 1, 0, 0, 0)",
        KeyOf(id.value), organization, device, Blob{facts}, server::FactsHash(facts),
        Blob{server::SealDeviceSecret(master, id, fleet.TokenSecret(device))}, time_us, time_us);
  }
  db->Execute("COMMIT");
  db->Checkpoint();
  return absl::OkStatus();
}

absl::Status SeedStatus(const std::string& folder, const Fleet& fleet,
                        const std::vector<std::string>& edges, absl::Time now) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> db, OpenState(folder));
  const int64_t now_us = absl::ToUnixMicros(now);
  std::vector<uint16_t> numbers;
  for (const std::string& edge : edges) {
    ASSIGN_OR_RETURN(const uint16_t number, EdgeNumber(*db, edge));
    numbers.push_back(number);
  }
  db->Execute("BEGIN IMMEDIATE");
  for (size_t first = 0; first < fleet.size(); first += server::kSlabRows) {
    std::vector<StatusRow> rows;
    const size_t end = std::min(fleet.size(), first + server::kSlabRows);
    for (size_t device = first; device < end; ++device) {
      rows.push_back(RowOf(fleet, device, numbers[fleet.EdgeOf(device)], now_us));
    }
    db->Run(
        "INSERT OR REPLACE INTO slabs (slab, idx, bytes) "
        "VALUES (?, (SELECT applied_index FROM node), ?)",
        first / server::kSlabRows, Blob{server::EncodeSlab(rows)});
  }
  db->Run("UPDATE node SET state_time_us = ?, jump_hold_until_us = 0", now_us);
  db->Run("UPDATE edges SET watermark_us = ?1, watermark_seen_us = ?1", now_us);
  db->Execute("COMMIT");
  db->Checkpoint();
  return absl::OkStatus();
}

}  // namespace muster::bench
