// What operators decide about who a device is. Each call is one command; whether the device is in a
// state for it is judged in apply (state/apply/identity.cc), since the router may change that at
// any moment.
#include "server/claims/device_identity.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "routeros/script/agent.h"
#include "routeros/token/token.h"
#include "server/access/resource_names.h"
#include "server/claims/text_profile.h"
#include "server/devices/device_directory.h"
#include "server/errors/errors.h"
#include "server/pki/device_secret.h"
#include "server/state/identity_rules.h"

namespace muster::server {
namespace {

// A preview shows no claim.
constexpr size_t kClaimDigits = 32;
constexpr size_t kLongestSerial = 64;
constexpr size_t kLongestText = 128;
constexpr size_t kOpenTargets = 1000;
// A router that is away may come back within this time and is released then.
constexpr absl::Duration kReleaseTtl = absl::Hours(24 * 7);

absl::Status CheckRow(const Preregistration& row, size_t place) {
  // The place in the list, so that the client can name the line of its file.
  const std::string field = absl::StrCat("preregistrations[", place, "]");
  if (row.serial_number.empty()) return BadField(absl::StrCat(field, ".serial_number"), "is empty");
  RETURN_IF_ERROR(
      CheckText(absl::StrCat(field, ".serial_number"), row.serial_number, kLongestSerial, false));
  RETURN_IF_ERROR(
      CheckText(absl::StrCat(field, ".display_name"), row.display_name, kLongestText, false));
  RETURN_IF_ERROR(CheckText(absl::StrCat(field, ".site"), row.site, kLongestText, false));
  return CheckLabels(absl::StrCat(field, ".labels"), row.labels);
}

absl::Status CheckRows(const std::vector<Preregistration>& rows) {
  if (rows.empty() || rows.size() > DeviceIdentity::kMostImported) {
    return BadField("preregistrations",
                    absl::StrCat("wants 1 to ", DeviceIdentity::kMostImported, " of them"));
  }
  // Twice in one list is a mistake of the file: which row counts?
  std::set<std::string> serials;
  for (size_t place = 0; place < rows.size(); ++place) {
    RETURN_IF_ERROR(CheckRow(rows[place], place));
    if (!serials.insert(rows[place].serial_number).second) {
      return BadField(absl::StrCat("preregistrations[", place, "].serial_number"),
                      absl::StrCat("\"", rows[place].serial_number, "\" comes twice"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<routeros::Family> FamilyOfDevice(const Device& device) {
  ASSIGN_OR_RETURN(const routeros::Version version,
                   routeros::ParseVersion(device.routeros_version));
  return routeros::FamilyOf(version);
}

IdentityView ViewOf(const Device& device) {
  return {.id = device.id.value,
          .hold = device.hold_kind,
          .monitor_only = device.monitor_only,
          .revoked = device.revoke_time_us != 0,
          .releasing = static_cast<bool>(device.release_job)};
}

// Or on its way there.
bool IsAtRouter(JobTargetState state) {
  return state == JobTargetState::kAtEdge || state == JobTargetState::kSent ||
         state == JobTargetState::kRunning || state == JobTargetState::kCancelling;
}

template <typename Message>
void Name(Message* message, const OrganizationScope& scope, DeviceId id) {
  message->set_device_id(id.value);
  message->set_organization_id(scope.id().value);
}

}  // namespace

absl::StatusOr<Device> DeviceIdentity::FindLive(const OrganizationScope& scope, DeviceId id) const {
  std::optional<Device> device = state_.FindDevice(id);
  const std::string name = FormatChildName(scope.slug(), "devices", id.value);
  if (!device.has_value() || device->organization != scope.id()) return UnknownResource(name);
  if (device->delete_time_us != 0) return DeviceDeleted(name);
  return *std::move(device);
}

absl::Status DeviceIdentity::CheckLive(const OrganizationScope& scope, const AuditedCall& call,
                                       DeviceId id) const {
  const absl::Status live = FindLive(scope, id).status();
  if (live.ok() || call.request_id.empty()) return live;
  // Whether it is the same request is judged in apply, which takes no second change of it.
  const auto seen =
      state_.FindRequest(scope.id(), scope.caller().principal(), call.method, call.request_id);
  return seen.has_value() ? absl::OkStatus() : live;
}

absl::StatusOr<Device> DeviceIdentity::Propose(const OrganizationScope& scope,
                                               internal::v1::Command command, DeviceId id) {
  // Refusals of apply say what to do instead; they go out as they are.
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  std::optional<Device> device = state_.FindDevice(id);
  const bool ours = device.has_value() && device->organization == scope.id();
  if (!applied.repeated || !ours) return FindLive(scope, id);
  return *std::move(device);
}

absl::StatusOr<Device> DeviceIdentity::Accept(const OrganizationScope& scope,
                                              const AuditedCall& call, DeviceId id) {
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  Name(command.mutable_accept_device(), scope, id);
  return Propose(scope, std::move(command), id);
}

absl::StatusOr<Device> DeviceIdentity::AcceptHardware(const OrganizationScope& scope,
                                                      const AuditedCall& call, DeviceId id) {
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    RETURN_IF_ERROR(MayAcceptHardware(ViewOf(device)));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  Name(command.mutable_accept_identity(), scope, id);
  return Propose(scope, std::move(command), id);
}

absl::StatusOr<Device> DeviceIdentity::Resync(const OrganizationScope& scope,
                                              const AuditedCall& call, DeviceId id) {
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    RETURN_IF_ERROR(MayResync(ViewOf(device)));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  Name(command.mutable_resync_device(), scope, id);
  return Propose(scope, std::move(command), id);
}

absl::StatusOr<Device> DeviceIdentity::Move(const OrganizationScope& scope, const AuditedCall& call,
                                            DeviceId id, const OrganizationScope& to) {
  if (call.validate_only) {
    ASSIGN_OR_RETURN(Device device, FindLive(scope, id));
    if (to.id() == scope.id()) {
      return absl::FailedPreconditionError(
          absl::StrCat("device ", FormatId(id), " is there already"));
    }
    IdentityView view = ViewOf(device);
    for (const JobTarget& target : state_.ListOpenTargets(id, kOpenTargets)) {
      if (IsAtRouter(target.state)) view.open_job = target.job.value;
    }
    RETURN_IF_ERROR(MayMove(view));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  Name(command.mutable_move_device(), scope, id);
  command.mutable_move_device()->set_to_organization_id(to.id().value);
  const absl::StatusOr<Applied> applied = log_.Propose(std::move(command));
  if (absl::IsNotFound(applied.status())) {
    return UnknownResource(FormatChildName(scope.slug(), "devices", id.value));
  }
  RETURN_IF_ERROR(applied.status());
  // In the other scope: in this one it does not exist any more.
  return FindLive(to, id);
}

absl::StatusOr<ReleasedDevice> DeviceIdentity::Release(const OrganizationScope& scope,
                                                       const AuditedCall& call, DeviceId id) {
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    RETURN_IF_ERROR(MayRelease(ViewOf(device)));
    return ReleasedDevice{.device = device, .job = {}};
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::ReleaseDevice& release = *command.mutable_release_device();
  Name(&release, scope, id);
  release.set_job_id(RandomId());
  // The text of this program, kept in the job: a later version can read what was sent.
  release.set_script(routeros::RenderRemoval());
  release.set_ttl_us(absl::ToInt64Microseconds(kReleaseTtl));
  release.set_creator(command.actor().principal());
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  ReleasedDevice released;
  // Of the first call, where this is a repetition.
  released.job = JobId{applied.result.resource_id()};
  // A tombstone is possible by now, so this is no FindLive.
  std::optional<Device> now = state_.FindDevice(id);
  if (!now.has_value() || now->organization != scope.id()) {
    return UnknownResource(FormatChildName(scope.slug(), "devices", id.value));
  }
  released.device = *std::move(now);
  return released;
}

absl::StatusOr<std::string> DeviceIdentity::Preview(const OrganizationScope& scope,
                                                    DeviceId id) const {
  ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
  ASSIGN_OR_RETURN(const routeros::Family family, FamilyOfDevice(device));
  routeros::InstallerTerms terms;
  terms.urls = device.urls;
  // The edge whose installer it ran, as far as we know: the one that it talks to.
  if (terms.urls.empty()) {
    const std::optional<Edge> edge = state_.FindEdge(device.status.edge);
    if (edge.has_value()) terms.urls = {edge->public_url};
  }
  if (terms.urls.empty()) {
    return absl::FailedPreconditionError("the device has not checked in yet");
  }
  terms.url = terms.urls.front();
  ASSIGN_OR_RETURN(terms.root_sha256, issuer_.RouterRootSha256());
  // The preview is of what lies on the router, where no claim is kept.
  terms.claim = std::string(kClaimDigits, '0');
  terms.monitor_only = device.monitor_only;
  terms.profile = TextProfile(device.profile);
  return routeros::RenderPreview(terms, family);
}

absl::StatusOr<Device> DeviceIdentity::RotateToken(const OrganizationScope& scope,
                                                   const AuditedCall& call, DeviceId id) {
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    RETURN_IF_ERROR(MayRotateToken(ViewOf(device)));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::RotateToken& rotate = *command.mutable_rotate_token();
  Name(&rotate, scope, id);
  // Made and sealed here, since apply draws no random numbers; unused where a rotation is under way
  // already.
  ASSIGN_OR_RETURN(*rotate.mutable_proposed_sealed_secret(),
                   SealDeviceSecret(organization_keys_, scope.id(), id,
                                    RandomSecret(routeros::kTokenSecretBytes)));
  rotate.set_agent_version(std::string(routeros::AgentVersion()));
  return Propose(scope, std::move(command), id);
}

absl::StatusOr<Device> DeviceIdentity::RevokeToken(const OrganizationScope& scope,
                                                   const AuditedCall& call, DeviceId id) {
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  Name(command.mutable_revoke_token(), scope, id);
  return Propose(scope, std::move(command), id);
}

absl::StatusOr<Device> DeviceIdentity::SetProfile(const OrganizationScope& scope,
                                                  const AuditedCall& call, DeviceId id,
                                                  Profile profile) {
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    RETURN_IF_ERROR(MayChangeAgent(ViewOf(device)));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::SetAgentTerms& terms = *command.mutable_set_agent_terms();
  Name(&terms, scope, id);
  terms.set_profile(static_cast<uint32_t>(profile));
  terms.set_agent_version(std::string(routeros::AgentVersion()));
  return Propose(scope, std::move(command), id);
}

absl::StatusOr<Device> DeviceIdentity::SetUrls(const OrganizationScope& scope,
                                               const AuditedCall& call, DeviceId id,
                                               const std::vector<std::string>& urls) {
  RETURN_IF_ERROR(CheckAgentUrls("urls", urls));
  RETURN_IF_ERROR(CheckLive(scope, call, id));
  if (call.validate_only) {
    ASSIGN_OR_RETURN(const Device device, FindLive(scope, id));
    RETURN_IF_ERROR(MayChangeAgent(ViewOf(device)));
    return device;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::SetAgentTerms& terms = *command.mutable_set_agent_terms();
  Name(&terms, scope, id);
  terms.set_replace_urls(true);
  terms.mutable_urls()->Add(urls.begin(), urls.end());
  terms.set_agent_version(std::string(routeros::AgentVersion()));
  return Propose(scope, std::move(command), id);
}

absl::StatusOr<std::vector<std::string>> DeviceIdentity::Import(
    const OrganizationScope& scope, const AuditedCall& call,
    const std::vector<Preregistration>& rows, bool validate_only) {
  RETURN_IF_ERROR(CheckRows(rows));
  std::vector<std::string> joined;
  for (const Preregistration& row : rows) {
    // Named and not refused: half a list is often there already.
    if (state_.FindDeviceBySerial(scope.id(), row.serial_number)) {
      joined.push_back(row.serial_number);
    }
  }
  if (validate_only) return joined;
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::ImportDevices& import = *command.mutable_import_devices();
  import.set_organization_id(scope.id().value);
  for (const Preregistration& row : rows) {
    internal::v1::Preregistration& one = *import.add_devices();
    one.set_serial_number(row.serial_number);
    one.set_display_name(row.display_name);
    one.set_site(row.site);
    for (const auto& [key, value] : row.labels) {
      internal::v1::Label& label = *one.add_labels();
      label.set_key(key);
      label.set_value(value);
    }
  }
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  return joined;
}

std::vector<Preregistration> DeviceIdentity::ListPreregistrations(const OrganizationScope& scope,
                                                                  absl::string_view after,
                                                                  size_t limit) const {
  return state_.ListPreregistrations(scope.id(), after, limit);
}

absl::Status DeviceIdentity::DeletePreregistration(const OrganizationScope& scope,
                                                   const AuditedCall& call,
                                                   absl::string_view serial_number) {
  if (call.validate_only) {
    if (state_.HasPreregistration(scope.id(), serial_number)) return absl::OkStatus();
    return UnknownResource(absl::StrCat("preregistration ", CleanText(serial_number)));
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  command.mutable_delete_preregistration()->set_organization_id(scope.id().value);
  command.mutable_delete_preregistration()->set_serial_number(std::string(serial_number));
  const absl::Status status = log_.Propose(std::move(command)).status();
  if (absl::IsNotFound(status)) {
    return UnknownResource(absl::StrCat("preregistration ", CleanText(serial_number)));
  }
  return status;
}

}  // namespace muster::server
