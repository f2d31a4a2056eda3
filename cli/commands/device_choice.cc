// Commands over several devices go through here: first a look at what a filter means, then the same
// filter to the server.
#include "cli/commands/device_choice.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/device_report.h"
#include "cli/output/text_table.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

// As many as a person looks through before answering a question; the count says the rest.
constexpr int kMatchesShown = 20;
constexpr int kLargestPage = 1000;

absl::Status NothingMatches(const std::string& filter) {
  return absl::NotFoundError(
      absl::StrCat("no device matches ", filter, "\nSee what there is: muster device list"));
}

absl::StatusOr<muster::v1::ListDevicesResponse> ListPage(Session& session,
                                                         const std::string& filter, int size,
                                                         const std::string& token) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(filter);
  request.set_page_size(size);
  // Good for this filter only; both come from the same loop.
  request.set_page_token(token);
  muster::v1::ListDevicesResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->ListDevices(context, request, &response);
  }));
  return response;
}

}  // namespace

Matches MatchesOf(const std::vector<muster::v1::Device>& devices) {
  const size_t shown = std::min<size_t>(devices.size(), kMatchesShown);
  return {.first = {devices.begin(), devices.begin() + static_cast<std::ptrdiff_t>(shown)},
          .count = static_cast<int64_t>(devices.size())};
}

absl::StatusOr<Matches> FindMatches(Session& session, const std::string& filter) {
  ASSIGN_OR_RETURN(const auto response, ListPage(session, filter, kMatchesShown, ""));
  Matches matches;
  matches.first.assign(response.devices().begin(), response.devices().end());
  // The server's count is of the moment of the page; it can't be less than what came.
  matches.count = std::max<int64_t>(response.total_size(), response.devices_size());
  // An error and not a success over nothing: a mistyped filter must not look like a job well done.
  if (matches.count == 0) return NothingMatches(filter);
  return matches;
}

absl::StatusOr<std::vector<muster::v1::Device>> AllMatches(Session& session,
                                                           const std::string& filter) {
  std::vector<muster::v1::Device> devices;
  std::string token;
  do {
    ASSIGN_OR_RETURN(const auto response, ListPage(session, filter, kLargestPage, token));
    devices.insert(devices.end(), response.devices().begin(), response.devices().end());
    token = response.next_page_token();
  } while (!token.empty());
  if (devices.empty()) return NothingMatches(filter);
  return devices;
}

// On stderr, since stdout belongs to what the command does; cut to the terminal as any table.
void ShowMatches(Session& session, const Matches& matches) {
  const Report report = DeviceListReport(matches.first, session.now());
  int hidden = 0;
  *session.console().err << DrawTable(report.tables.front(), {.width = session.console().width},
                                      &hidden);
  const int64_t rest = matches.count - static_cast<int64_t>(matches.first.size());
  if (rest > 0) *session.console().err << "... and " << rest << " more\n";
  session.Note(
      absl::StrCat(matches.count, matches.count == 1 ? " device matches" : " devices match"));
}

absl::StatusOr<std::vector<std::string>> NamesFromStdin(Session& session) {
  std::vector<std::string> names;
  // White space around a name goes, so that lines of `column` or of a Windows file do.
  for (std::string line; std::getline(*session.console().in, line);) {
    const absl::string_view name = absl::StripAsciiWhitespace(line);
    if (!name.empty()) names.emplace_back(name);
  }
  if (names.empty()) {
    return absl::InvalidArgumentError("no device was named on stdin; give one a line");
  }
  return names;
}

}  // namespace muster::cli
