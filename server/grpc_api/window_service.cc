// Windows at the border to gRPC: their text forms ("KEY=VALUE", weekly times) become values here or
// in the book, and what a window is doing right now is worked out for the answer.
#include "server/grpc_api/window_service.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/request_convert.h"
#include "server/jobs/wait_reason.h"
#include "server/state/window_rules.h"

namespace muster::server {
namespace {

constexpr char kSet[] = "muster.v1.WindowService/SetWindow";
constexpr char kList[] = "muster.v1.WindowService/ListWindows";
constexpr char kDelete[] = "muster.v1.WindowService/DeleteWindow";

absl::StatusOr<MaintenanceWindow> ReadWindow(const OrganizationScope& scope,
                                             const std::string& name,
                                             const v1::MaintenanceWindow& given) {
  MaintenanceWindow window;
  window.name = name;
  // That exactly one of device, site and label is there, the book judges.
  ASSIGN_OR_RETURN(window.device.value,
                   ReadOptionalId(scope, "window.device", given.device(), "devices"));
  window.site = given.site();
  if (!given.label().empty()) {
    // The first one: keys have none, values may.
    const size_t equals = given.label().find('=');
    if (equals == std::string::npos || equals == 0) {
      return BadField("window.label", "wants the form KEY=VALUE");
    }
    window.label_key = given.label().substr(0, equals);
    window.label_value = given.label().substr(equals + 1);
  }
  window.times = given.times();
  window.time_zone = given.time_zone();
  return window;
}

}  // namespace

// Open or not is never stored: it follows from the intervals and the time, and a stored answer
// would be wrong a minute later.
v1::MaintenanceWindow WindowGrpcService::Show(const MaintenanceWindow& window,
                                              absl::string_view slug) const {
  v1::MaintenanceWindow out;
  out.set_name(absl::StrCat("organizations/", slug, "/windows/", window.name));
  if (window.device) out.set_device(FormatChildName(slug, "devices", window.device.value));
  out.set_site(window.site);
  if (!window.label_key.empty()) {
    out.set_label(absl::StrCat(window.label_key, "=", window.label_value));
  }
  out.set_times(window.times);
  out.set_time_zone(window.time_zone);
  // In state time, which is what releases jobs; this machine's clock may differ from it.
  const WindowState now = StateOfWindows({window}, absl::ToUnixMicros(state_.StateTime()));
  out.set_open(now.open);
  // 0 where no further change is known.
  if (now.until_us != 0) out.set_next_change(WindowTime(window, now.until_us));
  return out;
}

grpc::Status WindowGrpcService::SetWindow(grpc::ServerContext* context,
                                          const v1::SetWindowRequest* request,
                                          v1::SetWindowResponse* response) {
  return gate_.Run(*context, kSet, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const NamedChild name,
                     ParseNamedChild("window.name", request->window().name(), "windows"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    ASSIGN_OR_RETURN(const MaintenanceWindow given,
                     ReadWindow(scope, name.name, request->window()));
    // The book works out the intervals for apply, which knows no time zones.
    ASSIGN_OR_RETURN(const MaintenanceWindow set, book_.Set(scope, call.audited(), given));
    *response->mutable_window() = Show(set, scope.slug());
    return absl::OkStatus();
  });
}

grpc::Status WindowGrpcService::ListWindows(grpc::ServerContext* context,
                                            const v1::ListWindowsRequest* request,
                                            v1::ListWindowsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    // All of them in one answer: there are at most 500.
    for (const MaintenanceWindow& window : book_.List(scope)) {
      *response->add_windows() = Show(window, slug);
    }
    return absl::OkStatus();
  });
}

grpc::Status WindowGrpcService::DeleteWindow(grpc::ServerContext* context,
                                             const v1::DeleteWindowRequest* request,
                                             v1::DeleteWindowResponse*) {
  return gate_.Run(*context, kDelete, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const NamedChild name, ParseNamedChild("name", request->name(), "windows"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    return book_.Delete(scope, call.audited(), name.name);
  });
}

}  // namespace muster::server
