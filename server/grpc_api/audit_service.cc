// Two ways to look at one table: pages of entries for people, and the chain over all of them as
// proof. The rule of what an entry's hash is over lives in common/audit_chain, where the command
// line uses it too.
#include "server/grpc_api/audit_service.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/audit_chain/audit_chain.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/ordered_list.h"
#include "server/grpc_api/paging.h"
#include "server/grpc_api/request_convert.h"

namespace muster::server {
namespace {

constexpr char kList[] = "muster.v1.AuditService/ListAuditEntries";
constexpr char kVerify[] = "muster.v1.AuditService/VerifyAudit";
// Rows in memory at a time while the chain is followed, however long the audit is.
constexpr size_t kEntriesAtOnce = 1000;

absl::StatusOr<AuditQuery> ReadQuery(const v1::ListAuditEntriesRequest& request,
                                     OrganizationId organization) {
  AuditQuery query;
  query.organization = organization;
  query.actor = request.actor();
  query.method = request.method();
  query.resource = request.resource();
  if (request.has_since()) {
    ASSIGN_OR_RETURN(query.since_us, ReadTime("since", request.since()));
  }
  if (request.has_until()) {
    ASSIGN_OR_RETURN(query.until_us, ReadTime("until", request.until()));
  }
  ASSIGN_OR_RETURN(const Order order, ReadOrder(request.order_by(), {"time"}));
  // Only time can be ordered by, and "time desc" is the same as nothing: newest first.
  query.oldest_first = !order.empty() && !order.parts().front().descending;
  return query;
}

// The request without its place in the list.
std::string QueryText(const ApiCall& call, v1::ListAuditEntriesRequest request) {
  // Another page size is the same list; everything else that is said makes another one, so a token
  // bound to all of it can't be used to look past a filter.
  request.clear_page_size();
  request.clear_page_token();
  return absl::StrCat(call.caller().principal(), "/", request.SerializeAsString());
}

ChainedEntry Chained(const AuditEntry& entry) {
  // By place, in the order of ChainedEntry, which is that of docs/api.md.
  return {entry.sequence,  entry.time_us, entry.organization.value,
          entry.log_index, entry.actor,   entry.method,
          entry.resource,  entry.summary, entry.request_id};
}

}  // namespace

absl::Status AuditGrpcService::List(const ApiCall& call, const v1::ListAuditEntriesRequest& request,
                                    v1::ListAuditEntriesResponse* response) const {
  // None means all organizations and the platform's own entries; only the role platform gets there.
  OrganizationId organization;
  if (!request.parent().empty()) {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request.parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    organization = scope.id();
  } else if (!call.caller().is_platform()) {
    return RoleTooLow("reading the audit of all organizations", "platform");
  }
  ASSIGN_OR_RETURN(const AuditQuery query, ReadQuery(request, organization));
  const std::string query_text = QueryText(call, request);
  const PageBinding binding{kList, organization.value, query_text};
  ASSIGN_OR_RETURN(const Page page,
                   OpenPage(tokens_, binding, request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(const uint64_t after, IdOfCursor(page.cursor));
  std::vector<AuditEntry> rows = state_.ListAudit(query, after, page.size + 1);
  const bool more = rows.size() > page.size;
  if (more) rows.resize(page.size);
  // One log id for the page, and each organization looked up once: a page of the platform's has
  // many entries of few organizations.
  const std::string log_id = state_.LogId();
  std::map<uint64_t, std::string> slugs;
  for (const AuditEntry& row : rows) {
    std::string& slug = slugs[row.organization.value];
    if (row.organization && slug.empty()) {
      const auto found = state_.FindOrganization(row.organization);
      if (found.has_value()) slug = found->slug;
    }
    *response->add_entries() = ToMessage(row, log_id, slug);
  }
  if (more) response->set_next_page_token(tokens_.Seal(binding, IdCursor(rows.back().sequence)));
  return absl::OkStatus();
}

grpc::Status AuditGrpcService::ListAuditEntries(grpc::ServerContext* context,
                                                const v1::ListAuditEntriesRequest* request,
                                                v1::ListAuditEntriesResponse* response) {
  return gate_.Run(*context, kList, *request,
                   [&](const ApiCall& call) { return List(call, *request, response); });
}

// Follows the stored chain from its first entry to what apply holds for its last.
// A long audit takes minutes; nobody waits for one who has hung up.
absl::Status AuditGrpcService::Verify(const grpc::ServerContext& context,
                                      v1::VerifyAuditResponse* response) const {
  // What apply holds in memory of the entry written last. Comparing with it finds a tail that was
  // cut off, which a chain by itself can't: what is left of it still fits.
  const AuditHead head = state_.FindAuditHead();
  AuditQuery query;
  query.oldest_first = true;
  ChainCheck check;
  std::optional<std::string> wrong;
  uint64_t broken = 0;
  // Entries that come meanwhile are for the next time.
  while (!wrong.has_value() && check.last_sequence() < head.sequence) {
    if (context.IsCancelled()) return absl::CancelledError("the caller has gone");
    const auto rows = state_.ListAudit(query, check.last_sequence(), kEntriesAtOnce);
    // No row where there should be one, or a first row that is not entry 1.
    const bool is_cut = rows.empty() || (check.count() == 0 && rows.front().sequence != 1);
    if (is_cut) {
      broken = check.last_sequence() + 1;
      wrong = absl::StrCat("entry ", broken, " is missing");
    }
    for (size_t i = 0; i < rows.size() && !wrong.has_value(); ++i) {
      if (rows[i].sequence > head.sequence) break;
      // Where entries are missing in between, the first that is missing, not the one after the gap.
      broken = std::min(rows[i].sequence, check.last_sequence() + 1);
      wrong = check.Take(Chained(rows[i]), rows[i].previous_hash, rows[i].chain_hash, false);
    }
  }
  if (!wrong.has_value() && check.last_hash() != head.hash) {
    broken = head.sequence;
    wrong = absl::StrCat("entry ", broken, " is not the one that was written last");
  }
  response->set_entry_count(check.count());
  response->set_head_hash(check.last_hash());
  if (!wrong.has_value()) return absl::OkStatus();
  response->set_first_broken_sequence(broken);
  response->set_reason(*wrong);
  return absl::OkStatus();
}

grpc::Status AuditGrpcService::VerifyAudit(grpc::ServerContext* context,
                                           const v1::VerifyAuditRequest* request,
                                           v1::VerifyAuditResponse* response) {
  return gate_.Run(*context, kVerify, *request,
                   [&](const ApiCall&) { return Verify(*context, response); });
}

}  // namespace muster::server
