// Puts together what a claim needs besides its rule (ClaimBook): which edges routers are told to
// call, and the text that goes into a router's terminal. Both are text of the answer and not part
// of the stored claim, but for the URLs that the agent keeps.
#include "server/grpc_api/claim_service.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"
#include "routeros/script/agent.h"
#include "server/access/resource_names.h"
#include "server/claims/text_profile.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/ordered_list.h"
#include "server/grpc_api/paging.h"
#include "server/grpc_api/request_convert.h"
#include "server/pki/router_roots.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.ClaimService/CreateClaim";
constexpr char kList[] = "muster.v1.ClaimService/ListClaims";
constexpr char kDelete[] = "muster.v1.ClaimService/DeleteClaim";

// A preview shows no claim.
constexpr size_t kClaimDigits = 32;
// The agent tries at most four URLs (device-protocol.md).
// Beside the first.
constexpr int kMostFallbackEdges = 3;

// Every family that an installer can be rendered for, oldest first: the order of the previews.
constexpr routeros::Family kFamilies[] = {routeros::Family::k6_49, routeros::Family::k7_1,
                                          routeros::Family::k7_11, routeros::Family::k7_13,
                                          routeros::Family::k7_17};

// A part of the line and not of the claim. Routers that wait past the claim's end would only find
// out that they were late.
absl::StatusOr<absl::Duration> ReadSpread(const v1::CreateClaimRequest& request,
                                          absl::Duration ttl) {
  if (!request.has_spread()) return absl::ZeroDuration();
  ASSIGN_OR_RETURN(const absl::Duration spread, ReadDuration("spread", request.spread()));
  if (spread < routeros::kShortestSpread || spread > routeros::kLongestSpread) {
    return BadField("spread", "wants 10 s to 6 h");
  }
  if (spread >= (ttl == absl::ZeroDuration() ? ClaimBook::kUsualTtl : ttl)) {
    return BadField("spread", "wants less than ttl: the last routers would find the claim expired");
  }
  return spread;
}

// The edge of the line, then those that the agent turns to; more than one edge only where asked
// for.
absl::StatusOr<std::vector<std::string>> ReadUrls(const EdgeRegistry& edges,
                                                  const v1::CreateClaimRequest& request,
                                                  const std::string& first_url) {
  std::vector<std::string> urls;
  if (request.fallback_edges_size() > kMostFallbackEdges) {
    return BadField("fallback_edges", "wants at most 3");
  }
  for (const std::string& name : request.fallback_edges()) {
    ASSIGN_OR_RETURN(const std::string id, ParseEdgeName("fallback_edges", name));
    // Refuses an edge that was revoked or has not said its URL: no router must be sent there.
    ASSIGN_OR_RETURN(const Edge edge, edges.ChooseForClaim(id));
    if (edge.public_url == first_url ||
        std::find(urls.begin(), urls.end(), edge.public_url) != urls.end()) {
      return BadField("fallback_edges", absl::StrCat(edge.public_url, " comes twice"));
    }
    urls.push_back(edge.public_url);
  }
  // With one edge the list stays empty on purpose: then the agent gets the URL of whatever edge
  // renders it, and a later move of that edge needs no new claim.
  if (!urls.empty()) urls.insert(urls.begin(), first_url);
  return urls;
}

}  // namespace

absl::StatusOr<ClaimTerms> ClaimGrpcService::ReadTerms(
    const OrganizationScope& scope, const v1::CreateClaimRequest& request) const {
  ClaimTerms terms;
  // Taken over as they are; ClaimBook has the limits.
  terms.site = request.site();
  terms.labels = {request.labels().begin(), request.labels().end()};
  terms.max_devices = request.max_devices();
  ASSIGN_OR_RETURN(terms.ttl, ReadDuration("ttl", request.ttl()));
  terms.allowed_source = request.allowed_source();
  terms.approve = request.approve();
  terms.monitor_only = request.monitor_only();
  // proto3 enums are open: a number that a newer client knows must not reach the state.
  if (!v1::Profile_IsValid(request.profile())) {
    return BadField("profile", "wants NORMAL, METERED or SLOW");
  }
  if (!request.replaces_device().empty()) {
    ASSIGN_OR_RETURN(const ChildName name,
                     ParseChildName("replaces_device", request.replaces_device(), "devices"));
    // The parent decides the organization; a name of another one is answered as if it were not
    // there.
    if (name.organization != scope.slug()) return UnknownResource(request.replaces_device());
    terms.replaces = DeviceId{name.id};
    ASSIGN_OR_RETURN(const Device device, devices_.Get(scope, terms.replaces));
    // The board that takes over beats as the old one did, unless the request says else, and never
    // gets more rights on the router than the old one had.
    terms.profile = device.profile;
    terms.monitor_only = terms.monitor_only || device.monitor_only;
  }
  if (request.profile() != v1::PROFILE_UNSPECIFIED) {
    terms.profile = static_cast<Profile>(request.profile());
  }
  return terms;
}

absl::Status ClaimGrpcService::Preview(const ClaimTerms& terms, const std::string& url,
                                       v1::CreateClaimResponse* response) const {
  routeros::InstallerTerms installer;
  installer.url = url;
  installer.urls = terms.urls;
  ASSIGN_OR_RETURN(installer.root_sha256, issuer_.RouterRootSha256());
  const std::vector<std::string> roots = TrustedRootPems(state_);
  if (roots.size() > 1) {
    ASSIGN_OR_RETURN(const CertificateFacts other, ReadCertificate(roots[1]));
    installer.new_root_sha256 = other.sha256;
    installer.new_root_pem = roots[1];
  }
  installer.claim = std::string(kClaimDigits, '0');
  installer.monitor_only = terms.monitor_only;
  installer.profile = TextProfile(terms.profile);
  for (const routeros::Family family : kFamilies) {
    ASSIGN_OR_RETURN(std::string text, routeros::RenderPreview(installer, family));
    v1::ClaimPreview& preview = *response->add_previews();
    preview.set_family(std::string(routeros::FamilyName(family)));
    preview.set_text(std::move(text));
  }
  return absl::OkStatus();
}

absl::Status ClaimGrpcService::Create(const ApiCall& call, const v1::CreateClaimRequest& request,
                                      v1::CreateClaimResponse* response) const {
  ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request.parent()));
  ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
  std::string edge_id;
  if (!request.edge().empty()) {
    ASSIGN_OR_RETURN(edge_id, ParseEdgeName("edge", request.edge()));
  }
  // Before the claim is made: one whose line can't be rendered would be of no use to anybody.
  ASSIGN_OR_RETURN(const Edge edge, edges_.ChooseForClaim(edge_id));
  ASSIGN_OR_RETURN(ClaimTerms terms, ReadTerms(scope, request));
  ASSIGN_OR_RETURN(terms.urls, ReadUrls(edges_, request, edge.public_url));
  routeros::BootstrapTerms line;
  line.url = edge.public_url;
  ASSIGN_OR_RETURN(line.root_sha256, issuer_.RouterRootSha256());
  line.claim = std::string(kClaimDigits, '0');
  ASSIGN_OR_RETURN(line.spread, ReadSpread(request, terms.ttl));
  RETURN_IF_ERROR(routeros::RenderBootstrapLine(line).status());
  // Checks all that Create checks; nothing is proposed, so nothing is in the audit either.
  if (request.validate_only()) {
    RETURN_IF_ERROR(claims_.Check(scope, terms));
    return Preview(terms, edge.public_url, response);
  }
  ASSIGN_OR_RETURN(const CreatedClaim created, claims_.Create(scope, call.audited(), terms));
  *response->mutable_claim() = ToMessage(created.claim, scope.slug());
  // A repetition has the first call's text here, and so gives the same line.
  line.claim = std::string(created.text.Reveal());
  ASSIGN_OR_RETURN(*response->mutable_bootstrap_line(), routeros::RenderBootstrapLine(line));
  return absl::OkStatus();
}

// The body is a function of its own, since it is longer than a lambda should be.
grpc::Status ClaimGrpcService::CreateClaim(grpc::ServerContext* context,
                                           const v1::CreateClaimRequest* request,
                                           v1::CreateClaimResponse* response) {
  return gate_.Run(*context, kCreate, *request,
                   [&](const ApiCall& call) { return Create(call, *request, response); });
}

absl::Status ClaimGrpcService::ListOrdered(const OrganizationScope& scope, const Order& order,
                                           const Page& page, const PageBinding& binding,
                                           v1::ListClaimsResponse* response) const {
  std::string next;
  const auto rows = OrderedPage<Claim>(
      order, page,
      [&](const Claim* last, size_t limit) {
        return claims_.List(scope, last == nullptr ? ClaimId{} : last->id, limit);
      },
      [](const Claim& row, const Order::Part& part, SortKey& key) {
        if (part.field == "name") key.AddText(FormatId(row.id), part.descending);
        if (part.field == "site") key.AddText(row.site, part.descending);
        if (part.field == "create_time") key.AddNumber(row.create_time_us, part.descending);
        if (part.field == "expire_time") key.AddNumber(row.expire_time_us, part.descending);
      },
      [](const Claim& row) { return row.id.value; }, &next);
  for (const Claim& row : rows) *response->add_claims() = ToMessage(row, scope.slug());
  if (!next.empty()) response->set_next_page_token(tokens_.Seal(binding, next));
  return absl::OkStatus();
}

grpc::Status ClaimGrpcService::ListClaims(grpc::ServerContext* context,
                                          const v1::ListClaimsRequest* request,
                                          v1::ListClaimsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    ASSIGN_OR_RETURN(const Order order, ReadOrder(request->order_by(),
                                                  {"name", "site", "create_time", "expire_time"}));
    const PageBinding binding{kList, scope.id().value, request->order_by()};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    if (!order.empty()) return ListOrdered(scope, order, page, binding, response);
    ASSIGN_OR_RETURN(const uint64_t after, IdOfCursor(page.cursor));
    std::vector<Claim> rows = claims_.List(scope, ClaimId{after}, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const Claim& row : rows) *response->add_claims() = ToMessage(row, scope.slug());
    if (more) response->set_next_page_token(tokens_.Seal(binding, IdCursor(rows.back().id.value)));
    return absl::OkStatus();
  });
}

grpc::Status ClaimGrpcService::DeleteClaim(grpc::ServerContext* context,
                                           const v1::DeleteClaimRequest* request,
                                           v1::DeleteClaimResponse* response) {
  return gate_.Run(*context, kDelete, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "claims"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    return claims_.Delete(scope, call.audited(), ClaimId{name.id}, request->etag());
  });
}

}  // namespace muster::server
