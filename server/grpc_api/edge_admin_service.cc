// Edges as the platform's operators see them. No OrganizationScope anywhere in this file: edges
// belong to no organization, and the table of roles lets only the role platform in.
#include "server/grpc_api/edge_admin_service.h"

#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/ordered_list.h"
#include "server/grpc_api/paging.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.EdgeAdminService/CreateEdge";
constexpr char kList[] = "muster.v1.EdgeAdminService/ListEdges";
constexpr char kRevoke[] = "muster.v1.EdgeAdminService/RevokeEdge";

}  // namespace

grpc::Status EdgeAdminGrpcService::CreateEdge(grpc::ServerContext* context,
                                              const v1::CreateEdgeRequest* request,
                                              v1::CreateEdgeResponse* response) {
  return gate_.Run(*context, kCreate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(
        const CreatedEdge created,
        edges_.Create(call.caller(), call.audited(), request->edge_id(), request->public_url()));
    *response->mutable_edge() = ToMessage(created.edge, state_.StateTime());
    // Shown this once; a repetition under the same request id opens the sealed copy of it.
    response->set_join_file(std::string(created.join_file.Reveal()));
    return absl::OkStatus();
  });
}

// Edges are told apart by their name, so ties are broken by that.
absl::Status EdgeAdminGrpcService::ListOrdered(const Order& order, const Page& page,
                                               const PageBinding& binding,
                                               v1::ListEdgesResponse* response) const {
  std::string next;
  const auto rows = OrderedPage<Edge>(
      order, page,
      [&](const Edge* last, size_t limit) {
        return edges_.List(last == nullptr ? "" : last->id, limit);
      },
      [](const Edge& row, const Order::Part& part, SortKey& key) {
        if (part.field == "name") key.AddText(row.id, part.descending);
        if (part.field == "create_time") key.AddNumber(row.create_time_us, part.descending);
        if (part.field == "device_count") key.AddNumber(row.device_count, part.descending);
        if (part.field == "last_watermark_time") key.AddNumber(row.watermark_us, part.descending);
      },
      [](const Edge& row) { return absl::string_view(row.id); }, &next);
  for (const Edge& row : rows) *response->add_edges() = ToMessage(row, state_.StateTime());
  if (!next.empty()) response->set_next_page_token(tokens_.Seal(binding, next));
  return absl::OkStatus();
}

grpc::Status EdgeAdminGrpcService::ListEdges(grpc::ServerContext* context,
                                             const v1::ListEdgesRequest* request,
                                             v1::ListEdgesResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const Order order,
                     ReadOrder(request->order_by(),
                               {"name", "create_time", "device_count", "last_watermark_time"}));
    // 0: of no organization.
    const PageBinding binding{kList, 0, request->order_by()};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    if (!order.empty()) return ListOrdered(order, page, binding, response);
    // The cursor is the last edge's name. One row more than the page tells whether there is a next.
    std::vector<Edge> rows = edges_.List(page.cursor, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const Edge& row : rows) *response->add_edges() = ToMessage(row, state_.StateTime());
    if (more) response->set_next_page_token(tokens_.Seal(binding, rows.back().id));
    return absl::OkStatus();
  });
}

grpc::Status EdgeAdminGrpcService::RevokeEdge(grpc::ServerContext* context,
                                              const v1::RevokeEdgeRequest* request,
                                              v1::RevokeEdgeResponse* response) {
  return gate_.Run(*context, kRevoke, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string id, ParseEdgeName("name", request->name()));
    ASSIGN_OR_RETURN(const Edge edge, edges_.Revoke(call.caller(), call.audited(), id));
    // State as of now in state time: what the change has made of it.
    *response->mutable_edge() = ToMessage(edge, state_.StateTime());
    return absl::OkStatus();
  });
}

}  // namespace muster::server
