// A list of names becomes full names, or none of them does: a job for 4,999 of 5,000 named routers
// would not be what was asked for.
#include "cli/commands/named_devices.h"

#include <algorithm>
#include <fstream>
#include <istream>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

// As many as a request may name (request_convert.cc of the server).
constexpr size_t kMostNames = 10'000;
// The kind of mistake shows in the first ones.
constexpr size_t kNamesShown = 5;

absl::StatusOr<std::vector<std::string>> ReadLines(Session& session, const std::string& path) {
  std::ifstream file;
  std::istream* in = session.console().in;
  if (path != "-") {
    file.open(path);
    if (!file) return absl::InvalidArgumentError(absl::StrCat("--devices: can't read ", path));
    in = &file;
  }
  std::vector<std::string> lines;
  std::string line;
  while (std::getline(*in, line)) {
    const std::string name(absl::StripAsciiWhitespace(line));
    if (name.empty() || name[0] == '#') continue;
    lines.push_back(name);
  }
  if (lines.empty()) return absl::InvalidArgumentError("--devices: there is no name in it");
  if (lines.size() > kMostNames) {
    return absl::InvalidArgumentError(
        absl::StrCat("--devices: ", lines.size(), " names; at most ", kMostNames,
                     " go, give the devices a label and use --where for more"));
  }
  return lines;
}

// What each word can mean: full names by id, display name and identity.
// The whole fleet is listed once, instead of a call for each name: 20 calls for 20,000 devices.
absl::StatusOr<std::map<std::string, std::set<std::string>>> ReadMeanings(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  std::map<std::string, std::set<std::string>> meanings;
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_page_size(1000);
  do {
    muster::v1::ListDevicesResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListDevices(context, request, &response);
    }));
    // A set for each word: a device whose display name and identity are the same is still one.
    for (const auto& device : response.devices()) {
      for (const std::string& word :
           {device.name(), ShortName(device.name()), device.display_name(), device.identity()}) {
        if (!word.empty()) meanings[word].insert(device.name());
      }
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return meanings;
}

std::string FirstOf(std::vector<std::string> names) {
  const size_t all = names.size();
  names.resize(std::min(all, kNamesShown));
  const std::string shown = absl::StrJoin(names, ", ");
  return all > kNamesShown ? absl::StrCat(shown, " and ", all - kNamesShown, " more") : shown;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadDeviceNames(Session& session,
                                                         const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(session, path));
  ASSIGN_OR_RETURN(const auto meanings, ReadMeanings(session));
  std::vector<std::string> names;
  // Named twice, perhaps by id and by name, a device is meant once.
  std::set<std::string> taken;
  std::vector<std::string> unknown;
  std::vector<std::string> ambiguous;
  for (const std::string& line : lines) {
    const auto found = meanings.find(line);
    if (found == meanings.end()) {
      unknown.push_back(line);
    } else if (found->second.size() > 1) {
      ambiguous.push_back(line);
    } else if (taken.insert(*found->second.begin()).second) {
      names.push_back(*found->second.begin());
    }
  }
  // Before the ambiguous ones: a name that nobody has is mostly the wrong file.
  if (!unknown.empty()) {
    return absl::NotFoundError(absl::StrCat("no device has the id, display name or identity: ",
                                            FirstOf(unknown), "; see: muster device list"));
  }
  if (!ambiguous.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("more than one device is called: ", FirstOf(ambiguous), "; use their ids"));
  }
  return names;
}

}  // namespace muster::cli
