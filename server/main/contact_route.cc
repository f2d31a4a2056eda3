#include "server/main/contact_route.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"
#include "server/administration/node_view.h"

namespace muster::server {
namespace {

DeviceContacts FromEdge(RouterContacts answer) {
  DeviceContacts contacts;
  for (RouterContact& contact : answer.contacts) {
    contacts.contacts.push_back({static_cast<ContactKind>(contact.kind), contact.time_us,
                                 contact.http_status, std::move(contact.reason)});
  }
  contacts.tls_version = std::move(answer.tls_version);
  contacts.tls_cipher = std::move(answer.tls_cipher);
  contacts.tls_group = std::move(answer.tls_group);
  contacts.tls_resumed = answer.tls_resumed;
  return contacts;
}

DeviceContacts FromNode(node::v1::AskContactsResponse answer) {
  DeviceContacts contacts;
  for (node::v1::RouterContact& contact : *answer.mutable_contacts()) {
    contacts.contacts.push_back({static_cast<ContactKind>(contact.kind()), contact.time_us(),
                                 contact.http_status(), std::move(*contact.mutable_reason())});
  }
  contacts.tls_version = std::move(*answer.mutable_tls_version());
  contacts.tls_cipher = std::move(*answer.mutable_tls_cipher());
  contacts.tls_group = std::move(*answer.mutable_tls_group());
  contacts.tls_resumed = answer.tls_resumed();
  return contacts;
}

}  // namespace

absl::StatusOr<node::v1::AskContactsResponse> AskContactsHere(EdgeListener& edges, DeviceId device,
                                                              absl::Duration deadline) {
  if (!edges.HoldsEdgeOf(device)) {
    return absl::NotFoundError("the edge of the device is not connected to this node");
  }
  ASSIGN_OR_RETURN(RouterContacts answer, edges.AskContacts(device, deadline));
  node::v1::AskContactsResponse response;
  for (RouterContact& contact : answer.contacts) {
    node::v1::RouterContact& out = *response.add_contacts();
    out.set_kind(static_cast<uint32_t>(contact.kind));
    out.set_time_us(contact.time_us);
    out.set_http_status(contact.http_status);
    out.set_reason(std::move(contact.reason));
  }
  response.set_tls_version(std::move(answer.tls_version));
  response.set_tls_cipher(std::move(answer.tls_cipher));
  response.set_tls_group(std::move(answer.tls_group));
  response.set_tls_resumed(answer.tls_resumed);
  return response;
}

absl::StatusOr<std::vector<std::string>> ContactRoute::Others() const {
  ASSIGN_OR_RETURN(const std::vector<MemberReport> reports, member_->Members());
  const absl::Time oldest = absl::Now() - kSilentAfter;
  std::vector<std::string> addresses;
  for (const MemberReport& report : reports) {
    if (report.node_id() == member_->id() || report.edge_address().empty()) continue;
    if (absl::FromUnixMicros(report.time_us()) < oldest) continue;
    addresses.push_back(report.edge_address());
  }
  return addresses;
}

absl::StatusOr<DeviceContacts> ContactRoute::Ask(DeviceId device, absl::Duration deadline) const {
  const Deadline end(deadline);
  absl::StatusOr<RouterContacts> own = edges_.AskContacts(device, deadline);
  if (own.ok()) return FromEdge(*std::move(own));
  // An edge that has gone in between may be at another node by now.
  if (!absl::IsUnavailable(own.status()) || member_ == nullptr) return own.status();
  const std::string here(own.status().message());
  const absl::StatusOr<std::vector<std::string>> others = Others();
  if (!others.ok()) {
    return absl::UnavailableError(absl::StrCat(here, " here, and the other nodes can't be found: ",
                                               std::string(others.status().message())));
  }
  absl::StatusOr<node::v1::AskContactsResponse> answer =
      client_->AskContacts(*others, device.value, end.Left());
  if (answer.ok()) return FromNode(*std::move(answer));
  if (absl::IsNotFound(answer.status())) {
    return absl::UnavailableError(absl::StrCat(here, ", neither here nor at another node"));
  }
  return absl::UnavailableError(
      absl::StrCat(here, " here; ", std::string(answer.status().message())));
}

}  // namespace muster::server
