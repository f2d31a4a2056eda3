// muster.v1.DeviceIdentityService.
#pragma once

#include <string>

#include "muster/v1/device_identity_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/claims/device_identity.h"
#include "server/grpc_api/gate.h"

namespace muster::server {

class DeviceIdentityGrpcService final : public v1::DeviceIdentityService::Service {
 public:
  DeviceIdentityGrpcService(const Gate& gate, const PageTokens& tokens, DeviceIdentity& identity)
      : gate_(gate), tokens_(tokens), identity_(identity) {}

  grpc::Status AcceptDevice(grpc::ServerContext* context, const v1::AcceptDeviceRequest* request,
                            v1::AcceptDeviceResponse* response) override;
  grpc::Status AcceptDeviceIdentity(grpc::ServerContext* context,
                                    const v1::AcceptDeviceIdentityRequest* request,
                                    v1::AcceptDeviceIdentityResponse* response) override;
  grpc::Status ResyncDevice(grpc::ServerContext* context, const v1::ResyncDeviceRequest* request,
                            v1::ResyncDeviceResponse* response) override;
  grpc::Status MoveDevice(grpc::ServerContext* context, const v1::MoveDeviceRequest* request,
                          v1::MoveDeviceResponse* response) override;
  grpc::Status ReleaseDevice(grpc::ServerContext* context, const v1::ReleaseDeviceRequest* request,
                             v1::ReleaseDeviceResponse* response) override;
  grpc::Status PreviewDevice(grpc::ServerContext* context, const v1::PreviewDeviceRequest* request,
                             v1::PreviewDeviceResponse* response) override;
  grpc::Status RotateDeviceToken(grpc::ServerContext* context,
                                 const v1::RotateDeviceTokenRequest* request,
                                 v1::RotateDeviceTokenResponse* response) override;
  grpc::Status RevokeDeviceToken(grpc::ServerContext* context,
                                 const v1::RevokeDeviceTokenRequest* request,
                                 v1::RevokeDeviceTokenResponse* response) override;
  grpc::Status SetDeviceProfile(grpc::ServerContext* context,
                                const v1::SetDeviceProfileRequest* request,
                                v1::SetDeviceProfileResponse* response) override;
  grpc::Status ImportPreregistrations(grpc::ServerContext* context,
                                      const v1::ImportPreregistrationsRequest* request,
                                      v1::ImportPreregistrationsResponse* response) override;
  grpc::Status ListPreregistrations(grpc::ServerContext* context,
                                    const v1::ListPreregistrationsRequest* request,
                                    v1::ListPreregistrationsResponse* response) override;
  grpc::Status DeletePreregistration(grpc::ServerContext* context,
                                     const v1::DeletePreregistrationRequest* request,
                                     v1::DeletePreregistrationResponse* response) override;

 private:
  using Change = absl::StatusOr<Device> (DeviceIdentity::*)(const OrganizationScope& scope,
                                                            const AuditedCall& call, DeviceId id);
  // A call that changes the device named in it, and answers it.
  template <typename Request, typename Response>
  grpc::Status RunChange(grpc::ServerContext& context, absl::string_view method,
                         const Request& request, Change change, Response* response);

  const Gate& gate_;
  const PageTokens& tokens_;
  DeviceIdentity& identity_;
};

}  // namespace muster::server
