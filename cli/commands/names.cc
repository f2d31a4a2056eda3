// From what people type to resource names. An id goes before a name that looks like one; a name
// that two devices have is refused with what tells them apart, and never guessed.
#include "cli/commands/names.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

constexpr size_t kCandidatesShown = 10;
// What the server takes.
constexpr size_t kLongestRequestId = 64;

// Taken as it is, also of another organization than the settings': it was pasted, and it says what
// it means.
bool IsFullName(absl::string_view collection, absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  return parts.size() == 4 && parts[0] == "organizations" && IsSlug(parts[1]) &&
         parts[2] == collection && ParseId(parts[3]).has_value();
}

// The devices whose display name or identity is exactly `text`.
absl::StatusOr<std::vector<muster::v1::Device>> DevicesCalled(Session& session,
                                                              const std::string& text) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  const std::string quoted = QuoteForFilter(text);
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(absl::StrCat("display_name = ", quoted, " OR identity = ", quoted));
  // One page: who has a thousand devices of one name needs ids anyway.
  request.set_page_size(1000);
  muster::v1::ListDevicesResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->ListDevices(context, request, &response);
  }));
  std::vector<muster::v1::Device> found;
  // A name that people type is meant as it stands, whatever the server takes for a wildcard.
  for (const auto& device : response.devices()) {
    if (device.display_name() == text || device.identity() == text) found.push_back(device);
  }
  return found;
}

absl::Status Ambiguous(const std::string& text, const std::vector<muster::v1::Device>& devices) {
  std::string message =
      absl::StrCat(devices.size(), " devices are called \"", text, "\"; name one by its id:");
  for (size_t i = 0; i < std::min(devices.size(), kCandidatesShown); ++i) {
    const auto& device = devices[i];
    // What somebody may know of the router in front of them.
    absl::StrAppend(&message, "\n  ", ShortName(device.name()), "  identity ", device.identity(),
                    ", serial ", device.serial_number(), ", address ",
                    device.status().source_address());
  }
  if (devices.size() > kCandidatesShown) {
    absl::StrAppend(&message, "\n  and ", devices.size() - kCandidatesShown, " more");
  }
  return absl::FailedPreconditionError(message);
}

absl::StatusOr<bool> DeviceExists(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  muster::v1::GetDeviceRequest request;
  request.set_name(name);
  muster::v1::GetDeviceResponse response;
  const absl::Status status = connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->GetDevice(context, request, &response);
  });
  // An answer here and no error: the text may be a name yet.
  if (absl::IsNotFound(status)) return false;
  RETURN_IF_ERROR(status);
  return true;
}

}  // namespace

std::string ShortName(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == absl::string_view::npos ? name : name.substr(slash + 1));
}

absl::StatusOr<std::string> NameInOrganization(Session& session, absl::string_view collection,
                                               absl::string_view text) {
  if (IsFullName(collection, text)) return std::string(text);
  // Said here, since the server would only say that it isn't there.
  if (!ParseId(text).has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" is no id; wants 13 characters or organizations/ORGANIZATION/", collection,
        "/ID; see: muster ", collection.substr(0, collection.size() - 1), " list"));
  }
  ASSIGN_OR_RETURN(const std::string organization, session.OrganizationName());
  return absl::StrCat(organization, "/", collection, "/", text);
}

absl::StatusOr<std::string> TopLevelName(absl::string_view collection, absl::string_view text) {
  absl::string_view last = text;
  // Both forms, as lists print the short one and -o name the full one.
  absl::ConsumePrefix(&last, absl::StrCat(collection, "/"));
  if (last.empty() || last.find('/') != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no name in ", collection,
                                                   "; wants NAME or ", collection, "/NAME"));
  }
  return absl::StrCat(collection, "/", last);
}

absl::StatusOr<std::string> FindDevice(Session& session, const std::string& text) {
  if (text.empty())
    return absl::InvalidArgumentError("the device's name is empty; see: muster device list");
  if (IsFullName("devices", text)) return text;
  // 13 characters of the id's alphabet; a device may be called so too, hence the look whether that
  // id exists.
  if (ParseId(text).has_value()) {
    ASSIGN_OR_RETURN(const std::string organization, session.OrganizationName());
    const std::string name = absl::StrCat(organization, "/devices/", text);
    ASSIGN_OR_RETURN(const bool exists, DeviceExists(session, name));
    if (exists) return name;
  }
  ASSIGN_OR_RETURN(const std::vector<muster::v1::Device> devices, DevicesCalled(session, text));
  if (devices.size() == 1) return devices.front().name();
  if (devices.size() > 1) return Ambiguous(text, devices);
  ASSIGN_OR_RETURN(const std::string organization, session.OrganizationName());
  return absl::NotFoundError(absl::StrCat("no device of ", organization,
                                          " has the id, display name or identity \"", text,
                                          "\"; see: muster device list"));
}

std::string PartRequestId(absl::string_view request_id, absl::string_view part) {
  std::string id = absl::StrCat(request_id, "-", part);
  if (id.size() <= kLongestRequestId) return id;
  return absl::BytesToHexString(Hash256(id));
}

// In one pass, so that a backslash that was added is not escaped again.
std::string QuoteForFilter(absl::string_view text) {
  return absl::StrCat(
      "\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"*", "\\*"}}), "\"");
}

// Words of the API in the form in which people write them; a value that this program does not know
// comes out as protobuf names it.
std::string EnumWord(absl::string_view name, absl::string_view prefix) {
  absl::ConsumePrefix(&name, prefix);
  return absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"_", "-"}}));
}

std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  return absl::StrJoin(sorted, ",", absl::PairFormatter("="));
}

}  // namespace muster::cli
