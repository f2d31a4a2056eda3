// The flow of every handler here: the gate lets the call in, names in the request become ids,
// KeyRing decides. An organization in a request is only a wish until the authorizer has made a
// scope of it.
#include "server/grpc_api/api_key_service.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/ordered_list.h"
#include "server/grpc_api/paging.h"
#include "server/grpc_api/request_convert.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.ApiKeyService/CreateApiKey";
constexpr char kList[] = "muster.v1.ApiKeyService/ListApiKeys";
constexpr char kRevoke[] = "muster.v1.ApiKeyService/RevokeApiKey";

absl::StatusOr<ApiKeyTerms> ReadTerms(const v1::ApiKey& key) {
  ApiKeyTerms terms;
  if (!key.organization().empty()) {
    ASSIGN_OR_RETURN(terms.organization,
                     ParseOrganizationName("api_key.organization", key.organization()));
  }
  // proto3 enums are open: a newer client may send a role that is none here, and a cast would make
  // it one above platform.
  if (key.role() < v1::ROLE_VIEWER || key.role() > v1::ROLE_PLATFORM) {
    return BadField("api_key.role", "wants VIEWER, OPERATOR, ADMIN or PLATFORM");
  }
  terms.role = static_cast<Role>(key.role());
  terms.display_name = key.display_name();
  // Absent means for ever, which a time of 0 could not tell from 1970.
  if (key.has_expire_time()) {
    ASSIGN_OR_RETURN(terms.expire_time_us, ReadTime("api_key.expire_time", key.expire_time()));
  }
  return terms;
}

}  // namespace

v1::ApiKey ApiKeyGrpcService::Show(const ApiKey& key) const {
  // An organization can't be deleted, so a slug is missing for keys of the role platform only.
  const std::optional<Organization> organization =
      key.organization ? state_.FindOrganization(key.organization) : std::nullopt;
  return ToMessage(key, organization.has_value() ? organization->slug : "");
}

grpc::Status ApiKeyGrpcService::CreateApiKey(grpc::ServerContext* context,
                                             const v1::CreateApiKeyRequest* request,
                                             v1::CreateApiKeyResponse* response) {
  return gate_.Run(*context, kCreate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ApiKeyTerms terms, ReadTerms(request->api_key()));
    ASSIGN_OR_RETURN(const CreatedApiKey created,
                     keys_.Create(call.caller(), call.audited(), terms));
    // The text goes into the answer and nowhere else: the state has its hash, and for repetitions
    // the text sealed under the master key.
    *response->mutable_api_key() = Show(created.key);
    response->set_key(std::string(created.text.Reveal()));
    return absl::OkStatus();
  });
}

absl::Status ApiKeyGrpcService::ListOrdered(const ApiCall& call, OrganizationId organization,
                                            const Order& order, const Page& page,
                                            const PageBinding& binding,
                                            v1::ListApiKeysResponse* response) const {
  // Asked once for the right to list at all: inside OrderedPage there is no way to return an error,
  // so a refusal would look like an empty list.
  RETURN_IF_ERROR(keys_.List(call.caller(), organization, ApiKeyId{}, 1).status());
  std::string next;
  const auto rows = OrderedPage<ApiKey>(
      order, page,
      [&](const ApiKey* last, size_t limit) {
        const ApiKeyId after = last == nullptr ? ApiKeyId{} : last->id;
        return keys_.List(call.caller(), organization, after, limit)
            .value_or(std::vector<ApiKey>());
      },
      [](const ApiKey& row, const Order::Part& part, SortKey& key) {
        if (part.field == "name") key.AddText(FormatId(row.id), part.descending);
        if (part.field == "display_name") key.AddText(row.display_name, part.descending);
        if (part.field == "role") key.AddNumber(static_cast<int64_t>(row.role), part.descending);
        if (part.field == "create_time") key.AddNumber(row.create_time_us, part.descending);
        if (part.field == "expire_time") {
          key.AddNumber(EndOrNever(row.expire_time_us), part.descending);
        }
      },
      [](const ApiKey& row) { return row.id.value; }, &next);
  for (const ApiKey& row : rows) *response->add_api_keys() = Show(row);
  if (!next.empty()) response->set_next_page_token(tokens_.Seal(binding, next));
  return absl::OkStatus();
}

grpc::Status ApiKeyGrpcService::ListApiKeys(grpc::ServerContext* context,
                                            const v1::ListApiKeysRequest* request,
                                            v1::ListApiKeysResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    // Stays none where the request names no organization: all keys, which KeyRing gives to the role
    // platform only.
    OrganizationId organization;
    if (!request->organization().empty()) {
      ASSIGN_OR_RETURN(const std::string slug,
                       ParseOrganizationName("organization", request->organization()));
      ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
      organization = scope.id();
    }
    ASSIGN_OR_RETURN(const Order order,
                     ReadOrder(request->order_by(),
                               {"name", "display_name", "role", "create_time", "expire_time"}));
    // The principal is in the binding because an admin and the role platform see different lists
    // under one method and organization.
    const std::string query = absl::StrCat(call.caller().principal(), "/", request->order_by());
    const PageBinding binding{kList, organization.value, query};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    if (!order.empty()) return ListOrdered(call, organization, order, page, binding, response);
    ASSIGN_OR_RETURN(const uint64_t after, IdOfCursor(page.cursor));
    // One row more than the page tells whether there is a next one, without counting all.
    ASSIGN_OR_RETURN(std::vector<ApiKey> rows,
                     keys_.List(call.caller(), organization, ApiKeyId{after}, page.size + 1));
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const ApiKey& row : rows) *response->add_api_keys() = Show(row);
    if (more) response->set_next_page_token(tokens_.Seal(binding, IdCursor(rows.back().id.value)));
    return absl::OkStatus();
  });
}

grpc::Status ApiKeyGrpcService::RevokeApiKey(grpc::ServerContext* context,
                                             const v1::RevokeApiKeyRequest* request,
                                             v1::RevokeApiKeyResponse* response) {
  return gate_.Run(*context, kRevoke, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ApiKeyId id, ParseApiKeyName("name", request->name()));
    ASSIGN_OR_RETURN(const ApiKey key, keys_.Revoke(call.caller(), call.audited(), id));
    *response->mutable_api_key() = Show(key);
    return absl::OkStatus();
  });
}

}  // namespace muster::server
