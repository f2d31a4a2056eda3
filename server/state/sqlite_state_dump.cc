// The whole state as text: two nodes, or a node before and after a start, must give the same. A
// table that is added to the schema is added here, or a difference in it stays unseen.
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

struct Table {
  const char* name;
  const char* sql;
};

// What differs between nodes by right stands in none: kept entries, slabs and how far they are.
constexpr Table kTables[] = {
    {"node",
     "SELECT applied_index, state_time_us, jump_from_us, jump_hold_until_us, ticks, cluster_id, "
     "audit_sequence, audit_hash, next_sequence, feature_level, "
     "key_generation FROM node"},
    {"blobs", "SELECT name, value FROM blobs ORDER BY name"},
    {"requests", "SELECT * FROM requests ORDER BY scope"},
    {"audit", "SELECT * FROM audit ORDER BY sequence"},
    {"organizations", "SELECT * FROM organizations ORDER BY id"},
    {"api_keys", "SELECT * FROM api_keys ORDER BY id"},
    {"claims", "SELECT * FROM claims ORDER BY id"},
    {"enrolments", "SELECT * FROM enrolments ORDER BY claim, nonce_hash"},
    {"devices", "SELECT * FROM devices ORDER BY id"},
    {"departures", "SELECT * FROM departures ORDER BY organization, device"},
    {"preregistrations", "SELECT * FROM preregistrations ORDER BY organization, serial"},
    {"events", "SELECT * FROM events ORDER BY device, seq"},
    // The hash says the body.
    {"scripts", "SELECT hash FROM scripts ORDER BY hash"},
    {"jobs", "SELECT * FROM jobs ORDER BY id"},
    {"job_counts", "SELECT * FROM job_counts ORDER BY job, state"},
    {"library", "SELECT * FROM library ORDER BY organization, name"},
    {"secrets", "SELECT * FROM secrets ORDER BY organization, name"},
    {"job_secrets", "SELECT * FROM job_secrets ORDER BY organization, name, job"},
    {"windows", "SELECT * FROM windows ORDER BY organization, name"},
    {"job_waves", "SELECT * FROM job_waves ORDER BY job, wave"},
    {"job_members", "SELECT * FROM job_members ORDER BY job, part"},
    {"targets", "SELECT * FROM targets ORDER BY job, device"},
    {"numbers", "SELECT * FROM numbers ORDER BY device, number"},
    {"holders", "SELECT * FROM holders ORDER BY device, number, edge"},
    {"edges", "SELECT * FROM edges ORDER BY number"},
    {"router_roots", "SELECT * FROM router_roots ORDER BY number"},
    {"members", "SELECT * FROM members ORDER BY id"},
    {"sealed_keys", "SELECT * FROM sealed_keys ORDER BY generation, member"},
    {"join_tokens", "SELECT * FROM join_tokens ORDER BY id"},
    {"lanes", "SELECT * FROM lanes ORDER BY edge, spool_id, lane"},
};

}  // namespace

std::string SqliteState::Dump() const {
  std::string out;
  auto db = readers_.Get();
  for (const Table& table : kTables) {
    Query query(*db, table.sql);
    while (query.Step()) {
      absl::StrAppend(&out, table.name);
      for (int column = 0; column < query.Columns(); ++column) {
        absl::StrAppend(&out, "|", absl::CHexEscape(query.View(column)));
      }
      out.push_back('\n');
    }
  }
  const size_t count = devices_.size();
  for (size_t index = 0; index < count; ++index) {
    const StatusRow row = devices_.Row(static_cast<DenseIndex>(index));
    absl::StrAppend(
        &out, "status|", index, "|",
        absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(&row), sizeof(row))),
        "\n");
  }
  return out;
}

}  // namespace muster::server
