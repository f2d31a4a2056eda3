// WatchDevices at the border to gRPC: reads the request, and makes messages of changes. When
// something is sent, and to whom, DeviceWatches decides.
#include "server/grpc_api/device_watch_reactor.h"

#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/watch_reactor.h"

namespace muster::server {
namespace {

constexpr char kWatch[] = "muster.v1.DeviceService/WatchDevices";

// A device that was moved to another organization is gone for this one, and its record is not this
// one's to see any more: the name is all that a client needs to forget it.
v1::Device ShownDevice(const DeviceChange& change, const OrganizationScope& scope) {
  if (change.device.organization == scope.id()) return ToMessage(change.device, scope.slug());
  v1::Device gone;
  gone.set_name(FormatChildName(scope.slug(), "devices", change.device.id.value));
  return gone;
}

class DeviceWatchReactor final
    : public WatchReactor<v1::WatchDevicesResponse, DeviceWatchSink, DeviceWatches> {
 public:
  DeviceWatchReactor(const Gate& gate, const WatchTokens& tokens, DeviceWatches& watches,
                     grpc::CallbackServerContext* context)
      : WatchReactor(gate, watches, context, kWatch), tokens_(tokens) {}

  // After success the reactor may be gone at any moment.
  absl::Status Start(const v1::WatchDevicesRequest& request) {
    ASSIGN_OR_RETURN(const ApiCall call, Open(request));
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request.parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    absl::StatusOr<Filter> filter = Filter::Parse(request.filter());
    if (!filter.ok()) return BadField("filter", filter.status());
    DeviceWatchTerms terms{*std::move(filter), request.include_status(), std::nullopt};
    filter_ = request.filter();
    if (!request.resume_token().empty()) {
      if (!terms.HasPlace()) {
        return BadField("resume_token", "a watch of what check-ins change has none; leave it out");
      }
      ASSIGN_OR_RETURN(terms.after, tokens_.Open(Binding(scope), request.resume_token()));
    }
    // From here on the watches' thread may send and even end the stream, before this call has
    // returned.
    return watches().Start(scope, std::move(terms), this).status();
  }

  void Send(const OrganizationScope& scope, const DeviceWatchMessage& message) override {
    response().Clear();
    for (const DeviceChange& change : message.changes) {
      v1::DeviceChange* out = response().add_changes();
      // The numbers are equal by definition (device_watch.h).
      out->set_kind(static_cast<v1::DeviceChangeKind>(change.kind));
      *out->mutable_device() = ShownDevice(change, scope);
    }
    response().set_synced(message.synced);
    if (message.place.has_value()) {
      response().set_resume_token(tokens_.Seal(Binding(scope), *message.place));
    }
    Write();
  }

 private:
  PageBinding Binding(const OrganizationScope& scope) const {
    return {kWatch, scope.id().value, filter_};
  }

  const WatchTokens& tokens_;
  // As in the request.
  std::string filter_;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchDevicesResponse>* StartDeviceWatch(
    const Gate& gate, const WatchTokens& tokens, DeviceWatches& watches,
    grpc::CallbackServerContext* context, const v1::WatchDevicesRequest& request) {
  return StartWatch(gate, new DeviceWatchReactor(gate, tokens, watches, context), request);
}

}  // namespace muster::server
