#include "server/grpc_api/router_root_service.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"

namespace muster::server {
namespace {

#define METHOD(name) "muster.v1.RouterRootService/" name

absl::StatusOr<uint32_t> ReadNumber(absl::string_view name) {
  uint32_t number = 0;
  if (absl::ConsumePrefix(&name, "routerRoots/") && absl::SimpleAtoi(name, &number) && number > 0) {
    return number;
  }
  return BadField("name", "wants the form routerRoots/NUMBER");
}

absl::StatusOr<size_t> ReadCutOff(int32_t count) {
  if (count < 0) return BadField("accept_cut_off_count", "wants 0 or more");
  return static_cast<size_t>(count);
}

v1::RouterRoot ToMessage(const RouterRootReport& report) {
  v1::RouterRoot out;
  out.set_name(absl::StrCat("routerRoots/", report.root.number));
  out.set_state(report.root.active                ? v1::ROUTER_ROOT_STATE_ACTIVE
                : report.root.retire_time_us != 0 ? v1::ROUTER_ROOT_STATE_RETIRED
                                                  : v1::ROUTER_ROOT_STATE_TRUSTED);
  out.set_sha256(report.sha256);
  out.set_pem(report.root.pem);
  const auto set = [](google::protobuf::Timestamp* field, int64_t time_us) {
    field->set_seconds(time_us / 1'000'000);
    field->set_nanos(static_cast<int32_t>(time_us % 1'000'000 * 1'000));
  };
  if (!report.sha256.empty()) {
    set(out.mutable_expire_time(), absl::ToUnixMicros(report.not_after));
  }
  if (report.root.create_time_us != 0) {
    set(out.mutable_create_time(), report.root.create_time_us);
  }
  if (report.root.activate_time_us != 0) {
    set(out.mutable_activate_time(), report.root.activate_time_us);
  }
  if (report.root.retire_time_us != 0) {
    set(out.mutable_retire_time(), report.root.retire_time_us);
  }
  out.set_trusting_count(static_cast<int32_t>(report.trusting));
  out.set_lacking_count(static_cast<int32_t>(report.lacking));
  for (const std::string& device : report.lacking_devices) out.add_lacking_devices(device);
  for (const std::string& edge : report.edges) {
    out.add_serving_edges(absl::StrCat("edges/", edge));
  }
  return out;
}

}  // namespace

grpc::Status RouterRootGrpcService::ListRouterRoots(grpc::ServerContext* context,
                                                    const v1::ListRouterRootsRequest* request,
                                                    v1::ListRouterRootsResponse* response) {
  return gate_.Run(*context, METHOD("ListRouterRoots"), *request,
                   [&](const ApiCall&) -> absl::Status {
                     ASSIGN_OR_RETURN(const std::vector<RouterRootReport> reports, roots_.List());
                     for (const RouterRootReport& report : reports) {
                       *response->add_router_roots() = ToMessage(report);
                     }
                     return absl::OkStatus();
                   });
}

grpc::Status RouterRootGrpcService::CreateRouterRoot(grpc::ServerContext* context,
                                                     const v1::CreateRouterRootRequest* request,
                                                     v1::CreateRouterRootResponse* response) {
  return gate_.Run(*context, METHOD("CreateRouterRoot"), *request,
                   [&](const ApiCall& call) -> absl::Status {
                     ASSIGN_OR_RETURN(const RouterRootReport report,
                                      roots_.Create(call.caller(), call.audited()));
                     *response->mutable_router_root() = ToMessage(report);
                     return absl::OkStatus();
                   });
}

grpc::Status RouterRootGrpcService::ActivateRouterRoot(grpc::ServerContext* context,
                                                       const v1::ActivateRouterRootRequest* request,
                                                       v1::ActivateRouterRootResponse* response) {
  return gate_.Run(
      *context, METHOD("ActivateRouterRoot"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const uint32_t number, ReadNumber(request->name()));
        ASSIGN_OR_RETURN(const size_t cut_off, ReadCutOff(request->accept_cut_off_count()));
        ASSIGN_OR_RETURN(const RouterRootReport report,
                         roots_.Activate(call.caller(), call.audited(), number, cut_off));
        *response->mutable_router_root() = ToMessage(report);
        return absl::OkStatus();
      });
}

grpc::Status RouterRootGrpcService::RetireRouterRoot(grpc::ServerContext* context,
                                                     const v1::RetireRouterRootRequest* request,
                                                     v1::RetireRouterRootResponse* response) {
  return gate_.Run(
      *context, METHOD("RetireRouterRoot"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const uint32_t number, ReadNumber(request->name()));
        ASSIGN_OR_RETURN(const size_t cut_off, ReadCutOff(request->accept_cut_off_count()));
        ASSIGN_OR_RETURN(const RouterRootReport report,
                         roots_.Retire(call.caller(), call.audited(), number, cut_off));
        *response->mutable_router_root() = ToMessage(report);
        return absl::OkStatus();
      });
}

}  // namespace muster::server
