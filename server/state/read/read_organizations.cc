// Reads organizations, keys, claims, blobs and the audit.
#include <limits>

#include "server/state/apply/requests.h"
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

#define ORGANIZATION_COLUMNS "id, slug, display_name, create_us, code_page"
#define API_KEY_COLUMNS \
  "id, organization, role, display_name, key_hash, create_us, expire_us, revoke_us"
#define CLAIM_COLUMNS                                                                  \
  "id, organization, claim_hash, create_us, expire_us, max_devices, "                  \
  "used_devices, allowed_source, allowed_network, allowed_prefix_bits, site, labels, " \
  "monitor_only, approve, profile, replaces, urls"
// The hash of the entry before comes along, so that whoever reads one entry can check its link.
#define AUDIT_COLUMNS                                                                    \
  "sequence, time_us, actor, method, resource, summary, request_id, organization, idx, " \
  "chain_hash, (SELECT p.chain_hash FROM audit p WHERE p.sequence = audit.sequence - 1)"

#define AUDIT_SELECT(WHOSE, DIRECTION)                                                            \
  "SELECT " AUDIT_COLUMNS " FROM audit WHERE " WHOSE                                              \
  " AND sequence > ?2 AND sequence < ?3 AND (?4 = '' OR actor = ?4) AND instr(method, ?5) > "     \
  "0 AND instr(resource, ?6) > 0 AND time_us >= ?7 AND time_us < ?8 ORDER BY sequence " DIRECTION \
  " LIMIT ?9"

// Four literals, because Database keeps a statement by the address of its text. The organization's
// index is used where there is one; without, the whole table is walked.
constexpr const char* kNewestOfAll = AUDIT_SELECT("?1 = ?1", "DESC");
constexpr const char* kOldestOfAll = AUDIT_SELECT("?1 = ?1", "ASC");
constexpr const char* kNewestOfOrganization = AUDIT_SELECT("organization = ?1", "DESC");
constexpr const char* kOldestOfOrganization = AUDIT_SELECT("organization = ?1", "ASC");

Organization ReadOrganization(const Query& query) {
  return {OrganizationId{IdOf(query.Int(0))}, query.Text(1), query.Text(2), query.Int(3),
          static_cast<uint32_t>(query.Int(4))};
}

ApiKey ReadApiKey(const Query& query) {
  ApiKey key;
  key.id = ApiKeyId{IdOf(query.Int(0))};
  key.organization = OrganizationId{IdOf(query.Int(1))};
  key.role = static_cast<Role>(query.Int(2));
  key.display_name = query.Text(3);
  key.key_hash = query.Text(4);
  key.create_time_us = query.Int(5);
  key.expire_time_us = query.Int(6);
  key.revoke_time_us = query.Int(7);
  return key;
}

Claim ReadClaim(const Query& query) {
  Claim claim;
  claim.id = ClaimId{IdOf(query.Int(0))};
  claim.organization = OrganizationId{IdOf(query.Int(1))};
  claim.claim_hash = query.Text(2);
  claim.create_time_us = query.Int(3);
  claim.expire_time_us = query.Int(4);
  claim.max_devices = static_cast<uint32_t>(query.Int(5));
  claim.used_devices = static_cast<uint32_t>(query.Int(6));
  claim.allowed_source = query.Text(7);
  claim.allowed_network = query.Text(8);
  claim.allowed_prefix_bits = static_cast<uint32_t>(query.Int(9));
  claim.site = query.Text(10);
  claim.labels = DecodeLabels(query.View(11));
  claim.monitor_only = query.Bool(12);
  claim.approve = query.Bool(13);
  claim.profile = static_cast<Profile>(query.Int(14));
  if (!query.IsNull(15)) claim.replaces = DeviceId{IdOf(query.Int(15))};
  internal::v1::Urls urls;
  const absl::string_view bytes = query.View(16);
  if (urls.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    claim.urls.assign(urls.urls().begin(), urls.urls().end());
  }
  return claim;
}

Preregistration ReadPreregistration(const Query& query) {
  return {query.Text(0), query.Text(1), query.Text(2), DecodeLabels(query.View(3)), query.Int(4)};
}

AuditEntry ReadAudit(const Query& query) {
  AuditEntry entry;
  entry.sequence = query.Unsigned(0);
  entry.time_us = query.Int(1);
  entry.actor = query.Text(2);
  entry.method = query.Text(3);
  entry.resource = query.Text(4);
  entry.summary = query.Text(5);
  entry.request_id = query.Text(6);
  entry.organization = OrganizationId{IdOf(query.Int(7))};
  entry.log_index = query.Unsigned(8);
  entry.chain_hash = query.Text(9);
  entry.previous_hash = query.Text(10);
  return entry;
}

// Readers of a row are plain functions; these two say how many rows are wanted.
template <typename T>
std::optional<T> One(Query& query, T (*read)(const Query&)) {
  if (!query.Step()) return std::nullopt;
  return read(query);
}

template <typename T>
std::vector<T> All(Query& query, T (*read)(const Query&)) {
  std::vector<T> rows;
  while (query.Step()) rows.push_back(read(query));
  return rows;
}

}  // namespace

std::vector<Preregistration> SqliteState::ListPreregistrations(OrganizationId organization,
                                                               absl::string_view after_serial,
                                                               size_t limit) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT serial, display_name, site, labels, create_us FROM preregistrations "
              "WHERE organization = ? AND serial > ? ORDER BY serial LIMIT ?",
              KeyOf(organization.value), after_serial, limit);
  return All(query, ReadPreregistration);
}

bool SqliteState::HasPreregistration(OrganizationId organization, absl::string_view serial) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT 1 FROM preregistrations WHERE organization = ? AND serial = ?",
              KeyOf(organization.value), serial);
  return query.Step();
}

std::optional<std::string> SqliteState::FindBlob(absl::string_view name) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT value FROM blobs WHERE name = ?", name);
  if (!query.Step()) return std::nullopt;
  return query.Text(0);
}

std::optional<Organization> SqliteState::FindOrganization(OrganizationId id) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " ORGANIZATION_COLUMNS " FROM organizations WHERE id = ?",
              KeyOf(id.value));
  return One(query, ReadOrganization);
}

std::optional<Organization> SqliteState::FindOrganizationBySlug(absl::string_view slug) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " ORGANIZATION_COLUMNS " FROM organizations WHERE slug = ?", slug);
  return One(query, ReadOrganization);
}

std::vector<Organization> SqliteState::ListOrganizations(absl::string_view after_slug,
                                                         size_t limit) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT " ORGANIZATION_COLUMNS
              " FROM organizations WHERE slug > ? ORDER BY slug LIMIT ?",
              after_slug, limit);
  return All(query, ReadOrganization);
}

std::optional<ApiKey> SqliteState::FindApiKey(ApiKeyId id) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " API_KEY_COLUMNS " FROM api_keys WHERE id = ?", KeyOf(id.value));
  return One(query, ReadApiKey);
}

std::optional<ApiKey> SqliteState::FindApiKeyByHash(absl::string_view key_hash) const {
  // Keys are asked for with every call of the API; a read of the file each time would be most of
  // its cost.
  uint64_t generation = 0;
  const std::string hash(key_hash);
  {
    MutexLock lock(mutex_);
    const auto found = api_keys_.find(hash);
    if (found != api_keys_.end()) return found->second;
    generation = api_key_generation_;
  }
  std::optional<ApiKey> key = ReadApiKeyByHash(hash);
  MutexLock lock(mutex_);
  // Changed meanwhile: what was read may be old. Unknown hashes are not kept: a guesser would
  // fill the memory.
  if (key.has_value() && generation == api_key_generation_) api_keys_[hash] = *key;
  return key;
}

std::optional<ApiKey> SqliteState::ReadApiKeyByHash(absl::string_view key_hash) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " API_KEY_COLUMNS " FROM api_keys WHERE key_hash = ?", Blob{key_hash});
  return One(query, ReadApiKey);
}

std::vector<ApiKey> SqliteState::ListApiKeys(OrganizationId organization, ApiKeyId after,
                                             size_t limit) const {
  auto db = readers_.Get();
  if (!organization) {
    Query query(*db, "SELECT " API_KEY_COLUMNS " FROM api_keys WHERE id > ? ORDER BY id LIMIT ?",
                KeyOf(after.value), limit);
    return All(query, ReadApiKey);
  }
  Query query(*db,
              "SELECT " API_KEY_COLUMNS
              " FROM api_keys WHERE organization = ? AND id > ? ORDER BY id LIMIT ?",
              KeyOf(organization.value), KeyOf(after.value), limit);
  return All(query, ReadApiKey);
}

std::optional<Claim> SqliteState::FindClaim(ClaimId id) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " CLAIM_COLUMNS " FROM claims WHERE id = ?", KeyOf(id.value));
  return One(query, ReadClaim);
}

std::optional<Claim> SqliteState::FindClaimByHash(absl::string_view claim_hash) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " CLAIM_COLUMNS " FROM claims WHERE claim_hash = ?", Blob{claim_hash});
  return One(query, ReadClaim);
}

std::vector<Claim> SqliteState::ListClaims(OrganizationId organization, ClaimId after,
                                           size_t limit) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT " CLAIM_COLUMNS
              " FROM claims WHERE organization = ? AND id > ? ORDER BY id LIMIT ?",
              KeyOf(organization.value), KeyOf(after.value), limit);
  return All(query, ReadClaim);
}

std::vector<AuditEntry> SqliteState::ListAudit(const AuditQuery& wanted, uint64_t after_sequence,
                                               size_t limit) const {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  const auto after = static_cast<int64_t>(after_sequence);
  const bool up = wanted.oldest_first;
  const char* const sql = wanted.organization ? (up ? kOldestOfOrganization : kNewestOfOrganization)
                                              : (up ? kOldestOfAll : kNewestOfAll);
  auto db = readers_.Get();
  Query query(*db, sql, KeyOf(wanted.organization.value), up ? after : 0,
              up || after == 0 ? kEnd : after, wanted.actor, wanted.method, wanted.resource,
              wanted.since_us, wanted.until_us == 0 ? kEnd : wanted.until_us, limit);
  return All(query, ReadAudit);
}

AuditHead SqliteState::FindAuditHead() const {
  const NodeState node = Published();
  return {node.audit_sequence, node.audit_hash};
}

std::optional<State::SeenRequest> SqliteState::FindRequest(OrganizationId organization,
                                                           absl::string_view principal,
                                                           absl::string_view method,
                                                           absl::string_view request_id) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT digest, result FROM requests WHERE scope = ?",
              Blob{RequestScope(organization.value, principal, method, request_id)});
  if (!query.Step()) return std::nullopt;
  return SeenRequest{query.Text(0), query.Text(1)};
}

}  // namespace muster::server
