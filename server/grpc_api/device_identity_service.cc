// Nearly every call here is the same sentence about one device, so RunChange says it once; the few
// that take more than a name, or answer more than the device, stand for themselves.
#include "server/grpc_api/device_identity_service.h"

#include "common/status/status_macros.h"
#include "routeros/script/agent.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/paging.h"

namespace muster::server {
namespace {

// Joins literals at compile time: twelve names that differ in one word.
#define METHOD(name) "muster.v1.DeviceIdentityService/" name

// Unspecified is refused here, unlike in a claim: a call that sets a profile must say which.
absl::StatusOr<Profile> ReadProfile(v1::Profile profile) {
  if (profile == v1::PROFILE_UNSPECIFIED || !v1::Profile_IsValid(profile)) {
    return BadField("profile", "wants NORMAL, METERED or SLOW");
  }
  return static_cast<Profile>(profile);
}

}  // namespace

// A member function of DeviceIdentity as parameter keeps the rules' names in sight at each call.
// The answer shows the device as it is after the change was applied on this node.
template <typename Request, typename Response>
grpc::Status DeviceIdentityGrpcService::RunChange(grpc::ServerContext& context,
                                                  absl::string_view method, const Request& request,
                                                  Change change, Response* response) {
  return gate_.Run(context, method, request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request.name(), "devices"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    ASSIGN_OR_RETURN(const Device device,
                     (identity_.*change)(scope, call.audited(), DeviceId{name.id}));
    *response->mutable_device() = ToMessage(device, scope.slug());
    return absl::OkStatus();
  });
}

grpc::Status DeviceIdentityGrpcService::AcceptDevice(grpc::ServerContext* context,
                                                     const v1::AcceptDeviceRequest* request,
                                                     v1::AcceptDeviceResponse* response) {
  return RunChange(*context, METHOD("AcceptDevice"), *request, &DeviceIdentity::Accept, response);
}

grpc::Status DeviceIdentityGrpcService::AcceptDeviceIdentity(
    grpc::ServerContext* context, const v1::AcceptDeviceIdentityRequest* request,
    v1::AcceptDeviceIdentityResponse* response) {
  return RunChange(*context, METHOD("AcceptDeviceIdentity"), *request,
                   &DeviceIdentity::AcceptHardware, response);
}

grpc::Status DeviceIdentityGrpcService::ResyncDevice(grpc::ServerContext* context,
                                                     const v1::ResyncDeviceRequest* request,
                                                     v1::ResyncDeviceResponse* response) {
  return RunChange(*context, METHOD("ResyncDevice"), *request, &DeviceIdentity::Resync, response);
}

grpc::Status DeviceIdentityGrpcService::RotateDeviceToken(
    grpc::ServerContext* context, const v1::RotateDeviceTokenRequest* request,
    v1::RotateDeviceTokenResponse* response) {
  return RunChange(*context, METHOD("RotateDeviceToken"), *request, &DeviceIdentity::RotateToken,
                   response);
}

grpc::Status DeviceIdentityGrpcService::RevokeDeviceToken(
    grpc::ServerContext* context, const v1::RevokeDeviceTokenRequest* request,
    v1::RevokeDeviceTokenResponse* response) {
  return RunChange(*context, METHOD("RevokeDeviceToken"), *request, &DeviceIdentity::RevokeToken,
                   response);
}

grpc::Status DeviceIdentityGrpcService::MoveDevice(grpc::ServerContext* context,
                                                   const v1::MoveDeviceRequest* request,
                                                   v1::MoveDeviceResponse* response) {
  return gate_.Run(
      *context, METHOD("MoveDevice"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
        ASSIGN_OR_RETURN(const std::string slug,
                         ParseOrganizationName("organization", request->organization()));
        ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
        // Both ends need a scope: the store takes no organization from a request. Only the role
        // platform can enter two, and the table of roles says so before anything is looked at.
        ASSIGN_OR_RETURN(const OrganizationScope to, call.Enter(slug));
        ASSIGN_OR_RETURN(const Device device,
                         identity_.Move(scope, call.audited(), DeviceId{name.id}, to));
        *response->mutable_device() = ToMessage(device, to.slug());
        return absl::OkStatus();
      });
}

grpc::Status DeviceIdentityGrpcService::ReleaseDevice(grpc::ServerContext* context,
                                                      const v1::ReleaseDeviceRequest* request,
                                                      v1::ReleaseDeviceResponse* response) {
  return gate_.Run(
      *context, METHOD("ReleaseDevice"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
        ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
        // Nothing is proposed and nothing is audited: the line is the same for every router, holds
        // no secret, and whoever has a terminal on the router could type it anyway. The device is
        // still looked up, so that a mistyped name is noticed.
        if (request->offline()) {
          RETURN_IF_ERROR(identity_.FindLive(scope, DeviceId{name.id}).status());
          response->set_removal_line(routeros::RenderRemovalLine());
          return absl::OkStatus();
        }
        // The device stays until its router has reported that the agent is gone, hence a job to
        // follow.
        ASSIGN_OR_RETURN(const ReleasedDevice released,
                         identity_.Release(scope, call.audited(), DeviceId{name.id}));
        *response->mutable_device() = ToMessage(released.device, scope.slug());
        if (released.job)
          response->set_job(FormatChildName(scope.slug(), "jobs", released.job.value));
        return absl::OkStatus();
      });
}

grpc::Status DeviceIdentityGrpcService::PreviewDevice(grpc::ServerContext* context,
                                                      const v1::PreviewDeviceRequest* request,
                                                      v1::PreviewDeviceResponse* response) {
  return gate_.Run(
      *context, METHOD("PreviewDevice"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
        ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
        // For people, and complete: what an operator reads before trusting a router to this.
        ASSIGN_OR_RETURN(std::string text, identity_.Preview(scope, DeviceId{name.id}));
        response->set_text(std::move(text));
        return absl::OkStatus();
      });
}

grpc::Status DeviceIdentityGrpcService::SetDeviceProfile(grpc::ServerContext* context,
                                                         const v1::SetDeviceProfileRequest* request,
                                                         v1::SetDeviceProfileResponse* response) {
  return gate_.Run(
      *context, METHOD("SetDeviceProfile"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
        ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
        ASSIGN_OR_RETURN(const Profile profile, ReadProfile(request->profile()));
        ASSIGN_OR_RETURN(const Device device,
                         identity_.SetProfile(scope, call.audited(), DeviceId{name.id}, profile));
        *response->mutable_device() = ToMessage(device, scope.slug());
        return absl::OkStatus();
      });
}

grpc::Status DeviceIdentityGrpcService::SetDeviceUrls(grpc::ServerContext* context,
                                                      const v1::SetDeviceUrlsRequest* request,
                                                      v1::SetDeviceUrlsResponse* response) {
  return gate_.Run(
      *context, METHOD("SetDeviceUrls"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "devices"));
        ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
        ASSIGN_OR_RETURN(const Device device,
                         identity_.SetUrls(scope, call.audited(), DeviceId{name.id},
                                           {request->urls().begin(), request->urls().end()}));
        *response->mutable_device() = ToMessage(device, scope.slug());
        return absl::OkStatus();
      });
}

grpc::Status DeviceIdentityGrpcService::ImportPreregistrations(
    grpc::ServerContext* context, const v1::ImportPreregistrationsRequest* request,
    v1::ImportPreregistrationsResponse* response) {
  return gate_.Run(
      *context, METHOD("ImportPreregistrations"), *request,
      [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const std::string slug,
                         ParseOrganizationName("parent", request->parent()));
        ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
        std::vector<Preregistration> rows;
        for (const v1::Preregistration& row : request->preregistrations()) {
          rows.push_back({row.serial_number(),
                          row.display_name(),
                          row.site(),
                          {row.labels().begin(), row.labels().end()},
                          0});
        }
        ASSIGN_OR_RETURN(const std::vector<std::string> joined,
                         identity_.Import(scope, call.audited(), rows, request->validate_only()));
        response->mutable_joined_serial_numbers()->Assign(joined.begin(), joined.end());
        return absl::OkStatus();
      });
}

grpc::Status DeviceIdentityGrpcService::ListPreregistrations(
    grpc::ServerContext* context, const v1::ListPreregistrationsRequest* request,
    v1::ListPreregistrationsResponse* response) {
  constexpr char kList[] = METHOD("ListPreregistrations");
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    const PageBinding binding{kList, scope.id().value, ""};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    // The cursor is the last serial number itself: what the table is ordered by.
    std::vector<Preregistration> rows =
        identity_.ListPreregistrations(scope, page.cursor, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const Preregistration& row : rows) *response->add_preregistrations() = ToMessage(row);
    if (more) response->set_next_page_token(tokens_.Seal(binding, rows.back().serial_number));
    return absl::OkStatus();
  });
}

grpc::Status DeviceIdentityGrpcService::DeletePreregistration(
    grpc::ServerContext* context, const v1::DeletePreregistrationRequest* request,
    v1::DeletePreregistrationResponse* response) {
  // It has no fields, and success says it all.
  static_cast<void>(response);
  return gate_.Run(*context, METHOD("DeletePreregistration"), *request,
                   [&](const ApiCall& call) -> absl::Status {
                     ASSIGN_OR_RETURN(const std::string slug,
                                      ParseOrganizationName("parent", request->parent()));
                     ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
                     return identity_.DeletePreregistration(scope, call.audited(),
                                                            request->serial_number());
                   });
}

}  // namespace muster::server
