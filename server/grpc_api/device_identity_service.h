// muster.v1.DeviceIdentityService.
//
// The decisions about who a device is, one call each. Most of them change the one device that they
// name and answer it as it is after that; the rules, with what to do instead where a device is in
// no state for it, are those of DeviceIdentity and docs/identity.md.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied.
// Errors:   NotFound for a device of another organization, as for one that never was;
//           FailedPrecondition where the device's state forbids it; what the gate refuses (gate.h).
// Example:  tests/api/device_identity_service_test.cc.
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

  // Lets a pending device have jobs; no effect on others.
  grpc::Status AcceptDevice(grpc::ServerContext* context, const v1::AcceptDeviceRequest* request,
                            v1::AcceptDeviceResponse* response) override;
  // Takes the hardware that reports now for the device's own (a board was swapped); its jobs go on.
  grpc::Status AcceptDeviceIdentity(grpc::ServerContext* context,
                                    const v1::AcceptDeviceIdentityRequest* request,
                                    v1::AcceptDeviceIdentityResponse* response) override;
  // Takes the last job number that the router says as true (it was restored from a backup, say);
  // its jobs go on.
  grpc::Status ResyncDevice(grpc::ServerContext* context, const v1::ResyncDeviceRequest* request,
                            v1::ResyncDeviceResponse* response) override;
  // Moves a device into another organization. The caller must be able to enter both, which only the
  // role platform can. The answer has the name that it got there.
  grpc::Status MoveDevice(grpc::ServerContext* context, const v1::MoveDeviceRequest* request,
                          v1::MoveDeviceResponse* response) override;
  // Starts a job that takes the agent off; the device is a tombstone when that has succeeded. With
  // `offline` nothing is changed: the answer is the line to paste on a router that is out of reach.
  grpc::Status ReleaseDevice(grpc::ServerContext* context, const v1::ReleaseDeviceRequest* request,
                             v1::ReleaseDeviceResponse* response) override;
  // Answers what Muster has on the router, as text for people. Reads only.
  grpc::Status PreviewDevice(grpc::ServerContext* context, const v1::PreviewDeviceRequest* request,
                             v1::PreviewDeviceResponse* response) override;
  // Sends a new token along with an agent update; the old one works until the new one is used.
  grpc::Status RotateDeviceToken(grpc::ServerContext* context,
                                 const v1::RotateDeviceTokenRequest* request,
                                 v1::RotateDeviceTokenResponse* response) override;
  // Refuses every token of the device at once: the router is out until it joins again.
  grpc::Status RevokeDeviceToken(grpc::ServerContext* context,
                                 const v1::RevokeDeviceTokenRequest* request,
                                 v1::RevokeDeviceTokenResponse* response) override;
  // Changes where its agent posts, by an agent update too.
  grpc::Status SetDeviceUrls(grpc::ServerContext* context, const v1::SetDeviceUrlsRequest* request,
                             v1::SetDeviceUrlsResponse* response) override;
  // Changes how often the router beats, by an agent update: the interval is part of its text.
  grpc::Status SetDeviceProfile(grpc::ServerContext* context,
                                const v1::SetDeviceProfileRequest* request,
                                v1::SetDeviceProfileResponse* response) override;
  // Takes all rows or none, so that a file can be mended and sent again as it is.
  grpc::Status ImportPreregistrations(grpc::ServerContext* context,
                                      const v1::ImportPreregistrationsRequest* request,
                                      v1::ImportPreregistrationsResponse* response) override;
  // Lists routers that are expected, by serial number.
  grpc::Status ListPreregistrations(grpc::ServerContext* context,
                                    const v1::ListPreregistrationsRequest* request,
                                    v1::ListPreregistrationsResponse* response) override;
  // Forgets one of them. NotFound where it is not there, or its router has joined.
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
