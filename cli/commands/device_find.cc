// Finds a router by whatever somebody has at hand: a sticker, an invoice, a line of a firewall log.
// All of it becomes one filter, so the server does the looking and 20,000 devices need not be
// fetched.
#include "cli/commands/device_find.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/device_report.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

// Two bytes: fewer are in nearly every address.
constexpr size_t kFewestMacDigits = 4;
constexpr size_t kMostMacDigits = 12;

// `part` in lower case already.
bool Holds(absl::string_view text, absl::string_view part) {
  return !part.empty() && absl::StrContains(absl::AsciiStrToLower(text), part);
}

// How a filter asks for an address: a whole one, a range, or a part of an IPv4 address; empty for
// what is none of them.
std::string AddressPattern(absl::string_view text) {
  // "203.0.113.0/24" is judged by what stands before the slash; the filter knows ranges.
  const std::string host(text.substr(0, text.find('/')));
  std::array<unsigned char, 16> bytes;
  if (inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
      inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) {
    return QuoteForFilter(text);
  }
  // With a dot in it, or any number of a serial would count as a piece of an address.
  const bool is_part = std::all_of(text.begin(), text.end(),
                                   [](char c) { return absl::ascii_isdigit(c) || c == '.'; });
  if (!is_part || !absl::StrContains(text, ".")) return "";
  // Only digits and dots: nothing in it needs quoting.
  return absl::StrCat("\"*", text, "*\"");
}

Outcome Find(Session& session) {
  const std::string text(absl::StripAsciiWhitespace(session.Text("TEXT")));
  if (text.empty()) return absl::InvalidArgumentError("there is no text to look for");
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(FindFilter(text));
  request.set_show_deleted(session.Switch("deleted"));
  // One page: who gets more than that looks for a longer text, as the remark says.
  request.set_page_size(1000);
  muster::v1::ListDevicesResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->ListDevices(context, request, &response);
  }));
  const std::vector<muster::v1::Device> devices(response.devices().begin(),
                                                response.devices().end());
  if (devices.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no device of ", request.parent(), " has \"", text,
                     "\" in its name, id, identity, serial number, MAC address or address",
                     session.Switch("deleted") ? "" : "; --deleted looks at deleted ones too"));
  }
  if (!response.next_page_token().empty()) {
    session.Note(absl::StrCat("the first ", devices.size(), " of ", response.total_size(),
                              " devices; look for a longer text"));
  }
  Report report = DeviceListReport(devices, session.now());
  Table& table = report.tables.front();
  // Behind id and name, since it says why a row is there at all; titles and cells at the same
  // place.
  table.columns.insert(table.columns.begin() + 2, {"FOUND IN"});
  for (size_t i = 0; i < devices.size(); ++i) {
    table.rows[i].insert(table.rows[i].begin() + 2, Cell(FoundIn(devices[i], text)));
  }
  return session.Show(report);
}

}  // namespace

std::string MacPart(absl::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (absl::ascii_isxdigit(c)) {
      digits += absl::ascii_tolower(c);
    } else if (c != ':' && c != '-' && c != '.' && c != ' ') {
      return "";
    }
  }
  if (digits.size() < kFewestMacDigits || digits.size() > kMostMacDigits) return "";
  std::string mac;
  for (size_t i = 0; i < digits.size(); ++i) {
    // As Muster writes them, whatever was typed: filters compare texts.
    if (i > 0 && i % 2 == 0) mac += ':';
    mac += digits[i];
  }
  return mac;
}

std::string FindFilter(absl::string_view text) {
  const std::string quoted = QuoteForFilter(text);
  std::vector<std::string> parts;
  // ":" is "holds" in the filter language, in any case of letters (docs/filter.md).
  for (const char* field : {"display_name", "identity", "serial", "name"}) {
    parts.push_back(absl::StrCat(field, ":", quoted));
  }
  const std::string mac = MacPart(text);
  if (!mac.empty()) parts.push_back(absl::StrCat("mac:", QuoteForFilter(mac)));
  const std::string address = AddressPattern(text);
  if (!address.empty()) parts.push_back(absl::StrCat("address:", address));
  return absl::StrJoin(parts, " OR ");
}

std::string FoundIn(const muster::v1::Device& device, absl::string_view text) {
  const std::string wanted = absl::AsciiStrToLower(text);
  std::vector<std::string> places;
  if (Holds(device.display_name(), wanted)) places.push_back("name");
  if (Holds(device.identity(), wanted)) places.push_back("identity");
  if (Holds(device.serial_number(), wanted)) places.push_back("serial");
  if (Holds(device.mac_address(), MacPart(text))) places.push_back("mac");
  if (Holds(ShortName(device.name()), wanted)) places.push_back("id");
  // Which address lies in the range the server has decided; comparing texts here would say no.
  const bool by_range = absl::StrContains(text, "/") && !AddressPattern(text).empty();
  if (by_range || Holds(device.status().source_address(), wanted)) places.push_back("address");
  return absl::StrJoin(places, ",");
}

Command DeviceFindCommand() {
  Command find;
  find.noun = "device";
  find.verb = "find";
  find.summary = "Find devices by a part of their serial number, MAC, address, identity or name";
  find.positionals = {{"TEXT", "what to look for, in any case; a MAC address in any notation"}};
  find.flags = {{"deleted", "", "deleted devices too"}};
  find.examples =
      "  muster device find HC10000\n"
      "  muster device find 48a9.8a00.1122\n"
      "  muster device find 203.0.113.0/24\n"
      "  muster device find riga -o name";
  find.run = Find;
  return find;
}

}  // namespace muster::cli
